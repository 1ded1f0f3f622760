/* collect.c - removing what no point needs, while backups and restores go on.
 *
 * All that writes is in this process, so who relies on what is known in memory; a crash leaves
 * nothing but unneeded packs.  tests/model/gc.pml is this protocol, checked by spin:
 *
 *   - A session pins each chunk that it adds or finds (vault_use(), vault_learn()): one flag for
 *     either generation of sessions.  Where it relies on whole branches of a base, it keeps the base
 *     open, and so its roots in vault.roots.  Restores keep theirs in the same way.
 *   - A collection first clears the pins of a generation without live sessions, which is the one
 *     for sessions from now on, and all marks.  Then it marks what the listed points need; then
 *     what open points need; then what was committed since it began.  In this order: a session
 *     that ends after its base was looked for has committed its point after that, and one that
 *     ends before is among the committed.
 *   - What is neither marked nor pinned is dropped from the index under the lock under which
 *     sessions look chunks up: nobody can come to rely on it any more.  Then its pack is removed.
 *
 * A session never waits for a collection, nor is it ever told that a chunk of its is gone. */
#include "vault/collect.h"

#include "base/failpoint.h"

/* Every incremental leaves a small pack: once there are so many, they are joined. */
#define SMALL_PACK ((int64_t)PACK_TARGET / 8)
#define SMALL_PACKS_MIN 16u

struct marking {
	struct collection *c;
	struct chunk_reader reader;
	struct map_node *level[MAP_LEVELS_MAX];	/* owned */
	uint8_t *bytes;				/* owned, CHUNK_MAX */
};

static void marking_done(struct marking *m)
{
	chunk_reader_done(&m->reader);
	free(m->bytes);
	for (size_t i = 0; i < MAP_LEVELS_MAX; i++)
		free(m->level[i]);
}

