/* compact.c - packs that hold little of use are rewritten.  See collect.h and collect.c.
 *
 * The index names in a donor only what is live: the sweep has dropped the rest, so nothing can
 * come to be relied on there.  Records move sealed anew (a pack has its own key) but not
 * decompressed.  A donor is removed after everything live in it is durable elsewhere, was read back,
 * and is what the index names. */
#include "vault/collect.h"

struct move {
	struct chunk_id id;
	uint32_t from, offset;		/* donor and place there */
	struct chunk_place to;
};

struct compaction {
	struct collection *c;
	struct pack_writer writer;
	struct move *moves;	/* owned: records of the pack being filled */
	size_t move_count, move_cap;
	uint32_t *done;		/* owned: donors copied whole, to be removed after the next flush */
	size_t done_count;
	uint8_t *record;	/* owned */
	int64_t copied, total;	/* bytes */
};

static void compaction_done(struct compaction *k)
{
	pack_writer_done(&k->writer);
	free(k->moves);
	free(k->done);
	free(k->record);
}

/* ---- the new pack ---- */
static int note_move(struct compaction *k, const struct pack_entry *t, uint32_t from,
    uint32_t to_offset, struct err *e)
{
	if (GROW(k->moves, k->move_count, k->move_cap, 256, e) != 0)
		return -1;
	k->moves[k->move_count++] = (struct move){
		.id = t->id,
		.from = from,
		.offset = t->offset,
		.to = { 0, to_offset, t->sealed_n },
	};
	return 0;
}

static int put_pack(struct compaction *k, struct err *e)
{
	struct vault *v = k->c->v;
	char name[PACK_NAME_SIZE];

	if (pack_writer_seal(&k->writer, e) != 0 ||
	    object_put(v->store, pack_name(k->writer.id, name), k->writer.p, k->writer.n, e) != 0)
		return -1;
	return vault_check_pack(v, k->writer.id, e);
}

static void apply_moves(struct compaction *k, uint32_t number)
{
	struct vault *v = k->c->v;

	pthread_rwlock_wrlock(&v->index_lock);
	for (size_t i = 0; i < k->move_count; i++) {
		struct move *m = &k->moves[i];

		m->to.pack = number;
		index_move(&v->index, &m->id, m->from, m->offset, &m->to);
	}
	v->packs[number].is_inflight = false;
	v->packs[number].size = (int64_t)k->writer.n;
	v->packs[number].count = k->writer.count;
	pthread_rwlock_unlock(&v->index_lock);
	k->c->stats->rewritten_bytes += (int64_t)k->writer.n;
	k->move_count = 0;
	pack_writer_reset(&k->writer);
}

struct naming {
	uint32_t number;
	bool is_named;
};

static void look_for_pack(void *arg, const struct chunk_place *at, unsigned flags)
{
	struct naming *n = arg;

	(void)flags;
	n->is_named = n->is_named || at->pack == n->number;
}

static bool is_named(const struct vault *v, uint32_t number)
{
	struct naming n = { .number = number };

	index_each(&v->index, look_for_pack, &n);
	return n.is_named;
}

static int remove_done(struct compaction *k, struct err *e)
{
	struct vault *v = k->c->v;
	char name[PACK_NAME_SIZE];

	while (k->done_count > 0) {
		uint32_t number = k->done[--k->done_count];
		struct vault_pack p;

		pthread_rwlock_wrlock(&v->index_lock);
		p = v->packs[number];
		if (p.has_bad_table && is_named(v, number)) {
			/* The scan did not find all that the index knows of. */
			pthread_rwlock_unlock(&v->index_lock);
			continue;
		}
		v->packs[number].is_gone = true;
		pthread_rwlock_unlock(&v->index_lock);
		if (object_del(v->store, pack_name(p.id, name), e) != 0)
			return -1;
		k->c->stats->freed_bytes += p.size;
		k->c->stats->compacted_packs++;
	}
	return 0;
}

static int flush(struct compaction *k, struct err *e)
{
	uint32_t number;

	if (k->writer.aead != NULL) {
		if (vault_pack_begin(k->c->v, k->writer.id, &number, e) != 0)
			return -1;
		if (put_pack(k, e) != 0) {
			vault_pack_abandon(k->c->v, number);
			return -1;
		}
		apply_moves(k, number);
	}
	return remove_done(k, e);
}

