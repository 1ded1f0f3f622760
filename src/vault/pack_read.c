/* pack_read.c - tables and records of packs in a store.  See pack.h. */
#include "vault/pack.h"

#include "vault/wire.h"

static void aead_p(struct aead **a)
{
	aead_free(*a);
}
#define auto_aead cleanup_with(aead_p)

static int load(struct object_store *s, const struct vault_keys *k, const char *name,
    const uint8_t id[PACK_ID_SIZE], int64_t size, struct pack_entry **ret, uint32_t *ret_count,
    struct err *e)
{
	uint8_t aad[PACK_HEADER_SIZE + PACK_TRAILER_SIZE], *tail = aad + PACK_HEADER_SIZE;
	uint8_t nonce[AEAD_NONCE_SIZE], own[PACK_ID_SIZE];
	struct pack_trailer t;
	auto_free uint8_t *table = NULL;
	auto_aead struct aead *a = NULL;
	size_t n;

	if (size < PACK_HEADER_SIZE + PACK_TRAILER_SIZE || (uint64_t)size > PACK_MAX)
		return err_set(e, ERR_CORRUPT, "%lld bytes are no pack", (long long)size);
	if (object_get(s, name, 0, aad, PACK_HEADER_SIZE, e) != 0 ||
	    object_get(s, name, size - PACK_TRAILER_SIZE, tail, PACK_TRAILER_SIZE, e) != 0 ||
	    pack_header_parse(aad, PACK_HEADER_SIZE, own, e) != 0 ||
	    pack_trailer_parse(tail, PACK_TRAILER_SIZE, (uint64_t)size, &t, e) != 0)
		return -1;
	if (memcmp(own, id, PACK_ID_SIZE) != 0)
		return err_set(e, ERR_CORRUPT, "the pack's header has another id");
	n = (size_t)t.count * PACK_ENTRY_SIZE;
	table = malloc(n + AEAD_TAG_SIZE);
	if (table == NULL)
		return err_nomem(e);
	keys_nonce(TABLE_NUMBER, nonce);
	if (object_get(s, name, (int64_t)t.table_offset, table, n + AEAD_TAG_SIZE, e) != 0 ||
	    keys_pack(k, id, &a, e) != 0 ||
	    aead_open(a, nonce, aad, sizeof(aad), table, n, table, table + n, e) != 0 ||
	    pack_table_parse(table, n, &t, ret, e) != 0)
		return -1;
	*ret_count = t.count;
	return 0;
}

int pack_table_load(struct object_store *s, const struct vault_keys *k,
    const uint8_t id[PACK_ID_SIZE], int64_t size, struct pack_entry **ret, uint32_t *ret_count,
    struct err *e)
{
	char name[PACK_NAME_SIZE];

	if (load(s, k, pack_name(id, name), id, size, ret, ret_count, e) != 0)
		return err_in(e, "table of object '%s'", name);
	return 0;
}

int record_open(struct aead *a, const uint8_t *p, size_t n, void *out, struct record *ret,
    struct err *e)
{
	uint8_t nonce[AEAD_NONCE_SIZE];
	struct record r;

	if (n < RECORD_HEADER_SIZE + AEAD_TAG_SIZE ||
	    record_parse(p, RECORD_HEADER_SIZE, &r, e) != 0)
		return n < RECORD_HEADER_SIZE + AEAD_TAG_SIZE ?
		    err_set(e, ERR_CORRUPT, "%zu bytes are no record", n) : -1;
	if (n - RECORD_HEADER_SIZE - AEAD_TAG_SIZE != r.sealed_n)
		return err_set(e, ERR_CORRUPT, "record is of %u sealed bytes, %zu were expected",
		    r.sealed_n, n - RECORD_HEADER_SIZE - AEAD_TAG_SIZE);
	keys_nonce(r.number, nonce);
	if (aead_open(a, nonce, p, RECORD_HEADER_SIZE, p + RECORD_HEADER_SIZE, r.sealed_n, out,
		p + RECORD_HEADER_SIZE + r.sealed_n, e) != 0)
		return -1;
	*ret = r;
	return 0;
}

/* The header at `at`; false where the records end. */
static bool next_record(const uint8_t *p, size_t n, size_t at, struct record *ret)
{
	struct err none;

	return at < n && n - at >= RECORD_HEADER_SIZE + AEAD_TAG_SIZE &&
	    record_parse(p + at, RECORD_HEADER_SIZE, ret, &none) == 0 &&
	    n - at - RECORD_HEADER_SIZE - AEAD_TAG_SIZE >= ret->sealed_n;
}

/* Authenticate the record at `at` in place. */
static bool sound(struct aead *a, uint8_t *p, size_t at, const struct record *r)
{
	struct record again;
	struct err none;

	return record_open(a, p + at, RECORD_HEADER_SIZE + r->sealed_n + AEAD_TAG_SIZE,
	    p + at + RECORD_HEADER_SIZE, &again, &none) == 0;
}

int pack_scan(struct object_store *s, const struct vault_keys *k,
    const uint8_t id[PACK_ID_SIZE], int64_t size, struct pack_entry **ret, uint32_t *ret_count,
    struct err *e)
{
	size_t n = (uint64_t)size > PACK_MAX ? PACK_MAX : (size_t)size;
	auto_free struct pack_entry *t = calloc(PACK_RECORDS_MAX, sizeof(*t));
	auto_free uint8_t *p = malloc(n + 1);
	auto_aead struct aead *a = NULL;
	char name[PACK_NAME_SIZE];
	struct record r;
	uint32_t count = 0;

	if (t == NULL || p == NULL)
		return err_nomem(e);
	if (object_get(s, pack_name(id, name), 0, p, n, e) != 0 || keys_pack(k, id, &a, e) != 0)
		return err_in(e, "scanning object '%s'", name);
	for (size_t at = PACK_HEADER_SIZE; count < PACK_RECORDS_MAX && next_record(p, n, at, &r);
	     at += RECORD_HEADER_SIZE + r.sealed_n + AEAD_TAG_SIZE)
		if (sound(a, p, at, &r))
			t[count++] = (struct pack_entry){
				.id = r.id,
				.offset = (uint32_t)at,
				.sealed_n = r.sealed_n,
			};
	*ret = TAKE(t);
	*ret_count = count;
	return 0;
}