int collection_tick(struct collection *c, int64_t done, int64_t total, struct err *e)
{
	const struct vault_progress *p = c->opts->progress;

	if (failpoint("collect/step", e) != 0)
		return -1;
	if (p != NULL && p->tick(p->arg, done, total))
		return err_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

/* ---- begin and end ---- */
static void begin(struct vault *v)
{
	unsigned other;

	pthread_mutex_lock(&v->roots_mu);
	v->is_collecting = true;
	v->committed_count = 0;
	pthread_mutex_unlock(&v->roots_mu);
	pthread_rwlock_wrlock(&v->index_lock);
	other = 1 - v->generation;
	index_lower(&v->index, CHUNK_MARK);
	if (v->live[other] == 0) {
		index_lower(&v->index, CHUNK_PIN0 << other);
		if (v->live[v->generation] == 0)
			index_lower(&v->index, CHUNK_PIN0 << v->generation);
		v->generation = other;
	}
	pthread_rwlock_unlock(&v->index_lock);
}

static void end(struct vault *v)
{
	pthread_mutex_lock(&v->roots_mu);
	v->is_collecting = false;
	v->committed_count = 0;
	pthread_mutex_unlock(&v->roots_mu);
}

/* ---- mark ---- */
static void mark_chunks(struct marking *m, const struct map_node *n)
{
	struct vault *v = m->c->v;

	pthread_rwlock_rdlock(&v->index_lock);
	for (unsigned i = 0; i < MAP_FANOUT; i++)
		if (map_node_has(n, i) && !index_raise(&v->index, &n->child[i], CHUNK_MARK))
			m->c->stats->missing++;
	pthread_rwlock_unlock(&v->index_lock);
}

static int mark_tree(struct marking *m, unsigned level, const struct chunk_id *id, struct err *e)
{
	struct map_node *n;
	uint32_t pack;

	if ((vault_flags(m->c->v, id) & CHUNK_MARK) != 0)
		return 0;
	if (m->level[level] == NULL)
		m->level[level] = malloc(sizeof(*n));
	n = m->level[level];
	if (n == NULL)
		return err_nomem(e);
	if (node_read(&m->reader, id, level, m->bytes, n, &pack, e) != 0 ||
	    collection_tick(m->c, m->c->stats->points, 0, e) != 0)
		return -1;
	if (level == 0)
		mark_chunks(m, n);
	for (unsigned i = 0; level > 0 && i < MAP_FANOUT; i++)
		if (map_node_has(n, i) && mark_tree(m, level - 1, &n->child[i], e) != 0)
			return -1;
	/* Only now: a marked node has all below it marked. */
	vault_raise(m->c->v, id, CHUNK_MARK);
	return 0;
}

static int mark_disk(struct marking *m, const struct point_disk *d, struct err *e)
{
	return d->levels == 0 ? 0 : mark_tree(m, d->levels - 1, &d->root, e);
}

static int mark_object(void *arg, const struct object_info *info, struct err *e)
{
	struct marking *m = arg;
	struct vault_point *p = NULL;
	int r = 0;

	if (!point_object_valid(info->name))
		return 0;
	if (point_load(m->c->v, info->name, &p, e) != 0) {
		if (e->kind == ERR_NOT_FOUND)
			return 0;	/* deleted while we list */
		return e->kind != ERR_CORRUPT ? -1 :
		    err_in(e, "what a damaged point needs cannot be told: remove it, or nothing can "
			"be collected");
	}
	for (size_t i = 0; r == 0 && i < p->body.disk_count; i++)
		r = mark_disk(m, &p->body.disks[i], e);
	if (r != 0)
		(void)err_in(e, "point '%.128s'", p->body.name);
	vault_point_close(p);
	m->c->stats->points++;
	return r != 0 ? -1 : collection_tick(m->c, m->c->stats->points, 0, e);
}

struct roots {			/* copied out of the lock */
	struct point_disk *p;
	size_t n;
};

static int copy_open(struct vault *v, struct roots *r, struct err *e)
{
	size_t n = 0;

	for (const struct vault_roots *x = v->roots; x != NULL; x = x->next)
		n += x->body->disk_count;
	r->p = calloc(n + 1, sizeof(*r->p));
	if (r->p == NULL)
		return err_nomem(e);
	for (const struct vault_roots *x = v->roots; x != NULL; x = x->next)
		for (size_t i = 0; i < x->body->disk_count; i++)
			r->p[r->n++] = x->body->disks[i];
	return 0;
}

static int copy_committed(struct vault *v, struct roots *r, struct err *e)
{
	r->p = calloc(v->committed_count + 1, sizeof(*r->p));
	if (r->p == NULL)
		return err_nomem(e);
	for (; r->n < v->committed_count; r->n++) {
		r->p[r->n].root = v->committed[r->n];
		r->p[r->n].levels = v->committed_levels[r->n];
	}
	return 0;
}

static int mark_roots(struct marking *m, int (*copy)(struct vault *, struct roots *, struct err *),
    struct err *e)
{
	struct vault *v = m->c->v;
	struct roots roots = { 0 };
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;
	int r;

	pthread_mutex_lock(&v->roots_mu);
	r = copy(v, &roots, e);
	pthread_mutex_unlock(&v->roots_mu);
	for (size_t i = 0; r == 0 && i < roots.n; i++) {
		/* Who keeps a point open may be about to find that it is gone, and so may its map be;
		 * but where the root is, all below it is. */
		if (copy == copy_open && !vault_find(v, &roots.p[i].root, &at, pack))
			continue;
		r = mark_disk(m, &roots.p[i], e);
		if (r != 0)
			(void)err_in(e, "a point that is open, or was committed just now");
	}
	free(roots.p);
	return r;
}

/* ---- chunks in two packs ---- */
static int settle_all(struct marking *m, uint32_t number, const struct pack_entry *t,
    uint32_t count, struct err *e)
{
	for (uint32_t i = 0; i < count; i++) {
		struct chunk_place at = { number, t[i].offset, t[i].sealed_n };

		if (chunk_settle(&m->reader, &t[i].id, &at, e) != 0)
			return -1;
	}
	return 0;
}

static int settle_pack(struct marking *m, uint32_t number, struct err *e)
{
	struct vault *v = m->c->v;
	struct pack_entry *t = NULL;
	struct vault_pack p;
	uint32_t count = 0;
	int r;

	vault_pack_get(v, number, &p);
	if (p.is_gone || p.is_inflight)
		return 0;
	if (vault_pack_entries(v, &p, &t, &count, e) != 0)
		return e->kind == ERR_CORRUPT ? 0 : -1;
	r = settle_all(m, number, t, count, e);
	free(t);
	return r;
}

/* The index names one of a chunk's places, and the sweep takes the others for waste.  After a
 * restart the one may be that which is damaged, and the other the one that mended it. */
static int settle(struct marking *m, struct err *e)
{
	struct vault *v = m->c->v;
	size_t n = vault_pack_count(v);
	bool has_any;

	pthread_rwlock_rdlock(&v->index_lock);
	has_any = v->duplicates > 0;
	pthread_rwlock_unlock(&v->index_lock);
	for (size_t i = 0; has_any && i < n; i++)
		if (settle_pack(m, (uint32_t)i, e) != 0 ||
		    collection_tick(m->c, (int64_t)i, (int64_t)n, e) != 0)
			return -1;
	return 0;
}

static int mark_all(struct collection *c, struct err *e)
{
	cleanup_with(marking_done) struct marking m = { .c = c, .bytes = malloc(CHUNK_MAX) };

	if (m.bytes == NULL)
		return err_nomem(e);
	if (chunk_reader_init(&m.reader, c->v, e) != 0 ||
	    object_list(c->v->store, "points/", mark_object, &m, e) != 0)
		return -1;
	if (mark_roots(&m, copy_open, e) != 0 || mark_roots(&m, copy_committed, e) != 0)
		return -1;
	return settle(&m, e);
}

/* ---- sweep ---- */
static void count(void *arg, const struct chunk_place *at, unsigned flags)
{
	struct collection *c = arg;
	struct pack_use *u = &c->use[at->pack];

	if ((flags & CHUNK_LIVE) == 0) {
		c->stats->dead_chunks++;
		return;
	}
	u->live++;
	u->live_bytes += RECORD_HEADER_SIZE + (int64_t)at->sealed_n + AEAD_TAG_SIZE;
	c->stats->live_chunks++;
	c->stats->live_bytes += RECORD_HEADER_SIZE + (int64_t)at->sealed_n + AEAD_TAG_SIZE;
}

/* A pack with a damaged table may hold chunks that could not be found: while some are missing,
 * it is better kept. */
static bool is_waste(const struct collection *c, const struct vault_pack *p, const struct pack_use *u)
{
	return !p->is_gone && !p->is_inflight && u->live == 0 &&
	    !(p->has_bad_table && c->stats->missing > 0);
}

static bool is_small(const struct vault_pack *p, const struct pack_use *u)
{
	return !p->is_gone && !p->is_inflight && u->live > 0 && p->size < SMALL_PACK;
}

static size_t count_small(const struct collection *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->v->pack_count; i++)
		n += is_small(&c->v->packs[i], &c->use[i]);
	return n;
}

