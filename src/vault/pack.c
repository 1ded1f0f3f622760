/* pack.c - building a pack.  See pack.h. */
#include "vault/pack.h"

#include <assert.h>
#include <stdio.h>

#include "base/codec.h"
#include "vault/wire.h"

char *pack_name(const uint8_t id[PACK_ID_SIZE], char out[PACK_NAME_SIZE])
{
	memcpy(out, "packs/", 6);
	(void)hex_encode(id, PACK_ID_SIZE, out + 6);
	return out;
}

bool pack_name_parse(const char *name, uint8_t ret_id[PACK_ID_SIZE])
{
	struct str s = str_c(name);
	char again[PACK_NAME_SIZE];
	uint8_t id[PACK_ID_SIZE];

	if (s.n != PACK_NAME_SIZE - 1 ||
	    hex_decode((struct str){ s.p + 6, s.n - 6 }, id, sizeof(id)) != PACK_ID_SIZE ||
	    strcmp(pack_name(id, again), name) != 0)
		return false;
	memcpy(ret_id, id, PACK_ID_SIZE);
	return true;
}

void pack_writer_done(struct pack_writer *w)
{
	aead_free(w->aead);
	free(w->p);
	free(w->entries);
	*w = (struct pack_writer){ .keys = w->keys };
}

void pack_writer_reset(struct pack_writer *w)
{
	aead_free(w->aead);
	w->aead = NULL;
	w->n = 0;
	w->count = 0;
}

bool pack_writer_room(const struct pack_writer *w, size_t n)
{
	return w->aead == NULL ||
	    (w->count < PACK_RECORDS_MAX &&
		w->n + RECORD_HEADER_SIZE + n + AEAD_TAG_SIZE <= PACK_TARGET);
}

static int begin(struct pack_writer *w, struct err *e)
{
	if (w->p == NULL)
		w->p = aligned_alloc(IO_ALIGN, PACK_MAX);	/* so that stores can write it as it lies */
	if (w->entries == NULL)
		w->entries = malloc(PACK_RECORDS_MAX * sizeof(w->entries[0]));
	if (w->p == NULL || w->entries == NULL)
		return err_set(e, ERR_IO, "starting a pack: out of memory");
	random_bytes(w->id, sizeof(w->id));
	if (keys_pack(w->keys, w->id, &w->aead, e) != 0)
		return -1;
	pack_header_write(w->id, w->p);
	w->n = PACK_HEADER_SIZE;
	w->count = 0;
	return 0;
}

int pack_writer_add(struct pack_writer *w, struct record *r, const void *p, size_t n,
    uint32_t *ret_offset, struct err *e)
{
	uint8_t nonce[AEAD_NONCE_SIZE], *at;

	if (w->aead == NULL && begin(w, e) != 0)
		return -1;
	assert(n <= CHUNK_MAX && pack_writer_room(w, n));
	r->number = w->count;
	r->sealed_n = (uint32_t)n;
	at = w->p + w->n;
	record_write(r, at);
	keys_nonce(r->number, nonce);
	if (aead_seal(w->aead, nonce, at, RECORD_HEADER_SIZE, p, n, at + RECORD_HEADER_SIZE,
		at + RECORD_HEADER_SIZE + n, e) != 0)
		return -1;
	w->entries[w->count++] = (struct pack_entry){
		.id = r->id,
		.offset = (uint32_t)w->n,
		.sealed_n = r->sealed_n,
	};
	*ret_offset = (uint32_t)w->n;
	w->n += RECORD_HEADER_SIZE + n + AEAD_TAG_SIZE;
	return 0;
}

int pack_writer_seal(struct pack_writer *w, struct err *e)
{
	struct pack_trailer trailer = { .count = w->count, .table_offset = w->n };
	size_t table_n = (size_t)w->count * PACK_ENTRY_SIZE;
	uint8_t nonce[AEAD_NONCE_SIZE], aad[PACK_HEADER_SIZE + PACK_TRAILER_SIZE];
	uint8_t *table = w->p + w->n, *tail = table + table_n + AEAD_TAG_SIZE;

	assert(w->aead != NULL);
	for (uint32_t i = 0; i < w->count; i++)
		pack_entry_write(&w->entries[i], table + (size_t)i * PACK_ENTRY_SIZE);
	pack_trailer_write(&trailer, tail);
	(void)wr_bytes(wr_bytes(aad, w->p, PACK_HEADER_SIZE), tail, PACK_TRAILER_SIZE);
	keys_nonce(TABLE_NUMBER, nonce);
	if (aead_seal(w->aead, nonce, aad, sizeof(aad), table, table_n, table, table + table_n,
		e) != 0)
		return -1;
	w->n += table_n + AEAD_TAG_SIZE + PACK_TRAILER_SIZE;
	return 0;
}
