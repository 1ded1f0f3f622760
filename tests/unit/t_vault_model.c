/* t_vault_model.c - a random walk over everything a vault can do, against a model in memory.
 *
 * To replay:  HOLDFAST_MODEL_SEED=N HOLDFAST_MODEL_STEPS=M HOLDFAST_MODEL_TRACE=1 t_vault_model
 * with the numbers that a failed run printed.  The vault's key and the names of packs are random all
 * the same, and threads call the store in any order: a few repetitions may be needed. */
#include "t.h"

#include "vault_rig.h"

#define STEPS 300		/* about ten seconds */
#define DISK_MAX ((size_t)8 * (size_t)MIB)
#define BLOCK ((size_t)65536)	/* dirty extents are of so many bytes */
#define DIRTY_MAX (DISK_MAX / BLOCK)
#define PENDING 3u
#define HELD 2u
#define POINTS_MAX 24		/* then some are deleted */

static const char *const items[] = { "x", "y" };

struct pending {		/* a session that has its disk but is not committed */
	struct vault_session *s;
	unsigned item;
	struct image is;
};

struct held {			/* a point that stays open */
	struct vault_point *p;
	struct image is;
};

/* From call `from` on, `length` calls of the store fail; the first may be done all the same. */
struct fault {
	_Atomic unsigned calls;
	unsigned from, length;
	bool is_done;
};

struct model {
	struct rig *r;
	struct image disks[2];
	struct pending pending[PENDING];
	struct held held[HELD];
	struct fault fault;
	unsigned serial;		/* of points */
	struct kept doubt;		/* a point that may be there or not; item "" for none */
	char damaged[64][64];		/* packs in which a bit was flipped for good */
	size_t damaged_count;
	bool traces;
};

/* ---- faults ---- */
static enum verdict on_call(void *arg, const char *op, const char *name)
{
	struct fault *f = arg;
	unsigned call = atomic_fetch_add(&f->calls, 1) + 1;

	(void)op;
	(void)name;
	if (call < f->from || call - f->from >= f->length)
		return GO_ON;
	return call == f->from && f->is_done ? DO_AND_FAIL : FAIL;
}

static void arm(struct model *m, unsigned length)
{
	m->fault.from = 1 + (unsigned)(rnd(m->r, 2) == 0 ? rnd(m->r, 8) : rnd(m->r, 60));
	m->fault.length = length;
	m->fault.is_done = rnd(m->r, 2) == 0;
	m->fault.calls = 0;
	m->r->hook_arg = &m->fault;
	m->r->hook = on_call;
}

static bool has_fired(const struct model *m)
{
	return m->r->hook != NULL && m->fault.calls >= m->fault.from;
}

/* The operation worked, or a call was made to fail. */
static bool worked(const struct model *m, const char *what, int result, const struct err *e)
{
	if (result == 0)
		return true;
	if (!has_fired(m) || e->kind != ERR_IO) {
		print_error("%s: %s\n", what, e->msg);
		fail();
	}
	return false;
}

/* ---- disks ---- */
static void write_disk(struct model *m)
{
	struct rig *r = m->r;
	struct image *d = &m->disks[rnd(r, 2)], *other = &m->disks[rnd(r, 2)];
	size_t at = rnd(r, d->n), n = rnd(r, rnd(r, 4) == 0 ? MIB : 20000) + 1;

	if (n > d->n - at)
		n = d->n - at;
	switch (rnd(r, 4)) {
	case 0:
		memset(d->p + at, 0, n);
		break;
	case 1:		/* the same chunks as on the other disk, or another place of this one */
		at = at / CHUNK * CHUNK;
		n = d->n - at < CHUNK ? d->n - at : CHUNK;
		if (other->n >= n)
			memmove(d->p + at, other->p + rnd(r, (other->n - n) / CHUNK + 1) * CHUNK, n);
		break;
	default:
		image_noise(d, at, n, &r->rng);
	}
}

