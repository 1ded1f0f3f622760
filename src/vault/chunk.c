/* chunk.c - reading one chunk from its pack.  See engine.h. */
#include "vault/engine.h"

#include "base/codec.h"

#define SEALED_MAX (RECORD_HEADER_SIZE + CHUNK_SIZE + AEAD_TAG_SIZE)

int chunk_reader_init(struct chunk_reader *r, struct vault *v, struct err *e)
{
	*r = (struct chunk_reader){ .v = v, .sealed = malloc(SEALED_MAX) };
	if (r->sealed == NULL)
		return err_nomem(e);
	return codec_new(&v->keys, &r->codec, e);
}

void chunk_reader_done(struct chunk_reader *r)
{
	codec_free(r->codec);
	aead_free(r->aead);
	free(r->sealed);
}

/* The pack's cipher: made once for the run of chunks that lie in one pack. */
static int use_pack(struct chunk_reader *r, const uint8_t pack[PACK_ID_SIZE], struct err *e)
{
	if (r->aead != NULL && memcmp(r->aead_pack, pack, PACK_ID_SIZE) == 0)
		return 0;
	aead_free(r->aead);
	r->aead = NULL;
	if (keys_pack(&r->v->keys, pack, &r->aead, e) != 0)
		return -1;
	memcpy(r->aead_pack, pack, PACK_ID_SIZE);
	return 0;
}

static int fetch(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    const struct chunk_place *at, const uint8_t pack[PACK_ID_SIZE], uint8_t *out, size_t *ret_n,
    struct err *e)
{
	size_t n = RECORD_HEADER_SIZE + (size_t)at->sealed_n + AEAD_TAG_SIZE;
	char name[PACK_NAME_SIZE];
	struct chunk_id got;
	struct record rec;
	uint8_t *to = out;

	if (object_get(r->v->store, pack_name(pack, name), at->offset, r->sealed, n, e) != 0) {
		if (e->kind == ERR_NOT_FOUND)
			e->kind = ERR_CORRUPT;
		return -1;
	}
	if (record_parse(r->sealed, RECORD_HEADER_SIZE, &rec, e) != 0 || use_pack(r, pack, e) != 0)
		return -1;
	if (rec.codec != CODEC_RAW)
		to = r->sealed + RECORD_HEADER_SIZE;
	if (record_open(r->aead, r->sealed, n, to, &rec, e) != 0)
		return -1;
	if (rec.kind != kind || memcmp(rec.id.b, id->b, ID_SIZE) != 0)
		return err_set(e, ERR_CORRUPT, "another record lies there");
	if (rec.codec != CODEC_RAW &&
	    codec_unpack(r->codec, to, rec.sealed_n, out, rec.plain_n, e) != 0)
		return -1;
	if (codec_id(r->codec, kind, out, rec.plain_n, &got, e) != 0)
		return -1;
	if (memcmp(got.b, id->b, ID_SIZE) != 0)
		return err_set(e, ERR_CORRUPT, "its bytes are not those that its id was made of");
	*ret_n = rec.plain_n;
	return 0;
}

int chunk_read(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    uint8_t *out, size_t *ret_n, uint32_t *ret_pack, struct err *e)
{
	char hex[HEX_SIZE(ID_SIZE)], name[PACK_NAME_SIZE];
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	(void)hex_encode(id->b, ID_SIZE, hex);
	if (!vault_find(r->v, id, &at, pack))
		return err_set(e, ERR_CORRUPT, "chunk %s is in no pack of the vault", hex);
	if (fetch(r, kind, id, &at, pack, out, ret_n, e) != 0)
		return err_in(e, "chunk %s in '%s' at %u", hex, pack_name(pack, name), at.offset);
	*ret_pack = at.pack;
	return 0;
}
