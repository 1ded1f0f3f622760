/* child.c - the process that is killed: two threads back up, a third deletes, collects, restores. */
#include "crash.h"

#include <pthread.h>

struct child {
	struct world *w;
	struct vault *v;
	pthread_mutex_t mu;	/* guards w and rng */
	uint64_t rng;
};

struct worker {
	struct child *c;
	unsigned number;
	uint64_t rng;
	char path[600];		/* its image */
};

/* ---- the log ---- */
static void tell(struct child *c, struct line *l, enum phase phase, const char *what)
{
	l->phase = phase;
	(void)snprintf(l->what, sizeof(l->what), "%.511s", what);
	if (write(c->w->log, l, sizeof(*l)) != (ssize_t)sizeof(*l))
		_exit(3);
	if (phase == BROKEN)
		_exit(1);
}

static void begin(struct child *c, struct line *l)
{
	pthread_mutex_lock(&c->mu);
	l->op = c->w->next_op++;
	pthread_mutex_unlock(&c->mu);
	tell(c, l, BEGUN, "");
}

/* ---- the points that there are ---- */
static bool pick_point(struct worker *k, bool of_item, uint32_t item, struct known_point *ret)
{
	struct world *w = k->c->w;
	bool found = false;

	pthread_mutex_lock(&k->c->mu);
	for (unsigned tries = 0; tries < 16 && w->count > 0 && !found; tries++) {
		*ret = w->points[kit_pick(&k->rng, (uint32_t)w->count)];
		found = ret->state == ACKNOWLEDGED && (!of_item || ret->item == item);
	}
	pthread_mutex_unlock(&k->c->mu);
	return found;
}

static size_t count_points(struct child *c)
{
	size_t n;

	pthread_mutex_lock(&c->mu);
	n = c->w->count;
	pthread_mutex_unlock(&c->mu);
	return n;
}

static void add_point(struct child *c, const struct line *l)
{
	pthread_mutex_lock(&c->mu);
	c->w->points[c->w->count++] = (struct known_point){ .op = l->op, .item = l->item,
		.disk = l->disk };
	pthread_mutex_unlock(&c->mu);
}

static void forget_point(struct child *c, uint32_t op)
{
	struct world *w = c->w;

	pthread_mutex_lock(&c->mu);
	for (size_t i = 0; i < w->count; i++)
		if (w->points[i].op == op) {
			w->points[i] = w->points[--w->count];
			break;
		}
	pthread_mutex_unlock(&c->mu);
}

/* ---- backups ---- */
static void backup_finished(struct child *c, struct line *l, int r, bool is_incremental,
    const struct err *e)
{
	if (r == 0) {
		tell(c, l, DONE, "");	/* first: nobody deletes what is not told to be there */
		add_point(c, l);
		return;
	}
	/* Its base may be deleted meanwhile. */
	tell(c, l, is_incremental && e->kind == ERR_NOT_FOUND ? REFUSED : BROKEN, e->msg);
}

static void resize(uint64_t *rng, struct kit_disk *d)
{
	uint32_t blocks = 1 + kit_pick(rng, 80);

	for (uint32_t i = d->blocks; i < blocks; i++)
		d->stamp[i] = kit_stamp(rng, 50);
	d->blocks = blocks;
	d->short_by = kit_pick(rng, 2) * 512 * kit_pick(rng, 100);
}

/* One in sixteen is of more than one pack. */
static void full(struct worker *k, uint32_t item)
{
	static const size_t chunks[] = { 256 << 10, 256 << 10, 1 << 20, 4 << 20 };
	struct line l = { .verb = BACKUP, .item = item };
	struct known_point like;
	struct crash_names n;
	struct extent x[8];
	struct err e = { 0 };
	int r;

	if (kit_pick(&k->rng, 16) == 0) {
		kit_random(&k->rng, &l.disk, 560 + kit_pick(&k->rng, 80), 0, 100);
	} else if (kit_pick(&k->rng, 2) == 0 && pick_point(k, false, 0, &like)) {
		l.disk = like.disk;	/* much of it is there already */
		(void)kit_change(&k->rng, &l.disk, kit_pick(&k->rng, ARRAY_LEN(x)), x);
	} else {
		kit_random(&k->rng, &l.disk, kit_pick(&k->rng, 80), kit_pick(&k->rng, 60),
		    kit_pick(&k->rng, 100));
	}
	if (kit_write(k->path, &l.disk, &e) != 0)
		tell(k->c, &l, BROKEN, e.msg);
	begin(k->c, &l);
	n = names_of(item, l.op);
	r = kit_backup(k->c->v, n.item, n.point, k->path, NULL,
	    chunks[kit_pick(&k->rng, ARRAY_LEN(chunks))], &e);
	backup_finished(k->c, &l, r, false, &e);
}

static void incremental(struct worker *k, uint32_t item)
{
	struct line l = { .verb = BACKUP, .item = item };
	struct known_point base;
	struct crash_names n, b;
	struct vault_base since = { .disk = "d" };
	struct extent x[12];
	struct err e = { 0 };
	int r;

	if (!pick_point(k, true, item, &base)) {
		full(k, item);
		return;
	}
	b = names_of(item, base.op);
	l.disk = base.disk;
	since.point = b.point;
	since.dirty = x;
	since.dirty_count = kit_change(&k->rng, &l.disk, kit_pick(&k->rng, ARRAY_LEN(x)), x);
	if (kit_pick(&k->rng, 4) == 0)
		resize(&k->rng, &l.disk);
	if (kit_write(k->path, &l.disk, &e) != 0)
		tell(k->c, &l, BROKEN, e.msg);
	begin(k->c, &l);
	n = names_of(item, l.op);
	r = kit_backup(k->c->v, n.item, n.point, k->path, &since, 0, &e);
	backup_finished(k->c, &l, r, true, &e);
}

