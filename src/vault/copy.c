/* copy.c - one point into another copy of the vault: what it lacks, then the point.  See copying.h. */
#include "vault/copying.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "vault/diff.h"

static void copying_done(struct copying *c)
{
	vault_session_end(c->session);
	free(c->wants);
	pthread_mutex_destroy(&c->mu);
}

/* ---- pace and progress ---- */
#define PACE_SLICE_US INT64_C(100000)

static int ask(struct copying *c, int64_t bytes, struct err *e)
{
	const struct vault_progress *p = c->opts->progress;
	bool stop;

	pthread_mutex_lock(&c->mu);
	c->sent += bytes;
	c->stats->bytes += bytes;
	if (p != NULL && !c->is_cancelled)
		c->is_cancelled = p->tick(p->arg, c->sent, c->total);
	stop = c->is_cancelled;
	pthread_mutex_unlock(&c->mu);
	return stop ? err_set(e, ERR_CANCELLED, "cancelled") : 0;
}

int copy_tick(struct copying *c, int64_t bytes, struct err *e)
{
	return ask(c, bytes, e) != 0 ? -1 : failpoint("copy/sent", e);
}

int copy_pace(struct copying *c, int64_t bytes, struct err *e)
{
	int64_t now = clock_monotonic_us(), at = now;

	if (c->opts->bytes_per_s > 0) {
		pthread_mutex_lock(&c->mu);
		if (c->due_us < now)
			c->due_us = now;
		c->due_us += (int64_t)((double)bytes * 1e6 / (double)c->opts->bytes_per_s);
		at = c->due_us;
		pthread_mutex_unlock(&c->mu);
	}
	do {
		if (ask(c, 0, e) != 0)
			return -1;
		if (now < at) {
			now = now + PACE_SLICE_US < at ? now + PACE_SLICE_US : at;
			clock_sleep_until(now);
		}
	} while (now < at);
	return 0;
}

/* ---- what is lacking ---- */
static int note(struct copying *c, const struct chunk_id *id, enum record_kind kind, struct err *e)
{
	struct want w = { .id = *id, .kind = kind, .at = { .pack = UINT32_MAX } };
	uint8_t pack[PACK_ID_SIZE];

	if (c->want_count == WANTS_MAX && copy_send(c, e) != 0)
		return -1;
	if (GROW(c->wants, c->want_count, c->want_cap, 1024, e) != 0)
		return -1;
	(void)vault_find(c->from, id, &w.at, pack);
	c->wants[c->want_count++] = w;
	return 0;
}

/* map_walk_fn */
static int look(void *arg, unsigned level, uint64_t index, const struct chunk_id *id, struct err *e)
{
	struct copying *c = arg;
	struct chunk_place at;

	(void)index;
	if (id == NULL || vault_use(c->to, id, c->session->generation, &at))
		return 0;
	return note(c, id, level > 0 ? RECORD_MAP : RECORD_DATA, e);
}

struct search {			/* for the point of the item that is most like this one */
	const char *object;
	char best[POINT_NAME_SIZE];	/* the newest before it, or else the oldest after it; "" */
};

static int is_better(void *arg, const struct object_info *info, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (point_object_valid(info->name) &&
	    (s->best[0] == '\0' || strcmp(info->name, s->object) < 0))
		(void)memcpy(s->best, info->name, strlen(info->name) + 1);
	return 0;
}

/* *ret is NULL if the copy has none that could be used. */
static int find_base(struct copying *c, const struct point_body *b, const char *object,
    struct vault_point **ret, struct err *e)
{
	struct search s = { .object = object };
	char prefix[POINT_NAME_SIZE];
	struct vault_point *p;
	struct err ignored;

	*ret = NULL;
	if (point_object_name(c->to, b->item, NULL, prefix, e) != 0 ||
	    object_list(c->to->store, prefix, is_better, &s, e) != 0)
		return -1;
	if (s.best[0] == '\0' || point_open(c->to, s.best, &p, &ignored) != 0)
		return 0;
	if (session_keep_base(c->session, p, e) != 0)
		return -1;
	*ret = p;
	return 0;
}

static int look_through(struct copying *c, const struct point_body *b,
    const struct vault_point *base, struct err *e)
{
	for (size_t i = 0; i < b->disk_count; i++) {
		const struct point_disk *d = &b->disks[i];
		const struct point_disk *old = base != NULL ? point_disk(base, d->name) : NULL;

		if (old != NULL && old->chunk_shift != d->chunk_shift)
			old = NULL;
		if (map_walk(c->to, old, c->from, d, look, c, e) != 0)
			return err_in(e, "disk '%.100s'", d->name);
	}
	return 0;
}

/* ---- the point ---- */
/* As it arrived, it must be the one that was sent. */
static int check_arrived(struct copying *c, const char *object, const struct point_body *b,
    struct err *e)
{
	auto_point struct vault_point *p = NULL;

	if (point_load(c->to, object, &p, e) != 0)
		return -1;
	if (p->body.disk_count != b->disk_count)
		return err_set(e, ERR_CORRUPT, "another point lies there");
	for (size_t i = 0; i < b->disk_count; i++)
		if (memcmp(p->body.disks[i].root.b, b->disks[i].root.b, ID_SIZE) != 0)
			return err_set(e, ERR_CORRUPT, "another point lies there");
	return 0;
}

static int put(struct copying *c, const char *object, const struct buf *bytes,
    const struct point_body *b, struct err *e)
{
	struct err ignored;

	if (copy_pace(c, (int64_t)bytes->n, e) != 0 || failpoint("copy/point", e) != 0 ||
	    point_put_sealed(c->to, object, bytes, b, e) != 0)
		return -1;
	if (check_arrived(c, object, b, e) != 0) {
		(void)!object_del(c->to->store, object, &ignored);
		return -1;
	}
	return ask(c, (int64_t)bytes->n, e) != 0 && e->kind != ERR_CANCELLED ? -1 : 0;
}

static int copy(struct copying *c, const char *object, struct err *e)
{
	auto_buf struct buf bytes = { 0 };
	auto_point struct vault_point *p = NULL;
	struct vault_point *base;

	/* Open, its chunks stay here whoever deletes it meanwhile. */
	if (object_get_all(c->from->store, object, POINT_MAX, &bytes, e) != 0 ||
	    point_open(c->from, object, &p, e) != 0 ||
	    vault_session_begin(c->to, p->body.item, &c->session, e) != 0 ||
	    find_base(c, &p->body, object, &base, e) != 0 ||
	    look_through(c, &p->body, base, e) != 0 || copy_send(c, e) != 0 ||
	    putter_finish(c->session, e) != 0)
		return -1;
	return put(c, object, &bytes, &p->body, e);
}

int vault_copy_point(struct vault *from, struct vault *to, const char *object,
    const struct vault_copy_opts *opts, struct vault_copy_stats *io_stats, struct err *e)
{
	static const struct vault_copy_opts none = { 0 };
	struct copying c = { .from = from, .to = to, .opts = opts != NULL ? opts : &none,
		.stats = io_stats };
	struct object_info info;
	int r;

	if (strncmp(object, "points/", 7) != 0 || !point_object_valid(object))
		return err_set(e, ERR_INVALID, "'%.200s' is not the name of a point's object", object);
	r = object_head(to->store, object, &info, e);
	if (r != 0)
		return r < 0 ? -1 : 0;
	pthread_mutex_init(&c.mu, NULL);
	r = copy(&c, object, e);
	copying_done(&c);
	if (r != 0)
		return e->kind == ERR_NOT_FOUND ? -1 : err_in(e, "copying '%s'", object);
	io_stats->points++;
	return 1;
}