/* ---- a donor ---- */
struct donor {
	uint32_t number;
	struct vault_pack pack;
	struct pack_entry *t;	/* owned */
	uint32_t count;
	struct aead *aead;	/* owned */
	bool has_bad;		/* something live in it cannot be read */
};

static void donor_done(struct donor *d)
{
	free(d->t);
	aead_free(d->aead);
}

static bool is_needed(struct vault *v, const struct donor *d, const struct pack_entry *t)
{
	struct chunk_place at;
	bool r;

	pthread_rwlock_rdlock(&v->index_lock);
	r = index_find(&v->index, &t->id, &at, NULL) && at.pack == d->number && at.offset == t->offset;
	pthread_rwlock_unlock(&v->index_lock);
	return r;
}

static int read_record(struct compaction *k, struct donor *d, const struct pack_entry *t,
    struct record *ret, struct err *e)
{
	size_t n = RECORD_HEADER_SIZE + (size_t)t->sealed_n + AEAD_TAG_SIZE;
	char name[PACK_NAME_SIZE];

	if (object_get(k->c->v->store, pack_name(d->pack.id, name), t->offset, k->record, n, e) != 0 ||
	    record_open(d->aead, k->record, n, k->record + RECORD_HEADER_SIZE, ret, e) != 0)
		return -1;
	return memcmp(ret->id.b, t->id.b, ID_SIZE) == 0 ? 0 :
	    err_set(e, ERR_CORRUPT, "another record lies there");
}

static int copy_record(struct compaction *k, struct donor *d, const struct pack_entry *t,
    struct err *e)
{
	struct record r;
	uint32_t offset;

	if (read_record(k, d, t, &r, e) != 0) {
		if (e->kind != ERR_CORRUPT)
			return -1;
		vault_note_bad(k->c->v, &t->id);
		d->has_bad = true;
		return 0;
	}
	if (!pack_writer_room(&k->writer, r.sealed_n) && flush(k, e) != 0)
		return -1;
	if (pack_writer_add(&k->writer, &r, k->record + RECORD_HEADER_SIZE, r.sealed_n, &offset,
		e) != 0)
		return -1;
	k->copied += r.sealed_n;
	return note_move(k, t, d->number, offset, e);
}

static int open_donor(struct compaction *k, struct donor *d, struct err *e)
{
	struct vault *v = k->c->v;

	vault_pack_get(v, d->number, &d->pack);
	if (keys_pack(&v->keys, d->pack.id, &d->aead, e) != 0)
		return -1;
	return vault_pack_entries(v, &d->pack, &d->t, &d->count, e);
}

static int copy_donor(struct compaction *k, uint32_t number, struct err *e)
{
	cleanup_with(donor_done) struct donor d = { .number = number };

	if (open_donor(k, &d, e) != 0)
		return e->kind == ERR_CORRUPT ? 0 : -1;	/* damaged since: it stays as it is */
	for (uint32_t i = 0; i < d.count; i++) {
		if (!is_needed(k->c->v, &d, &d.t[i]))
			continue;
		if (copy_record(k, &d, &d.t[i], e) != 0 ||
		    collection_tick(k->c, k->copied, k->total, e) != 0)
			return -1;
	}
	if (!d.has_bad)
		k->done[k->done_count++] = number;
	return 0;
}

int collection_compact(struct collection *c, struct err *e)
{
	cleanup_with(compaction_done) struct compaction k = {
		.c = c,
		.writer.keys = &c->v->keys,
		.done = calloc(c->use_count + 1, sizeof(uint32_t)),
		.record = malloc(RECORD_HEADER_SIZE + CHUNK_MAX + AEAD_TAG_SIZE),
	};

	if (k.done == NULL || k.record == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < c->use_count; i++)
		k.total += c->use[i].is_donor ? c->use[i].live_bytes : 0;
	for (size_t i = 0; i < c->use_count; i++)
		if (c->use[i].is_donor && copy_donor(&k, (uint32_t)i, e) != 0)
			return -1;
	return flush(&k, e);
}
