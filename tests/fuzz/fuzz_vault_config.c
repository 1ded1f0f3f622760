/* fuzz_vault_config.c - a vault's config: what parses is written back unchanged. */
#include "vault/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t again[CONFIG_SIZE];
	struct config c;
	struct err e = { 0 };

	if (config_parse(p, n, &c, &e) != 0)
		return 0;
	config_write(&c, again);
	if (n != sizeof(again) || memcmp(p, again, n) != 0)
		abort();
	return 0;
}
