/* fuzz_vault_check.c - what a verification notes of a point, below the seal. */
#include "vault/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct vault_check c;

	if (!check_parse((struct str){ (const char *)p, n }, NULL, &c))
		return 0;
	if (c.disk > POINT_DISKS_MAX || c.offset < 0 || c.covered > c.total ||
	    strlen(c.first) >= sizeof(c.first))
		abort();
	return 0;
}