static void resize_disk(struct model *m)
{
	size_t n = (rnd(m->r, DISK_MAX / 512) + 1) * 512;

	image_resize(&m->disks[rnd(m->r, 2)], rnd(m->r, 3) == 0 ? (n + CHUNK - 1) / CHUNK * CHUNK : n);
}

/* Where the disk differs from the image, as whoever tracks writes would say. */
static size_t find_dirty(const struct image *was, const struct image *is, struct extent *ret)
{
	size_t n = 0;

	for (size_t at = 0; at < is->n && at < was->n; at += BLOCK) {
		size_t end = at + BLOCK;

		end = end < is->n ? end : is->n;
		end = end < was->n ? end : was->n;
		if (memcmp(was->p + at, is->p + at, end - at) != 0)
			ret[n++] = (struct extent){ (int64_t)at, (int64_t)BLOCK };
	}
	return n;
}

/* ---- points ---- */
static struct kept *any_point(struct model *m, const char *item)
{
	struct kept *found[RIG_POINTS];
	size_t n = 0;

	for (size_t i = 0; i < m->r->kept_count; i++)
		if (item == NULL || strcmp(m->r->kept[i].item, item) == 0)
			found[n++] = &m->r->kept[i];
	return n > 0 ? found[rnd(m->r, n)] : NULL;
}

static void set_doubt(struct model *m, const char *item, const char *point, const struct image *is)
{
	assert_true(m->doubt.item[0] == '\0');
	(void)snprintf(m->doubt.item, sizeof(m->doubt.item), "%s", item);
	(void)snprintf(m->doubt.point, sizeof(m->doubt.point), "%s", point);
	m->doubt.is = image_copy(is);
}

static void name_point(struct model *m, char out[16])
{
	(void)snprintf(out, 16, "p%u", m->serial++);
}

static int add_disk(struct model *m, struct vault_session *s, unsigned item,
    const struct kept *base, struct err *e)
{
	struct extent dirty[DIRTY_MAX + 1];
	struct vault_base b = { .disk = "d", .dirty = dirty };
	struct vault_disk_stats st;

	if (base == NULL)
		return rig_add_disk(m->r, s, &m->disks[item], NULL, &st, e);
	b.point = base->point;
	b.dirty_count = find_dirty(&base->is, &m->disks[item], dirty);
	return rig_add_disk(m->r, s, &m->disks[item], &b, &st, e);
}

static void commit(struct model *m, struct vault_session *s, unsigned item, const struct image *is)
{
	struct err e = { 0 };
	char name[16];

	name_point(m, name);
	if (worked(m, "commit", rig_commit(s, name, &e), &e))
		(void)rig_keep(m->r, items[item], name, is);
	else
		set_doubt(m, items[item], name, is);
}

static void back_up(struct model *m, bool is_incremental)
{
	unsigned item = (unsigned)rnd(m->r, 2);
	const struct kept *base = is_incremental ? any_point(m, items[item]) : NULL;
	struct vault_session *s = NULL;
	struct err e = { 0 };

	if (!worked(m, "begin", vault_session_begin(m->r->v, items[item], &s, &e), &e))
		return;
	if (worked(m, "backup", add_disk(m, s, item, base, &e), &e))
		commit(m, s, item, &m->disks[item]);
	vault_session_end(s);
}

/* A backup that is committed later, or never. */
static void begin_pending(struct model *m)
{
	struct pending *p = &m->pending[rnd(m->r, PENDING)];
	struct err e = { 0 };

	if (p->s != NULL)
		return;
	p->item = (unsigned)rnd(m->r, 2);
	if (!worked(m, "begin", vault_session_begin(m->r->v, items[p->item], &p->s, &e), &e))
		return;
	if (worked(m, "backup", add_disk(m, p->s, p->item,
		rnd(m->r, 3) == 0 ? NULL : any_point(m, items[p->item]), &e), &e)) {
		p->is = image_copy(&m->disks[p->item]);
		return;
	}
	vault_session_end(TAKE(p->s));
}

