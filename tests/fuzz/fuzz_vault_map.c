/* fuzz_vault_map.c - map nodes: what parses is written back unchanged. */
#include "vault/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct map_node node;
	static uint8_t again[MAP_NODE_MAX];
	struct err e = { 0 };

	if (map_node_parse(p, n, &node, &e) != 0)
		return 0;
	if (map_node_write(&node, again) != n || memcmp(p, again, n) != 0)
		abort();
	return 0;
}
