/* fuzz_qcow2.c - the qcow2 header, which a guest's owner may have written. */
#include <stdlib.h>

#include "disk/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t virtual_size = -1;
	struct err e;

	if (qcow2_header(data, size, &virtual_size, &e) == 0 && virtual_size < 0)
		abort();
	return 0;
}