static void end_pending(struct model *m, struct pending *p, bool commits)
{
	if (p->s == NULL)
		return;
	if (commits)
		commit(m, p->s, p->item, &p->is);
	vault_session_end(TAKE(p->s));
	image_done(&p->is);
}

static void delete_point(struct model *m)
{
	struct kept *k = any_point(m, NULL);
	struct err e = { 0 };
	int result;

	if (k == NULL)
		return;
	result = vault_point_delete(m->r->v, k->item, k->point, &e);
	if (worked(m, "delete", result < 0 ? -1 : 0, &e))
		assert_int_equal(result, 1);
	else
		set_doubt(m, k->item, k->point, &k->is);
	rig_forget(m->r, k);
}

/* ---- collections ---- */
static bool is_idle(const struct model *m)
{
	for (size_t i = 0; i < PENDING; i++)
		if (m->pending[i].s != NULL)
			return false;
	for (size_t i = 0; i < HELD; i++)
		if (m->held[i].p != NULL)
			return false;
	return true;
}

static void collect(struct model *m)
{
	static const unsigned percents[] = { 0, 20, 70, 100 };
	struct vault_collect_opts opts = { .compact_percent = percents[rnd(m->r, 4)] };
	struct vault_collect_stats st;
	struct err e = { 0 };

	if (!worked(m, "collection", vault_collect(m->r->v, &opts, &st, &e), &e))
		return;
	assert_int_equal(st.missing, 0);
	assert_int_equal(st.points, m->r->kept_count);
	/* everything was rewritten: there is no more than is needed */
	if (opts.compact_percent == 100 && m->r->hook == NULL)
		assert_true(rig_bytes(m->r, "packs/") <= st.live_bytes + 65536);
}

/* ---- restores ---- */
static void restore_one(struct model *m)
{
	const struct kept *k = any_point(m, NULL);
	auto_image struct image got = { 0 };
	struct err e = { 0 };

	if (k != NULL && worked(m, "restore", rig_restore(m->r, m->r->v, k->item, k->point, &got, &e),
		&e))
		assert_true(image_same(&got, &k->is));
}

static void verify_one(struct model *m)
{
	const struct kept *k = any_point(m, NULL);
	struct vault_point *p = NULL;
	struct err e = { 0 };

	if (k == NULL ||
	    !worked(m, "open", vault_point_open(m->r->v, k->item, k->point, &p, &e), &e))
		return;
	(void)worked(m, "verify", vault_verify_point(p, NULL, &e), &e);
	vault_point_close(p);
}

/* The image of one point becomes another's. */
static void restore_in_place(struct model *m)
{
	const struct kept *to = any_point(m, NULL), *from = to != NULL ? any_point(m, to->item) : NULL;
	struct vault_base known = { .disk = "d" };
	struct vault_in_place_stats st;
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	auto_image struct image got = { 0 };
	struct err e = { 0 };
	char path[128];

	if (to == NULL || from->is.n != to->is.n ||
	    !worked(m, "open", vault_point_open(m->r->v, to->item, to->point, &p, &e), &e))
		return;
	known.point = from->point;
	rig_path(m->r, "place", path);
	image_save(&from->is, path);
	OK(disk_sink_open(path, DISK_RAW, &sink, &e));
	if (worked(m, "restore in place", vault_restore_in_place(p, "d", sink,
		rnd(m->r, 2) == 0 ? NULL : &known, 0, NULL, NULL, &st, &e), &e)) {
		got = image_load(path);
		assert_true(image_same(&got, &to->is));
	}
	disk_sink_close(sink);
	(void)unlink(path);
	vault_point_close(p);
}

static void hold_point(struct model *m)
{
	struct held *h = &m->held[rnd(m->r, HELD)];
	const struct kept *k = any_point(m, NULL);
	struct err e = { 0 };

	if (h->p == NULL && k != NULL &&
	    worked(m, "open", vault_point_open(m->r->v, k->item, k->point, &h->p, &e), &e))
		h->is = image_copy(&k->is);
}

