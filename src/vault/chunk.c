/* chunk.c - reading one chunk from its pack.  See engine.h. */
#include "vault/engine.h"

#include "base/codec.h"

#define SEALED_MAX (RECORD_HEADER_SIZE + CHUNK_MAX + AEAD_TAG_SIZE)

static bool same_place(const struct chunk_place *a, const struct chunk_place *b)
{
	return a->pack == b->pack && a->offset == b->offset;
}

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
	free(r->ahead);
	if (r->peer != NULL)
		chunk_reader_done(r->peer);
	free(r->peer);
}

static size_t record_size(const struct chunk_place *at)
{
	return RECORD_HEADER_SIZE + (size_t)at->sealed_n + AEAD_TAG_SIZE;
}

void chunk_prefetch(struct chunk_reader *r, const struct chunk_id *ids, unsigned count)
{
	uint8_t pack[PACK_ID_SIZE] = { 0 };
	char name[PACK_NAME_SIZE];
	struct chunk_place at;
	uint64_t from = UINT64_MAX, to = 0, useful = 0;
	uint32_t number = 0;
	struct err ignored;

	r->ahead_n = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!vault_find(r->v, &ids[i], &at, pack) || (i > 0 && at.pack != number))
			return;
		number = at.pack;
		useful += record_size(&at);
		from = at.offset < from ? at.offset : from;
		to = at.offset + record_size(&at) > to ? at.offset + record_size(&at) : to;
	}
	if (count < 2 || to - from > AHEAD_MAX || to - from > useful + useful / 2)
		return;
	if (r->ahead == NULL)
		r->ahead = aligned_alloc(IO_ALIGN, AHEAD_MAX);
	if (r->ahead == NULL || object_get(r->v->store, pack_name(pack, name), (int64_t)from,
		r->ahead, to - from, &ignored) != 0)
		return;
	memcpy(r->ahead_pack, pack, PACK_ID_SIZE);
	r->ahead_at = (uint32_t)from;
	r->ahead_n = to - from;
}

