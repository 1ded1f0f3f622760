/* fuzz_arm_path.c - no path leads to an empty, "." or ".." segment. */
#include "arm/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	struct arm_path p;
	struct err e;

	if (arm_path_split(&a, (struct str){ (const char *)data, size }, &p, &e) != 0)
		return 0;
	for (unsigned i = 0; i < p.count; i++) {
		struct str s = p.segment[i];

		if (s.n == 0 || str_eq(s, STR(".")) || str_eq(s, STR("..")) ||
		    memchr(s.p, 0, s.n) != NULL)
			abort();
	}
	return 0;
}
