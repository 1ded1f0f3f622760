/* fuzz_vault_point.c - a point's header ('h' first) and its body below the seal: what parses is
 * written back unchanged. */
#include "vault/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void header(const uint8_t *p, size_t n)
{
	uint8_t salt[16], again[SEALED_HEADER_SIZE];
	struct err e = { 0 };

	if (sealed_header_parse("HFPOINT", "point", p, n, salt, &e) != 0)
		return;
	sealed_header_write("HFPOINT", salt, again);
	memcpy(again + 8, p + 8, 4);	/* an older version may have been read */
	if (memcmp(p, again, sizeof(again)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_point_body struct point_body b = { 0 };
	auto_buf struct buf again = { 0 };
	struct err e = { 0 };

	if (n > 0 && p[0] == 'h') {
		header(p + 1, n - 1);
		return 0;
	}
	if (point_body_parse(p, n, &b, &e) != 0)
		return 0;
	if (point_body_write(&b, &again, &e) == 0 &&
	    (again.n != n || memcmp(again.p, p, n) != 0))
		abort();
	return 0;
}