static void *backup_main(void *arg)
{
	struct worker *k = arg;

	for (;;) {
		uint32_t item = kit_pick(&k->rng, ITEMS);

		if (count_points(k->c) >= POINTS_MAX)
			(void)usleep(1000);
		else if (kit_pick(&k->rng, 3) == 0)
			full(k, item);
		else
			incremental(k, item);
	}
	return NULL;
}

/* ---- the rest ---- */
static void finish(struct child *c, struct line *l, int r, const struct err *e)
{
	tell(c, l, r >= 0 ? DONE : BROKEN, r >= 0 ? "" : e->msg);
}

static void delete(struct worker *k, const struct known_point *p)
{
	struct line l = { .verb = DELETE, .point = p->op, .item = p->item };
	struct crash_names n = names_of(p->item, p->op);
	struct err e = { 0 };
	int r;

	forget_point(k->c, p->op);
	begin(k->c, &l);
	r = vault_point_delete(k->c->v, n.item, n.point, &e);
	if (r == 0)
		r = err_set(&e, ERR_BUG, "point '%s' was gone already", n.point);
	finish(k->c, &l, r, &e);
}

static void collect(struct worker *k)
{
	static const unsigned percents[] = { 0, 50, 70, 100 };
	struct vault_collect_opts opts = {
		.compact_percent = percents[kit_pick(&k->rng, ARRAY_LEN(percents))] };
	struct line l = { .verb = COLLECT };
	struct vault_collect_stats st;
	struct err e = { 0 };
	int r;

	begin(k->c, &l);
	r = vault_collect(k->c->v, &opts, &st, &e);
	if (r == 0 && st.missing != 0)
		r = err_set(&e, ERR_BUG, "%lld chunks are missing", (long long)st.missing);
	finish(k->c, &l, r, &e);
}

static void look(struct worker *k, const struct known_point *p, bool only_verify)
{
	struct line l = { .verb = only_verify ? VERIFY : RESTORE, .point = p->op, .item = p->item };
	struct crash_names n = names_of(p->item, p->op);
	struct err e = { 0 };
	int r;

	begin(k->c, &l);
	r = only_verify ? kit_verify(k->c->v, n.item, n.point, &e) :
	    kit_check(k->c->v, n.item, n.point, &p->disk, k->path, &e);
	finish(k->c, &l, r, &e);
}

/* What a guest does to the image between a restore and the next. */
static int touch(struct worker *k, const char *image, struct extent *x, size_t *ret_n,
    struct err *e)
{
	struct kit_disk *d = &k->c->w->image;

	*ret_n = kit_change(&k->rng, d, kit_pick(&k->rng, 6), x);
	return kit_write(image, d, e);
}

/* Into the image that is there.  Where it is known to be as a point was, but for a few blocks, only
 * that is told to differ. */
static void in_place(struct worker *k, const struct known_point *p)
{
	struct world *w = k->c->w;
	struct line l = { .verb = IN_PLACE, .point = p->op, .item = p->item, .disk = p->disk };
	struct crash_names n = names_of(p->item, p->op);
	struct vault_base known = { .point = n.point, .disk = "d" };
	struct extent x[6];
	struct err e = { 0 };
	char image[600];
	int r;

	(void)snprintf(image, sizeof(image), "%s/image", w->dir);
	begin(k->c, &l);
	if (w->image_point == p->op) {
		known.dirty = x;
		r = touch(k, image, x, &known.dirty_count, &e);
	} else {
		r = truncate(image, kit_size(&p->disk)) == 0 ? 0 :
		    err_sys(&e, errno, "resizing '%s'", image);
	}
	if (r == 0)
		r = kit_restore(k->c->v, n.item, n.point, image, true,
		    w->image_point == p->op ? &known : NULL, &e);
	if (r == 0)
		r = kit_same(image, &p->disk, &e);
	finish(k->c, &l, r, &e);
	w->image_point = p->op;
	w->image = p->disk;
}

static void *janitor_main(void *arg)
{
	struct worker *k = arg;
	struct known_point p;

	for (;;) {
		if (!pick_point(k, false, 0, &p)) {
			(void)usleep(1000);
			continue;
		}
		switch (kit_pick(&k->rng, 10)) {
		case 0:
		case 1:
		case 2:
			delete(k, &p);
			break;
		case 3:
		case 4:
		case 5:
			collect(k);
			break;
		case 6:
			look(k, &p, true);
			break;
		case 7:
			look(k, &p, false);
			break;
		default:
			in_place(k, &p);
		}
		if (count_points(k->c) >= POINTS_MAX && pick_point(k, false, 0, &p))
			delete(k, &p);
	}
	return NULL;
}

void child_main(struct world *w, uint64_t seed)
{
	struct child c = { .w = w, .mu = PTHREAD_MUTEX_INITIALIZER };
	struct worker workers[3];
	pthread_t t;
	char store[600];
	struct line l = { .verb = VERBS };
	struct err e = { 0 };

	(void)snprintf(store, sizeof(store), "%s/store", w->dir);
	if (kit_open(store, w->key, false, &c.v, &e) != 0)
		tell(&c, &l, BROKEN, e.msg);
	for (unsigned i = 0; i < ARRAY_LEN(workers); i++) {
		workers[i] = (struct worker){ .c = &c, .number = i, .rng = kit_rnd(&seed) | 1 };
		(void)snprintf(workers[i].path, sizeof(workers[i].path), "%s/disk%u", w->dir, i);
		if (pthread_create(&t, NULL, i < 2 ? backup_main : janitor_main, &workers[i]) != 0)
			_exit(3);
	}
	for (;;)
		(void)pause();
}