static void release(struct model *m, struct held *h, bool restores)
{
	auto_image struct image got = { 0 };
	struct err e = { 0 };

	if (h->p == NULL)
		return;
	if (restores && worked(m, "restore of an open point", rig_restore_open(m->r, h->p, &got, &e),
		&e))
		assert_true(image_same(&got, &h->is));
	vault_point_close(TAKE(h->p));
	image_done(&h->is);
}

/* ---- ends and crashes ---- */
static void let_go(struct model *m, bool is_orderly)
{
	for (size_t i = 0; i < PENDING; i++)
		end_pending(m, &m->pending[i], is_orderly && i == 0);
	for (size_t i = 0; i < HELD; i++)
		release(m, &m->held[i], is_orderly);
}

static void reopen(struct model *m)
{
	let_go(m, true);
	rig_reopen(m->r);
}

/* ---- damage ---- */
static bool is_damaged_already(const struct model *m, const char *pack)
{
	for (size_t i = 0; i < m->damaged_count; i++)
		if (strcmp(m->damaged[i], pack) == 0)
			return true;
	return false;
}

/* How many points do not restore; each is backed up anew, for which its image is still there. */
static unsigned mend_all(struct model *m)
{
	size_t count = m->r->kept_count;
	unsigned bad = 0;

	for (size_t i = 0; i < count; i++) {
		const struct kept *k = &m->r->kept[i];
		auto_image struct image got = { 0 };
		struct err e = { 0 };
		char name[16];

		if (rig_restore(m->r, m->r->v, k->item, k->point, &got, &e) == 0) {
			assert_true(image_same(&got, &k->is));
			continue;
		}
		assert_int_equal(e.kind, ERR_CORRUPT);
		bad++;
		name_point(m, name);
		rig_backup(m->r, k->item, name, &k->is, NULL);
		/* a second chunk may be lost where the table of a pack is */
		rig_check_one(m->r, m->r->v, k);
	}
	return bad;
}

static void flip_a_bit(struct model *m)
{
	auto_free struct objects *o = rig_objects(m->r, "packs/");
	const struct object_info *pack;
	int64_t at;

	if (o->n == 0 || m->damaged_count == ARRAY_LEN(m->damaged) || m->r->kept_count > POINTS_MAX)
		return;
	pack = &o->at[rnd(m->r, o->n)];
	if (is_damaged_already(m, pack->name))
		return;
	let_go(m, true);
	at = (int64_t)(rnd(m->r, 4) == 0 ? (uint64_t)pack->size - 1 - rnd(m->r, 400) :
	    rnd(m->r, (uint64_t)pack->size));
	rig_flip(m->r, pack->name, at);
	if (rnd(m->r, 2) == 0)
		rig_reopen(m->r);
	if (mend_all(m) == 0) {
		rig_flip(m->r, pack->name, at);	/* nobody would know of it */
		return;
	}
	if (m->traces)
		print_message("damaged %s at %lld\n", pack->name, (long long)at);
	(void)snprintf(m->damaged[m->damaged_count++], 64, "%.60s", pack->name);
	rig_check(m->r, m->r->v);
}

/* ---- what there is ---- */
struct listing {
	struct model *m;
	size_t found;
	bool has_doubtful;
};

static int see_point(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct listing *l = arg;
	const struct rig *r = l->m->r;

	(void)meta;
	(void)e;
	assert_null(damage);
	for (size_t i = 0; i < r->kept_count; i++)
		if (strcmp(r->kept[i].item, item) == 0 && strcmp(r->kept[i].point, point) == 0) {
			l->found++;
			return 0;
		}
	if (strcmp(l->m->doubt.item, item) == 0 && strcmp(l->m->doubt.point, point) == 0) {
		l->has_doubtful = true;
		return 0;
	}
	print_error("point %s/%s should not be there\n", item, point);
	fail();
	return -1;
}

