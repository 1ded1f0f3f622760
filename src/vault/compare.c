/* compare.c - two copies of a vault, by the hashes in their maps.  See copy.h.
 *
 * That two points have equal roots says that their data is equal, if it is there: so every map is
 * walked on either side, branches that points share once, and each chunk is looked up in the index. */
#include <stdio.h>

#include "vault/engine.h"

struct side {
	struct vault *v;
	struct chunk_reader reader;
	struct map_node *level[MAP_LEVELS_MAX];	/* owned */
	uint8_t *bytes;				/* owned, CHUNK_MAX */
	int64_t *missing;			/* counts */
};

struct comparison {
	struct side a, b;
	const struct vault_progress *progress;
	vault_compare_fn *fn;
	void *arg;
	struct vault_compare_stats *stats;
};

static int side_init(struct side *s, struct vault *v, int64_t *missing, struct err *e)
{
	s->v = v;
	s->missing = missing;
	s->bytes = malloc(CHUNK_MAX);
	if (s->bytes == NULL)
		return err_nomem(e);
	pthread_rwlock_wrlock(&v->index_lock);
	index_lower(&v->index, CHUNK_SEEN);
	pthread_rwlock_unlock(&v->index_lock);
	if (chunk_reader_init(&s->reader, v, e) != 0)
		return -1;
	s->reader.asks_peer = true;	/* so that what lies below a damaged node is looked for too */
	return vault_refresh(v, e);
}

static void side_done(struct side *s)
{
	if (s->v != NULL)
		chunk_reader_done(&s->reader);
	free(s->bytes);
	for (size_t i = 0; i < MAP_LEVELS_MAX; i++)
		free(s->level[i]);
}

static int tick(struct comparison *c, struct err *e)
{
	const struct vault_progress *p = c->progress;

	return p != NULL && p->tick(p->arg, c->stats->points + c->stats->only_b, 0) ?
	    err_set(e, ERR_CANCELLED, "cancelled") : 0;
}

/* ---- is everything there? ---- */
static void lost(struct side *s, const struct chunk_id *id)
{
	++*s->missing;
	vault_report_bad(s->v, id);
}

static void look_up(struct side *s, const struct map_node *n)
{
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	for (unsigned i = 0; i < MAP_FANOUT; i++)
		if (map_node_has(n, i) && !vault_find(s->v, &n->child[i], &at, pack))
			lost(s, &n->child[i]);
}

static int walk(struct comparison *c, struct side *s, unsigned level, const struct chunk_id *id,
    struct err *e)
{
	struct map_node *n;
	uint32_t pack;

	if ((vault_flags(s->v, id) & CHUNK_SEEN) != 0)
		return 0;
	if (s->level[level] == NULL)
		s->level[level] = malloc(sizeof(*n));
	n = s->level[level];
	if (n == NULL)
		return err_nomem(e);
	if (node_read(&s->reader, id, level, s->bytes, n, &pack, e) != 0) {
		if (e->kind != ERR_CORRUPT)
			return -1;
		lost(s, id);
		return 0;	/* what lies below cannot be told */
	}
	if (pack == UINT32_MAX)
		++*s->missing;	/* noted already; the other side's node told what lies below */
	if (tick(c, e) != 0)
		return -1;
	if (level == 0)
		look_up(s, n);
	for (unsigned i = 0; level > 0 && i < MAP_FANOUT; i++)
		if (map_node_has(n, i) && walk(c, s, level - 1, &n->child[i], e) != 0)
			return -1;
	vault_raise(s->v, id, CHUNK_SEEN);
	return 0;
}

/* How much of the point's is missing; -1. */
static int64_t look_through(struct comparison *c, struct side *s, const struct vault_point *p,
    struct err *e)
{
	int64_t before = *s->missing;

	for (size_t i = 0; i < p->body.disk_count; i++) {
		const struct point_disk *d = &p->body.disks[i];

		if (d->levels > 0 && walk(c, s, d->levels - 1, &d->root, e) != 0)
			return -1;
	}
	return *s->missing - before;
}

/* ---- points ---- */
static const char *difference(const struct vault_point *x, const struct vault_point *y)
{
	if (strcmp(x->body.item, y->body.item) != 0 || strcmp(x->body.meta, y->body.meta) != 0)
		return "the two say different things about the virtual machine";
	if (x->body.disk_count != y->body.disk_count)
		return "the two have different disks";
	for (size_t i = 0; i < x->body.disk_count; i++) {
		const struct point_disk *a = &x->body.disks[i], *b = &y->body.disks[i];

		if (strcmp(a->name, b->name) != 0 || a->size != b->size || a->levels != b->levels ||
		    a->chunk_shift != b->chunk_shift)
			return "the two have different disks";
		if (a->levels > 0 && memcmp(a->root.b, b->root.b, ID_SIZE) != 0)
			return "a disk's data differs";
	}
	return NULL;
}

