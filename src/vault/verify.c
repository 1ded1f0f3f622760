/* verify.c - verification of one point, and of a whole vault: every chunk once, whichever points
 * share it; what was done is noted point by point, so that an interrupted round goes on. */
#include "vault/read.h"

#include "base/clock.h"
#include "base/codec.h"
#include "vault/check.h"

#define SAVE_EVERY_US INT64_C(5000000)

/* Chunks may be sound in a pack whose table is not: that is damage too. */
static int check_frames(struct vault *v, atomic_uchar *touched, size_t n, struct err *e)
{
	struct vault_pack p;
	struct err other = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (touched[i] == 0)
			continue;
		touched[i] = 0;
		vault_pack_get(v, i, &p);
		if (p.is_gone || vault_check_frame(v, p.id, e) == 0)
			continue;
		if (e->kind != ERR_CORRUPT)
			return -1;
		/* A collection, of this process or another, may have removed it by now. */
		if (vault_refresh(v, &other) != 0) {
			*e = other;
			return -1;
		}
		vault_pack_get(v, i, &p);
		if (!p.is_gone)
			return -1;
	}
	return 0;
}

static int64_t data_of(const struct vault_point *p)
{
	int64_t total = 0;

	for (size_t i = 0; i < p->body.disk_count; i++)
		total += p->body.disks[i].data;
	return total;
}

static int verify_one(struct vault_point *p, atomic_uchar *touched, size_t touched_n,
    const struct vault_progress *progress, struct err *e)
{
	struct disk_read d = {
		.v = p->v,
		.progress = progress,
		.total = data_of(p),
		.touched = touched,
		.touched_n = touched_n,
	};

	for (size_t i = 0; i < p->body.disk_count; i++) {
		d.disk = &p->body.disks[i];
		if (disk_read_all(&d, e) != 0)
			return err_in(e, "disk '%.100s'", d.disk->name);
		d.before += d.disk->data;
	}
	return check_frames(p->v, touched, touched_n, e);
}

int vault_verify_point(struct vault_point *p, const struct vault_progress *progress,
    struct err *e)
{
	size_t n = vault_pack_count(p->v);
	auto_free atomic_uchar *touched = calloc(n + 1, sizeof(*touched));

	if (touched == NULL)
		return err_nomem(e);
	if (verify_one(p, touched, n, progress, e) != 0)
		return err_in(e, "verifying point '%.128s'", p->body.name);
	return 0;
}

/* ---- a whole vault ---- */
struct round {
	struct vault *v;
	const struct vault_verify_opts *opts;
	vault_check_fn *fn;
	void *arg;
	int64_t round_us;
	atomic_uchar *touched;	/* owned */
	size_t touched_n;
	/* the point under way */
	const char *object;
	pthread_mutex_t mu;
	struct vault_check check;	/* `damaged` and `first` guarded by mu */
	int64_t saved_us;
};

static void note_damage(struct round *r, const struct err *why)
{
	pthread_mutex_lock(&r->mu);
	if (r->check.damaged++ == 0)
		(void)utf8_copy(r->check.first, sizeof(r->check.first), why->msg);
	pthread_mutex_unlock(&r->mu);
}

static void bad(void *arg, int64_t offset, const struct err *why)
{
	(void)offset;
	note_damage(arg, why);
}

static int save(struct round *r, struct err *e)
{
	struct vault_check c;

	pthread_mutex_lock(&r->mu);
	c = r->check;
	pthread_mutex_unlock(&r->mu);
	c.at_us = clock_now_us(&clock_system);
	r->saved_us = clock_monotonic_us();
	return check_save(r->v, r->object, &c, e);
}

static int reached(void *arg, int64_t offset, struct err *e)
{
	struct round *r = arg;

	if (r->check.is_complete)
		return 0;		/* by an earlier run; now its chunks are only looked up */
	r->check.offset = offset;
	return clock_monotonic_us() - r->saved_us < SAVE_EVERY_US ? 0 : save(r, e);
}

/* Read what is left of the point; chunks before its position were read by an earlier run. */
static int read_point(struct round *r, struct vault_point *p, struct err *e)
{
	struct disk_read d = {
		.v = r->v,
		.progress = r->opts->progress,
		.total = r->check.total,
		.skip_seen = true,
		.bytes_per_s = r->opts->bytes_per_s,
		.bad = bad,
		.reached = reached,
		.arg = r,
		.touched = r->touched,
		.touched_n = r->touched_n,
	};
	size_t first = r->check.disk;

	for (size_t i = 0; i < p->body.disk_count; i++) {
		d.disk = &p->body.disks[i];
		d.from = i < first ? d.disk->size : i == first ? r->check.offset : 0;
		if (i >= first) {
			r->check.disk = i;
			r->check.offset = d.from;
		}
		if (disk_read_all(&d, e) != 0)
			return -1;
		d.before += d.disk->data;
		r->check.covered = d.before;
	}
	return 0;
}