static bool is_donor(const struct collection *c, const struct vault_pack *p, const struct pack_use *u)
{
	if (p->is_gone || p->is_inflight || u->live == 0 || c->opts->compact_percent == 0)
		return false;
	/* Of a tiny pack, table and trailer are most: where everything is needed, nothing is gained. */
	return (c->merge_small && is_small(p, u)) || (p->has_bad_table && c->stats->missing == 0) ||
	    ((u->live < p->count || c->opts->compact_percent == 100) &&
	    u->live_bytes * 100 < (p->size - PACK_HEADER_SIZE) * (int64_t)c->opts->compact_percent);
}

/* Of packs that go, everything goes; of those that will be rewritten, what is not live: from now
 * on no session can come to rely on it. */
static bool stays(void *arg, const struct chunk_place *at, unsigned flags)
{
	const struct collection *c = arg;

	if (c->v->packs[at->pack].is_gone)
		return false;
	return at->pack >= c->use_count || !c->use[at->pack].is_donor || (flags & CHUNK_LIVE) != 0;
}

struct waste {
	uint8_t (*ids)[PACK_ID_SIZE];	/* owned */
	size_t n;
};

static int sweep_locked(struct collection *c, struct waste *w, struct err *e)
{
	struct vault *v = c->v;

	c->use_count = v->pack_count;
	c->use = calloc(v->pack_count + 1, sizeof(c->use[0]));
	w->ids = calloc(v->pack_count + 1, PACK_ID_SIZE);
	if (c->use == NULL || w->ids == NULL)
		return err_nomem(e);
	index_each(&v->index, count, c);
	c->merge_small = count_small(c) >= SMALL_PACKS_MIN;
	for (size_t i = 0; i < v->pack_count; i++) {
		struct vault_pack *p = &v->packs[i];

		c->use[i].is_donor = is_donor(c, p, &c->use[i]);
		if (is_waste(c, p, &c->use[i])) {
			p->is_gone = true;
			memcpy(w->ids[w->n++], p->id, PACK_ID_SIZE);
			c->stats->freed_bytes += p->size;
		}
	}
	if (index_filter(&v->index, stays, c, e) == 0)
		return 0;
	/* Out of memory: what was to go is still in the index, so it must stay in the store. */
	for (size_t i = 0; i < v->pack_count; i++)
		for (size_t k = 0; k < w->n; k++)
			if (memcmp(v->packs[i].id, w->ids[k], PACK_ID_SIZE) == 0)
				v->packs[i].is_gone = false;
	return -1;
}

