/* fuzz_blob_range.c - a range lies within the size; conditions end in a known status. */
#include "api/blob_range.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	const char *text = arena_str(&a, (struct str){ (const char *)data, size });
	struct conditions k = { text, text, text, text }, since = { NULL, NULL, text, text };
	int64_t offset = -1, length = -1;
	int status;

	if (text == NULL)
		return 0;
	if (range_parse(text, 1000, &offset, &length) == RANGE_PART &&
	    (offset < 0 || length < 1 || offset + length > 1000))
		abort();
	status = conditions_check(&k, "\"0x8D1\"", 1);
	if (status != 0 && status != 304 && status != 412)
		abort();
	(void)conditions_check(&since, "\"0x8D1\"", 1);
	return 0;
}