static int finish_point(struct round *r, struct err *e)
{
	struct err why = { 0 };

	if (check_frames(r->v, r->touched, r->touched_n, &why) != 0) {
		if (why.kind != ERR_CORRUPT) {
			*e = why;
			return -1;
		}
		note_damage(r, &why);
	}
	r->check.is_complete = true;
	return save(r, e);
}

static bool is_there(const struct round *r)
{
	struct object_info info;
	struct err ignored;

	return object_head(r->v->store, r->object, &info, &ignored) != 0;
}

static int verify_point(struct round *r, struct vault_point *p, struct err *e)
{
	struct vault_check old;
	int found = check_load(r->v, r->object, &old, e);
	bool is_done;

	if (found < 0)
		return -1;
	r->check = (struct vault_check){ .round_us = r->round_us, .total = data_of(p) };
	if (found > 0 && old.round_us == r->round_us && old.disk < p->body.disk_count + 1)
		r->check = old;
	is_done = r->check.is_complete;
	r->saved_us = clock_monotonic_us();
	/* A point that is done is walked all the same: other points need not read its chunks again. */
	if (is_done && r->check.damaged == 0)
		r->check.disk = p->body.disk_count;
	if ((!is_done || r->check.damaged == 0) && read_point(r, p, e) != 0)
		return -1;
	if (!is_done && finish_point(r, e) != 0)
		return -1;
	if (r->check.damaged > 0 && !is_there(r)) {
		check_drop(r->v, r->object);
		return 0;	/* removed meanwhile, and collected by another process */
	}
	return r->fn(r->arg, p->body.item, p->body.name, &r->check, NULL, e);
}

static int each_object(void *arg, const struct object_info *info, struct err *e)
{
	struct round *r = arg;
	struct vault_point *p = NULL;
	struct err why = { 0 };
	int done;

	if (!point_object_valid(info->name))
		return 0;
	if (point_open(r->v, info->name, &p, &why) != 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		if (why.kind == ERR_CORRUPT)
			return r->fn(r->arg, NULL, info->name, NULL, &why, e);
		*e = why;
		return -1;
	}
	r->object = info->name;
	done = verify_point(r, p, e);
	if (done != 0)
		(void)err_in(e, "verifying point '%.128s'", p->body.name);
	vault_point_close(p);
	return done;
}

/* The newest round that any point's record tells of. */
static int newest_round(void *arg, const struct object_info *info, struct err *e)
{
	struct round *r = arg;
	struct vault_check c;
	int found = check_load(r->v, info->name, &c, e);

	if (found > 0 && c.round_us > r->round_us)
		r->round_us = c.round_us;
	return found < 0 ? -1 : 0;
}

static int run(struct round *r, struct err *e)
{
	pthread_rwlock_wrlock(&r->v->index_lock);
	index_lower(&r->v->index, CHUNK_SEEN);
	pthread_rwlock_unlock(&r->v->index_lock);
	if (r->opts->resume && object_list(r->v->store, "points/", newest_round, r, e) != 0)
		return -1;
	if (r->round_us == 0)
		r->round_us = clock_now_us(&clock_system);
	r->touched_n = vault_pack_count(r->v);
	r->touched = calloc(r->touched_n + 1, sizeof(*r->touched));
	if (r->touched == NULL)
		return err_nomem(e);
	return object_list(r->v->store, "points/", each_object, r, e);
}

int vault_verify(struct vault *v, const struct vault_verify_opts *opts, vault_check_fn *fn, void *arg,
    struct err *e)
{
	struct round r = { .v = v, .opts = opts, .fn = fn, .arg = arg };
	int done;

	if (pthread_mutex_trylock(&v->verify_mu) != 0)
		return err_set(e, ERR_BUSY, "this vault is being verified already");
	pthread_mutex_init(&r.mu, NULL);
	done = run(&r, e);
	free(r.touched);
	pthread_mutex_destroy(&r.mu);
	pthread_mutex_unlock(&v->verify_mu);
	return done;
}

int vault_check_get(struct vault *v, const char *item, const char *point, struct vault_check *ret,
    struct err *e)
{
	char name[POINT_NAME_SIZE];

	return point_object_name(v, item, point, name, e) != 0 ? -1 : check_load(v, name, ret, e);
}
