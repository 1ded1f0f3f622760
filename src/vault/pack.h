/* pack.h - packs: building one in memory, reading tables and records back.
 *
 * A pack is built whole and put once, so in a store it is complete or absent. */
#ifndef VAULT_PACK_H
#define VAULT_PACK_H

#include "object/object.h"
#include "vault/codec.h"

#define PACK_NAME_SIZE 39	/* "packs/", 32 hex digits and a NUL */

char *pack_name(const uint8_t id[PACK_ID_SIZE], char out[PACK_NAME_SIZE]);
bool pack_name_parse(const char *name, uint8_t ret_id[PACK_ID_SIZE]);

/* ---- writing ---- */
struct pack_writer {		/* zeroed storage: no pack begun */
	const struct vault_keys *keys;
	uint8_t id[PACK_ID_SIZE];
	struct aead *aead;	/* owned; NULL: no pack begun */
	uint8_t *p;		/* owned, PACK_MAX bytes, kept from pack to pack */
	size_t n;
	struct pack_entry *entries;	/* owned, PACK_RECORDS_MAX */
	uint32_t count;
};
void pack_writer_done(struct pack_writer *w);

/* Is there room for one more record of `n` bytes?  A pack not begun has room. */
bool pack_writer_room(const struct pack_writer *w, size_t n);

/* Add a record (number and sealed_n of *r are filled in); *ret_offset is where it lies. */
must_check int pack_writer_add(struct pack_writer *w, struct record *r, const void *p, size_t n,
    uint32_t *ret_offset, struct err *e);

/* Add table and trailer: w->p, w->n is then the whole pack. */
must_check int pack_writer_seal(struct pack_writer *w, struct err *e);
void pack_writer_reset(struct pack_writer *w);	/* forget the pack, keep the memory */

/* ---- reading ---- */
/* The table of the pack object, authenticated.  ERR_CORRUPT names the object. */
must_check int pack_table_load(struct object_store *s, const struct vault_keys *k,
    const uint8_t id[PACK_ID_SIZE], int64_t size, struct pack_entry **ret, uint32_t *ret_count,
    struct err *e);

/* For a pack whose table is damaged: every record that authenticates, found by
 * walking the headers from the front.  A record whose header lies ends the walk. */
must_check int pack_scan(struct object_store *s, const struct vault_keys *k,
    const uint8_t id[PACK_ID_SIZE], int64_t size, struct pack_entry **ret, uint32_t *ret_count,
    struct err *e);

/* Open the record at `p` (n bytes: header, sealed bytes, tag) into `out`, which has room for
 * the sealed bytes and may be p + RECORD_HEADER_SIZE.  Decompression is the caller's. */
must_check int record_open(struct aead *a, const uint8_t *p, size_t n, void *out,
    struct record *ret, struct err *e);

#endif