static void check_list(struct model *m)
{
	struct listing l = { .m = m };
	struct err e;

	OK(vault_point_list(m->r->v, NULL, see_point, &l, &e));
	assert_int_equal(l.found, m->r->kept_count);
	if (l.has_doubtful)
		(void)rig_keep(m->r, m->doubt.item, m->doubt.point, &m->doubt.is);
	m->doubt.item[0] = '\0';
	image_done(&m->doubt.is);
}

/* ---- the walk ---- */
static void operate(struct model *m, unsigned what)
{
	switch (what) {
	case 0 ... 3:
		back_up(m, false);
		break;
	case 4 ... 9:
		back_up(m, true);
		break;
	case 10 ... 12:
		delete_point(m);
		break;
	case 13 ... 16:
		collect(m);
		break;
	case 17 ... 18:
		restore_one(m);
		break;
	case 19:
		verify_one(m);
		break;
	case 20 ... 21:
		restore_in_place(m);
		break;
	case 22 ... 24:
		begin_pending(m);
		break;
	case 25 ... 27:
		end_pending(m, &m->pending[rnd(m->r, PENDING)], rnd(m->r, 4) != 0);
		break;
	case 28:
		hold_point(m);
		break;
	default:
		release(m, &m->held[rnd(m->r, HELD)], true);
	}
}

#define OPERATIONS 30u

static void step(struct model *m, unsigned number)
{
	unsigned how = (unsigned)rnd(m->r, 30), what = (unsigned)rnd(m->r, OPERATIONS);
	const struct kept *k;

	if (m->traces)
		print_message("step %u: %u %u, %zu points\n", number, how, what, m->r->kept_count);
	for (unsigned i = 0; i < 3; i++)
		write_disk(m);
	if (rnd(m->r, 20) == 0)
		resize_disk(m);
	if (how < 5)
		arm(m, how < 3 ? UINT32_MAX : 1 + (unsigned)rnd(m->r, 3));
	if (how == 29)
		reopen(m);
	else if (how == 28)
		flip_a_bit(m);
	else
		operate(m, what);
	if (how < 3) {		/* a crash: nothing reaches the store any more */
		let_go(m, false);
		vault_close(TAKE(m->r->v));
	}
	m->r->hook = NULL;
	if (how < 3)
		rig_reopen(m->r);
	check_list(m);
	while (m->r->kept_count > POINTS_MAX)
		delete_point(m);
	k = any_point(m, NULL);
	if (k != NULL)
		rig_check_one(m->r, m->r->v, k);
	if (number % 50 == 49)
		rig_check(m->r, m->r->v);
}

static void finish(struct model *m)
{
	let_go(m, true);
	check_list(m);
	rig_check(m->r, m->r->v);
	assert_true(is_idle(m));
	rig_reopen(m->r);
	rig_check(m->r, m->r->v);
	while (m->r->kept_count > 0)
		delete_point(m);
	(void)rig_collect(m->r, 70);
	assert_int_equal(rig_count(m->r, ""), 1);	/* all space is back */
}

static void a_vault_does_what_its_model_does(void **state)
{
	const char *steps = getenv("HOLDFAST_MODEL_STEPS");
	unsigned count = steps != NULL ? (unsigned)strtoul(steps, NULL, 0) : STEPS;
	struct model m = { .r = *state, .traces = getenv("HOLDFAST_MODEL_TRACE") != NULL };

	for (size_t i = 0; i < ARRAY_LEN(m.disks); i++) {
		m.disks[i] = image_new(DISK_MAX / 2);
		image_noise(&m.disks[i], 0, (size_t)MIB, &m.r->rng);
	}
	for (unsigned i = 0; i < count; i++)
		step(&m, i);
	finish(&m);
	for (size_t i = 0; i < ARRAY_LEN(m.disks); i++)
		image_done(&m.disks[i]);
}

static int model_setup(void **state)
{
	*state = rig_new(seed_from("HOLDFAST_MODEL_SEED"));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_vault_does_what_its_model_does, model_setup,
		    rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
