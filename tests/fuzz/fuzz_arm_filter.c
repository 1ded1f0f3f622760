/* fuzz_arm_filter.c - a filter's clauses have known keys and no empty value. */
#include "arm/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "status", "operation", "startTime", NULL };
	auto_arena struct arena a = { 0 };
	const char *text = arena_str(&a, (struct str){ (const char *)data, size });
	struct arm_filter f;
	struct err e;
	int64_t us;

	if (text == NULL || arm_filter_parse(&a, text, keys, &f, &e) != 0)
		return 0;
	for (unsigned i = 0; i < f.count; i++)
		if (arm_filter_get(&f, f.clause[i].key) == NULL || f.clause[i].value[0] == '\0')
			abort();
	(void)(arm_filter_time(&f, "startTime", &us, &e) == 0);
	return 0;
}
