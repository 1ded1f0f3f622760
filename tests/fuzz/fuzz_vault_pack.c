/* fuzz_vault_pack.c - the parts of a pack below the seal.  The first byte chooses: 'h' header,
 * 'r' record header, 'e' trailer and table of a pack that is all of the input. */
#include "vault/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void header(const uint8_t *p, size_t n)
{
	uint8_t id[PACK_ID_SIZE], again[PACK_HEADER_SIZE];
	struct err e = { 0 };

	if (pack_header_parse(p, n, id, &e) != 0)
		return;
	pack_header_write(id, again);
	memcpy(again + 8, p + 8, 4);	/* an older version may have been read */
	if (memcmp(p, again, sizeof(again)) != 0)
		abort();
}

static void record(const uint8_t *p, size_t n)
{
	uint8_t again[RECORD_HEADER_SIZE];
	struct record r;
	struct err e = { 0 };

	if (record_parse(p, n, &r, &e) != 0)
		return;
	record_write(&r, again);
	if (memcmp(p, again, sizeof(again)) != 0)
		abort();
}

static void end(const uint8_t *p, size_t n)
{
	auto_free struct pack_entry *t = NULL;
	struct pack_trailer trailer;
	size_t table_n;
	struct err e = { 0 };

	if (n < PACK_TRAILER_SIZE ||
	    pack_trailer_parse(p + n - PACK_TRAILER_SIZE, PACK_TRAILER_SIZE, n, &trailer, &e) != 0)
		return;
	table_n = (size_t)trailer.count * PACK_ENTRY_SIZE;
	if (trailer.table_offset + table_n > n)
		abort();
	if (pack_table_parse(p + trailer.table_offset, table_n, &trailer, &t, &e) != 0)
		return;
	for (uint32_t i = 0; i < trailer.count; i++)
		if ((size_t)t[i].offset + RECORD_HEADER_SIZE + t[i].sealed_n > n)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	if (p[0] == 'h')
		header(p + 1, n - 1);
	else if (p[0] == 'r')
		record(p + 1, n - 1);
	else
		end(p + 1, n - 1);
	return 0;
}