static int sweep(struct collection *c, struct err *e)
{
	struct waste w = { 0 };
	char name[PACK_NAME_SIZE];
	int r;

	pthread_rwlock_wrlock(&c->v->index_lock);
	r = sweep_locked(c, &w, e);
	pthread_rwlock_unlock(&c->v->index_lock);
	for (size_t i = 0; r == 0 && i < w.n; i++) {
		r = collection_tick(c, (int64_t)i, (int64_t)w.n, e);
		if (r == 0)
			r = object_del(c->v->store, pack_name(w.ids[i], name), e);
		c->stats->removed_packs += r == 0;
	}
	free(w.ids);
	return r;
}

/* ---- all of it ---- */
/* A point whose removal is under way may not have been listed, and would come back with a power
 * cut now.  Whoever removes holds the lock until it is durable. */
static void wait_for_removals(struct vault *v)
{
	pthread_mutex_lock(&v->commit_mu);
	pthread_mutex_unlock(&v->commit_mu);
}

static int collect(struct collection *c, struct err *e)
{
	if (mark_all(c, e) != 0)
		return -1;
	wait_for_removals(c->v);
	if (sweep(c, e) != 0)
		return -1;
	return collection_strays(c, e) != 0 ? -1 : collection_compact(c, e);
}

static int run(struct vault *v, const struct vault_collect_opts *opts,
    struct vault_collect_stats *stats, struct err *e)
{
	struct collection c = { .v = v, .opts = opts, .stats = stats };
	int r;

	begin(v);
	r = vault_load_bad(v, e) != 0 ? -1 : collect(&c, e);
	end(v);
	free(c.use);
	return r;
}

int vault_collect(struct vault *v, const struct vault_collect_opts *opts,
    struct vault_collect_stats *ret_stats, struct err *e)
{
	static const struct vault_collect_opts usual = { .compact_percent = 70 };
	int r;

	*ret_stats = (struct vault_collect_stats){ 0 };
	if (vault_lock_writer(v, e) != 0)
		return err_in(e, "collecting garbage");
	if (pthread_mutex_trylock(&v->collect_mu) != 0)
		return err_set(e, ERR_BUSY, "garbage of this vault is being collected already");
	r = run(v, opts != NULL ? opts : &usual, ret_stats, e);
	pthread_mutex_unlock(&v->collect_mu);
	return r != 0 ? err_in(e, "collecting garbage") : 0;
}