static int tell(struct comparison *c, const char *object, const struct vault_point *p,
    const char *reason, struct err *e)
{
	return c->fn(c->arg, object, p != NULL ? p->body.item : NULL,
	    p != NULL ? p->body.name : NULL, reason, e);
}

/* 1, 0 if it is not there, -1; damage is told. */
static int load(struct comparison *c, struct vault *v, const char *object,
    struct vault_point **ret, struct err *e)
{
	struct err why = { 0 };

	if (point_open(v, object, ret, &why) == 0)
		return 1;
	if (why.kind == ERR_NOT_FOUND)
		return 0;
	if (why.kind != ERR_CORRUPT) {
		*e = why;
		return -1;
	}
	c->stats->damaged++;
	return c->fn(c->arg, object, NULL, NULL, why.msg, e) != 0 ? -1 : 2;
}

static int tell_missing(struct comparison *c, const char *object, const struct vault_point *p,
    int64_t a, int64_t b, struct err *e)
{
	char text[128];

	if (a < 0 || b < 0)
		return -1;
	if (a == 0 && b == 0)
		return 1;
	(void)snprintf(text, sizeof(text), "chunks or map nodes are missing: %lld on the first side, "
	    "%lld on the second", (long long)a, (long long)b);
	return tell(c, object, p, text, e) != 0 ? -1 : 0;
}

static int compare(struct comparison *c, const char *object, const struct vault_point *x,
    const struct vault_point *y, struct err *e)
{
	const char *why = difference(x, y);
	int64_t lost_a;
	int whole;

	if (why != NULL) {
		c->stats->differing++;
		if (tell(c, object, x, why, e) != 0)
			return -1;
	}
	lost_a = look_through(c, &c->a, x, e);
	if (lost_a < 0)
		return -1;
	whole = tell_missing(c, object, x, lost_a, look_through(c, &c->b, y, e), e);
	c->stats->same += why == NULL && whole > 0;
	return whole < 0 ? -1 : 0;
}

static int each_of_a(void *arg, const char *object, struct err *e)
{
	struct comparison *c = arg;
	auto_point struct vault_point *x = NULL, *y = NULL;
	int in_a = load(c, c->a.v, object, &x, e), in_b;

	if (in_a <= 0)
		return in_a;	/* removed while we list */
	c->stats->points++;
	in_b = load(c, c->b.v, object, &y, e);
	if (in_b < 0 || tick(c, e) != 0)
		return -1;
	if (in_b == 0) {
		c->stats->only_a++;
		return tell(c, object, x, "only the first side has it", e);
	}
	return in_a != 1 || in_b != 1 ? 0 : compare(c, object, x, y, e);
}

static int each_of_b(void *arg, const char *object, struct err *e)
{
	struct comparison *c = arg;
	auto_point struct vault_point *p = NULL;
	struct object_info info;
	int found = object_head(c->a.v->store, object, &info, e);

	if (found != 0)
		return found < 0 ? -1 : 0;
	found = load(c, c->b.v, object, &p, e);
	if (found <= 0)
		return found;
	c->stats->only_b++;
	return tell(c, object, p, "only the second side has it", e);
}

static int run(struct comparison *c, struct vault *a, struct vault *b, struct err *e)
{
	if (side_init(&c->a, a, &c->stats->missing_a, e) != 0 ||
	    side_init(&c->b, b, &c->stats->missing_b, e) != 0 ||
	    vault_point_names(a, each_of_a, c, e) != 0)
		return -1;
	return vault_point_names(b, each_of_b, c, e);
}

int vault_compare(struct vault *a, struct vault *b, const struct vault_progress *progress,
    vault_compare_fn *fn, void *arg, struct vault_compare_stats *ret, struct err *e)
{
	struct comparison c = { .progress = progress, .fn = fn, .arg = arg, .stats = ret };
	int r = -1;

	*ret = (struct vault_compare_stats){ 0 };
	/* A verification marks what it has seen in the same way. */
	if (pthread_mutex_trylock(&a->verify_mu) != 0)
		return err_set(e, ERR_BUSY, "the vault is being verified");
	if (pthread_mutex_trylock(&b->verify_mu) != 0) {
		(void)err_set(e, ERR_BUSY, "the vault's copy is being verified");
	} else {
		r = run(&c, a, b, e);
		pthread_mutex_unlock(&b->verify_mu);
	}
	pthread_mutex_unlock(&a->verify_mu);
	side_done(&c.a);
	side_done(&c.b);
	return r != 0 ? err_in(e, "comparing the two copies") : 0;
}
