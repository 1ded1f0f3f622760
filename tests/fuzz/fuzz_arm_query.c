/* fuzz_arm_query.c - every pair of a query that parses can be looked up. */
#include "arm/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	struct arm_query q;
	struct err e;

	if (arm_query_parse(&a, (struct str){ (const char *)data, size }, &q, &e) != 0)
		return 0;
	for (unsigned i = 0; i < q.count; i++)
		if (arm_query_get(&q, q.pair[i].key) == NULL)
			abort();
	return 0;
}
