/* fuzz_settings.c - any text as holdfast.conf: refused with a reason, or read whole. */
#include "work/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings *s = NULL;
	struct err e = { 0 };

	if (settings_parse((struct str){ (const char *)data, size }, "f", "/d", &s, &e) != 0) {
		if (e.kind == ERR_NONE || e.msg[0] == '\0' || s != NULL)
			abort();
		return 0;
	}
	if (s->region_count == 0 || s->host_names[0] == NULL)
		abort();
	for (size_t i = 0; i < s->region_count; i++) {
		const struct region_settings *r = &s->regions[i];

		if (r->pair == NULL || (r->store == NULL ? region_is_here(r) : *r->store != '/'))
			abort();
	}
	settings_free(s);
	return 0;
}
