/* fuzz_arm_id.c - an id that parses has a canonical form that is the same id. */
#include "arm/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	struct str text = { (const char *)data, size }, group, vm;
	struct arm_id id, again;
	struct err e;
	char *canonical;

	if (arm_workload_name_parse(text, &group, &vm) && (group.n == 0 || vm.n == 0))
		abort();
	if (arm_id_parse(text, &id, &e) != 0)
		return 0;
	canonical = arm_id_canonical(&a, &id);
	if (canonical == NULL || !arm_id_same(text, str_c(canonical)) ||
	    arm_id_parse(str_c(canonical), &again, &e) != 0 || again.depth != id.depth)
		abort();
	return 0;
}