/* The bytes of a record: read ahead, or read now into r->sealed. */
static int get_record(struct chunk_reader *r, const struct chunk_place *at,
    const uint8_t pack[PACK_ID_SIZE], uint8_t **ret, struct err *e)
{
	char name[PACK_NAME_SIZE];

	if (r->ahead_n > 0 && memcmp(pack, r->ahead_pack, PACK_ID_SIZE) == 0 &&
	    at->offset >= r->ahead_at &&
	    at->offset - r->ahead_at + record_size(at) <= r->ahead_n) {
		*ret = r->ahead + (at->offset - r->ahead_at);
		return 0;
	}
	*ret = r->sealed;
	return object_get(r->v->store, pack_name(pack, name), at->offset, r->sealed, record_size(at),
	    e);
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
	struct chunk_id got;
	struct record rec;
	uint8_t *to = out, *sealed;

	if (get_record(r, at, pack, &sealed, e) != 0) {
		if (e->kind == ERR_NOT_FOUND)
			e->kind = ERR_CORRUPT;
		return -1;
	}
	if (record_parse(sealed, RECORD_HEADER_SIZE, &rec, e) != 0 || use_pack(r, pack, e) != 0)
		return -1;
	/* Not where it was read ahead: equal neighbours are one record, opened again and again. */
	if (rec.codec != CODEC_RAW)
		to = r->sealed + RECORD_HEADER_SIZE;
	if (record_open(r->aead, sealed, record_size(at), to, &rec, e) != 0)
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

/* Packs can hold a chunk twice: one was stored anew because the other is damaged, or a crash came
 * between the two halves of a compaction.  Find a place in pack `from` or a later one, but `not`. */
static bool find_other(struct vault *v, const struct chunk_id *id, uint32_t not, size_t from,
    struct chunk_place *ret, uint8_t ret_pack[PACK_ID_SIZE])
{
	size_t n = vault_pack_count(v);

	for (size_t i = from; i < n; i++) {
		auto_free struct pack_entry *t = NULL;
		struct vault_pack p;
		struct err ignored;
		uint32_t count = 0;

		vault_pack_get(v, i, &p);
		if (i == not || p.is_gone || p.is_inflight ||
		    vault_pack_entries(v, &p, &t, &count, &ignored) != 0)
			continue;
		for (uint32_t k = 0; k < count; k++)
			if (memcmp(t[k].id.b, id->b, ID_SIZE) == 0) {
				*ret = (struct chunk_place){ (uint32_t)i, t[k].offset, t[k].sealed_n };
				memcpy(ret_pack, p.id, PACK_ID_SIZE);
				return true;
			}
	}
	return false;
}

int chunk_probe(struct chunk_reader *r, const struct chunk_id *id, const struct chunk_place *at,
    struct err *e)
{
	size_t n = RECORD_HEADER_SIZE + (size_t)at->sealed_n + AEAD_TAG_SIZE;
	char name[PACK_NAME_SIZE];
	struct vault_pack p;
	struct record rec;

	vault_pack_get(r->v, at->pack, &p);
	if (object_get(r->v->store, pack_name(p.id, name), at->offset, r->sealed, n, e) != 0) {
		if (e->kind == ERR_NOT_FOUND)
			e->kind = ERR_CORRUPT;
		return -1;
	}
	if (use_pack(r, p.id, e) != 0 ||
	    record_open(r->aead, r->sealed, n, r->sealed + RECORD_HEADER_SIZE, &rec, e) != 0)
		return -1;
	return memcmp(rec.id.b, id->b, ID_SIZE) == 0 ? 0 :
	    err_set(e, ERR_CORRUPT, "another record lies there");
}

int chunk_settle(struct chunk_reader *r, const struct chunk_id *id, const struct chunk_place *other,
    struct err *e)
{
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	if ((vault_flags(r->v, id) & CHUNK_LIVE) == 0 || !vault_find(r->v, id, &at, pack) ||
	    same_place(&at, other) || chunk_probe(r, id, &at, e) == 0)
		return 0;
	if (e->kind != ERR_CORRUPT)
		return -1;
	if (chunk_probe(r, id, other, e) != 0)
		return e->kind == ERR_CORRUPT ? 0 : -1;
	pthread_rwlock_wrlock(&r->v->index_lock);
	index_mend(&r->v->index, id, other);
	pthread_rwlock_unlock(&r->v->index_lock);
	return 0;
}

static bool has_duplicates(struct vault *v)
{
	bool r;

	pthread_rwlock_rdlock(&v->index_lock);
	r = v->duplicates > 0;
	pthread_rwlock_unlock(&v->index_lock);
	return r;
}

/* The first copy could not be read.  0 if another one could: it is the one from now on. */
static int read_other(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    struct chunk_place *at, uint8_t *out, size_t *ret_n)
{
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place other;
	struct err ignored;
	size_t from = 0;

	if (!has_duplicates(r->v))
		return -1;
	do {
		if (!find_other(r->v, id, at->pack, from, &other, pack))
			return -1;
		from = (size_t)other.pack + 1;
	} while (fetch(r, kind, id, &other, pack, out, ret_n, &ignored) != 0);
	pthread_rwlock_wrlock(&r->v->index_lock);
	index_mend(&r->v->index, id, &other);
	pthread_rwlock_unlock(&r->v->index_lock);
	*at = other;
	return 0;
}

#define IDLE_REFRESHES_MAX 16u

/* A vault that another process writes to changes under its readers: new packs come, and a
 * collection moves chunks.  True if it was looked at again. */
static bool look_again(struct vault *v)
{
	struct err ignored;
	bool is_futile;

	if (vault_is_writer(v))
		return false;
	pthread_rwlock_rdlock(&v->index_lock);
	is_futile = v->idle_refreshes > IDLE_REFRESHES_MAX;
	pthread_rwlock_unlock(&v->index_lock);
	return !is_futile && vault_refresh(v, &ignored) == 0;
}

static int read_placed(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    struct chunk_place *at, uint8_t pack[PACK_ID_SIZE], uint8_t *out, size_t *ret_n, struct err *e)
{
	struct chunk_place was;

	for (;;) {
		if (fetch(r, kind, id, at, pack, out, ret_n, e) == 0)
			return 0;
		r->ahead_n = 0;		/* let the store have its say */
		if (e->kind != ERR_CORRUPT)
			return -1;
		/* A collection may have moved it between the look-up and the reading. */
		was = *at;
		if (vault_find(r->v, id, at, pack) && !same_place(at, &was))
			continue;
		if (look_again(r->v) && vault_find(r->v, id, at, pack) && !same_place(at, &was))
			continue;
		*at = was;
		return read_other(r, kind, id, at, out, ret_n);
	}
}

static int read_here(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    uint8_t *out, size_t *ret_n, uint32_t *ret_pack, struct err *e)
{
	char hex[HEX_SIZE(ID_SIZE)], name[PACK_NAME_SIZE];
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	(void)hex_encode(id->b, ID_SIZE, hex);
	if (!vault_find(r->v, id, &at, pack) &&
	    (!look_again(r->v) || !vault_find(r->v, id, &at, pack)))
		return err_set(e, ERR_CORRUPT, "chunk %s is in no pack of the vault", hex);
	if (read_placed(r, kind, id, &at, pack, out, ret_n, e) != 0)
		return err_in(e, "chunk %s in '%s' at %u", hex, pack_name(pack, name), at.offset);
	*ret_pack = at.pack;
	return 0;
}

int chunk_read(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    uint8_t *out, size_t *ret_n, uint32_t *ret_pack, struct err *e)
{
	struct err ignored;

	if (read_here(r, kind, id, out, ret_n, ret_pack, e) == 0)
		return 0;
	if (e->kind != ERR_CORRUPT || !r->asks_peer ||
	    chunk_read_peer(r, kind, id, out, ret_n, &ignored) != 0)
		return -1;
	*ret_pack = UINT32_MAX;
	return 0;
}

int node_read(struct chunk_reader *r, const struct chunk_id *id, unsigned level, uint8_t *bytes,
    struct map_node *ret, uint32_t *ret_pack, struct err *e)
{
	size_t n = 0;

	if (chunk_read(r, RECORD_MAP, id, bytes, &n, ret_pack, e) != 0 ||
	    map_node_parse(bytes, n, ret, e) != 0)
		return err_in(e, "map of the disk");
	if (ret->level != level)
		return err_set(e, ERR_CORRUPT, "map of the disk: node of level %u at level %u",
		    ret->level, level);
	return 0;
}
