/* session.c - one backup: what it adds, and the commit.  See vault.h and engine.h. */
#include "vault/engine.h"

#include "base/codec.h"

/* Of the chunks that a backup finds in the vault, one in SAMPLE_ONE_IN is read back, up to this
 * many plain bytes in a session. */
#define SAMPLE_ONE_IN 32u	/* a power of two */
#define SAMPLE_BUDGET ((int64_t)256 << 20)

static void enter(struct vault_session *s)
{
	struct vault *v = s->v;

	pthread_rwlock_wrlock(&v->index_lock);
	s->generation = v->generation;
	v->live[s->generation]++;
	pthread_rwlock_unlock(&v->index_lock);
}

static void leave(struct vault_session *s)
{
	pthread_rwlock_wrlock(&s->v->index_lock);
	s->v->live[s->generation]--;
	pthread_rwlock_unlock(&s->v->index_lock);
}

int vault_session_begin(struct vault *v, const char *item, struct vault_session **ret,
    struct err *e)
{
	struct vault_session *s;

	/* Another process may have verified the vault meanwhile, and noted what this one is to mend. */
	if (vault_lock_writer(v, e) != 0 || vault_load_bad(v, e) != 0)
		return err_in(e, "beginning a backup");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	s->v = v;
	s->chunk_shift = v->chunk_shift;
	s->sample_left = SAMPLE_BUDGET;
	random_bytes(&s->sample_salt, 1);
	for (size_t i = 0; i < SESSION_SLOTS; i++)
		s->slots[i].writer.keys = &v->keys;
	s->item = strdup(item);
	if (s->item == NULL) {
		free(s);
		return err_nomem(e);
	}
	enter(s);
	*ret = s;
	return 0;
}

int vault_session_chunk_size(struct vault_session *s, size_t bytes, struct err *e)
{
	for (unsigned shift = CHUNK_SHIFT_MIN; shift <= CHUNK_SHIFT_MAX; shift++)
		if (bytes == (size_t)1 << shift) {
			s->chunk_shift = shift;
			return 0;
		}
	return err_set(e, ERR_INVALID, "%zu bytes are no chunk size: a power of two from %zu to %zu "
	    "is", bytes, (size_t)1 << CHUNK_SHIFT_MIN, CHUNK_MAX);
}

void vault_session_end(struct vault_session *s)
{
	if (s == NULL)
		return;
	putter_done(s);
	for (size_t i = 0; i < s->disk_count; i++)
		free(s->disks[i].name);
	free(s->disks);
	free(s->item);
	for (size_t i = 0; i < s->base_count; i++)
		vault_point_close(s->bases[i]);
	free(s->bases);
	leave(s);
	free(s);
}

int session_keep_base(struct vault_session *s, struct vault_point *p, struct err *e)
{
	if (GROW(s->bases, s->base_count, s->base_cap, 4, e) != 0) {
		vault_point_close(p);
		return -1;
	}
	s->bases[s->base_count++] = p;
	return 0;
}

static bool is_sampled(struct vault_session *s, const struct chunk_id *id, size_t n)
{
	if (((id->b[ID_SIZE - 1] ^ s->sample_salt) & (SAMPLE_ONE_IN - 1)) != 0)
		return false;
	return atomic_fetch_sub(&s->sample_left, (int64_t)n) > 0;
}

bool session_trusts(struct vault_session *s, struct chunk_reader *r, const struct chunk_id *id,
    size_t n, uint8_t *scratch)
{
	uint32_t pack;
	struct err e = { 0 };

	if (!is_sampled(s, id, n) || chunk_read(r, RECORD_DATA, id, scratch, &n, &pack, &e) == 0)
		return true;
	/* Whatever else is wrong with the store will come up when something is put into it. */
	if (e.kind != ERR_CORRUPT)
		return true;
	vault_note_bad(s->v, id);
	return false;
}

static bool is_pending(const struct vault_session *s, const struct chunk_id *id)
{
	struct chunk_place at;

	for (size_t i = 0; i < SESSION_SLOTS; i++)
		if (index_find(&s->slots[i].pending, id, &at, NULL))
			return true;
	return false;
}

int session_add(struct vault_session *s, struct record *r, const void *p, size_t n,
    struct err *e)
{
	struct chunk_place at = { 0 };

	if (s->is_broken)
		return err_set(e, ERR_IO, "an earlier pack of this session could not be stored");
	if (is_pending(s, &r->id) || vault_use(s->v, &r->id, s->generation, &at))
		return 0;
	if (s->filling != NULL && !pack_writer_room(&s->filling->writer, n) &&
	    putter_hand_over(s, e) != 0)
		return -1;
	if (putter_slot(s, e) != 0 ||
	    pack_writer_add(&s->filling->writer, r, p, n, &at.offset, e) != 0)
		return -1;
	at.sealed_n = r->sealed_n;
	return index_add(&s->filling->pending, &r->id, &at, 0, NULL, e) != 0 ? -1 : 1;
}

int session_add_plain(struct vault_session *s, struct codec *codec, enum record_kind kind,
    const void *p, size_t n, uint8_t *scratch, struct chunk_id *ret_id, int64_t *ret_sealed,
    struct err *e)
{
	struct record r = { .kind = kind, .plain_n = (uint32_t)n };
	size_t packed = codec_pack(codec, p, n, scratch);
	int added;

	if (codec_id(codec, kind, p, n, &r.id, e) != 0)
		return -1;
	r.codec = packed > 0 ? CODEC_ZSTD : CODEC_RAW;
	added = session_add(s, &r, packed > 0 ? scratch : p, packed > 0 ? packed : n, e);
	if (added < 0)
		return -1;
	if (ret_id != NULL)
		*ret_id = r.id;
	if (ret_sealed != NULL)
		*ret_sealed = added == 0 ? 0 :
		    (int64_t)RECORD_HEADER_SIZE + r.sealed_n + AEAD_TAG_SIZE;
	return added;
}

static int write_point(struct vault_session *s, const char *point, const json_t *meta,
    struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_free char *name = strdup(point);
	struct point_body b = {
		.item = s->item,
		.name = name,
		.disks = s->disks,
		.disk_count = s->disk_count,
	};

	if (name == NULL)
		return err_nomem(e);
	if (jdump(meta, &text, e) != 0 || buf_ok(&text, e) != 0)
		return -1;
	b.meta = text.p;
	return point_put(s->v, &b, e);
}

static int commit(struct vault_session *s, const char *point, const json_t *meta, struct err *e)
{
	char name[POINT_NAME_SIZE];

	/* A name that cannot be is better found before the last pack is stored. */
	if (point_object_name(s->v, s->item, point, name, e) != 0 || putter_finish(s, e) != 0)
		return -1;
	if (s->is_broken)
		return err_set(e, ERR_IO, "an earlier pack of this session could not be stored");
	return write_point(s, point, meta, e);
}

int vault_session_commit(struct vault_session *s, const char *point, const json_t *meta,
    struct err *e)
{
	if (commit(s, point, meta, e) != 0)
		return err_in(e, "committing point '%.100s'", point);
	return 0;
}
