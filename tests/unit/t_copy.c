/* t_copy.c - points into a second copy of a vault: what arrives restores without the first, what was there
 * is not sent again, and whatever comes between leaves a copy that shows only whole points.
 * HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include "copy_rig.h"

static void change(struct rig *r, struct image *m, size_t at, size_t n)
{
	image_noise(m, at, n, &r->rng);
}

/* Three points of one disk and one of another. */
static void some_points(struct rig *r, struct image *m)
{
	*m = image_random(r, 4 * (size_t)MIB);
	rig_backup(r, "a", "1", m, NULL);
	change(r, m, 3 * CHUNK, CHUNK);
	rig_backup(r, "a", "2", m, NULL);
	change(r, m, 10 * CHUNK, 2 * CHUNK);
	rig_backup(r, "a", "3", m, NULL);
	change(r, m, 0, CHUNK);
	rig_backup(r, "b", "1", m, NULL);
}

static void stands_alone(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	struct err e;

	some_points(p->r, &m);
	pair_copy(p);
	assert_int_equal(p->sent.points, 4);
	vault_close(TAKE(p->r->v));
	OK(fs_remove_tree(p->r->dir, &e));
	assert_int_equal(mkdir(p->r->dir, 0700), 0);	/* where disks are restored to */
	assert_int_equal(pair_check(p), 4);
}

static void sends_what_is_lacking(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	struct vault_disk_stats st;
	int64_t added;

	some_points(p->r, &m);
	pair_copy(p);
	pair_copy(p);
	assert_int_equal(p->sent.points + p->sent.bytes, 0);
	change(p->r, &m, 5 * CHUNK + 77, CHUNK / 2);
	added = -rig_bytes(p->r, "p");
	rig_backup(p->r, "a", "4", &m, &st);
	added += rig_bytes(p->r, "p");
	pair_copy(p);
	assert_true(st.stored > 0 && p->sent.bytes <= added + added / 10);
	assert_int_equal(pair_check(p), 5);
}

/* The vault's packs are rewritten: what the copy has already is not sent again. */
static void compaction_costs_nothing(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };

	some_points(p->r, &m);
	pair_copy(p);
	rig_delete(p->r, "a", "1");
	(void)rig_collect(p->r, 100);
	change(p->r, &m, 9 * CHUNK, CHUNK);
	rig_backup(p->r, "a", "5", &m, NULL);
	pair_copy(p);
	assert_int_equal(p->sent.points, 1);
	assert_true(p->sent.bytes < 3 * (int64_t)CHUNK);
	assert_int_equal(pair_check(p), 4);
}

/* After a collection one pack holds what several points need, in part. */
static void parts_of_packs(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };

	some_points(p->r, &m);
	(void)rig_collect(p->r, 100);
	pair_copy(p);
	assert_int_equal(pair_check(p), 4);
	assert_true(p->sent.chunks > 0);
	assert_true(p->sent.bytes <= rig_bytes(p->r, "p") + rig_bytes(p->r, "p") / 10);
}

/* The copy's own collections remove what only points that it lost needed. */
static void collected_apart(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	char name[VAULT_NAME_SIZE];
	int64_t before;
	struct err e;

	some_points(p->r, &m);
	pair_copy(p);
	OK(vault_point_object(p->r->v, "a", "1", name, &e));
	OK(vault_point_delete_object(p->side.v, name, &e));
	rig_delete(p->r, "a", "1");
	before = rig_bytes(&p->side, "packs/");
	(void)rig_collect(&p->side, 100);
	assert_true(rig_bytes(&p->side, "packs/") <= before - (int64_t)CHUNK / 2);
	assert_int_equal(pair_check(p), 3);
	change(p->r, &m, 14 * CHUNK, CHUNK);
	rig_backup(p->r, "a", "4", &m, NULL);
	pair_copy(p);
	assert_int_equal(pair_check(p), 4);
}

/* Every call of either store fails once: the copy shows a prefix, and goes on from there. */
static void each_call_fails(struct pair *p, bool of_copy)
{
	auto_image struct image m = { 0 };
	struct rig *r = of_copy ? &p->side : p->r;
	unsigned nth = 1;
	bool done = false;
	size_t shown = 0;

	some_points(p->r, &m);
	for (; !done; nth++) {
		struct err e = { 0 };
		size_t now;

		object_fault_arm(r->fault, nth, ERR_IO, false);
		done = pair_try_copy(p, NULL, &e) == 0;
		object_fault_arm(r->fault, 0, ERR_IO, false);
		if (!done)
			CONTAINS(e.msg, "injected failure");
		now = pair_check(p);
		assert_true(now >= shown);
		shown = now;
		if (nth % 3 == 0)
			pair_reopen(p);
	}
	assert_int_equal(shown, 4);
	assert_true(nth > 10);
}

static void copy_store_fails(void **state)
{
	each_call_fails(*state, true);
}

static void vault_store_fails(void **state)
{
	each_call_fails(*state, false);
}

/* The way breaks and stays broken, after each call in turn, for a new copy every time. */
static void prefixes(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	size_t shown = 0;

	some_points(p->r, &m);
	for (unsigned nth = 1; shown < 4; nth++) {
		struct pair q = { .r = p->r, .side = { .rng = 1 } };
		struct object_store *s;
		struct err e = { 0 };

		strcpy(q.side.dir, "/tmp/holdfast-copy-XXXXXX");
		assert_non_null(mkdtemp(q.side.dir));
		memcpy(q.side.key, p->r->key, 32);
		s = rig_store(&q.side);
		OK(vault_copy_begin(p->r->v, s, &e));
		object_close(s);
		pair_open(&q);
		object_fault_arm(q.side.fault, nth, ERR_IO, true);
		(void)!pair_try_copy(&q, NULL, &e);
		vault_close(q.side.v);
		shown = pair_check(&q);
		OK(fs_remove_tree(q.side.dir, &e));
	}
}

/* ---- damage on the way ---- */
struct spoil {
	struct rig *r;
	unsigned left;		/* puts of packs to spoil */
};

static enum verdict spoil_put(void *arg, const char *op, const char *name)
{
	struct spoil *s = arg;

	/* By the first reading it is there: flip a bit before it. */
	if (s->left > 0 && strcmp(op, "get") == 0 && strncmp(name, "packs/", 6) == 0) {
		s->left--;
		rig_flip(s->r, name, 3000);
	}
	return GO_ON;
}

static void spoilt_on_arrival(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	struct spoil s = { &p->side, 1 };
	struct err e;

	some_points(p->r, &m);
	p->side.hook = spoil_put;
	p->side.hook_arg = &s;
	FAILS(pair_try_copy(p, NULL, &e), ERR_IO);
	p->side.hook = NULL;
	CONTAINS(e.msg, "otherwise than it was sent");
	assert_int_equal(pair_check(p), 0);
	pair_copy(p);
	assert_int_equal(pair_check(p), 4);
}

static void damaged_at_home(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	struct spot at[64], *bad;
	char hex[HEX_SIZE(ID_SIZE)];
	struct err e;

	m = image_random(p->r, 8 * (size_t)MIB);
	rig_backup(p->r, "a", "1", &m, NULL);
	bad = &at[rnd(p->r, rig_all_spots(p->r, RECORD_DATA, at, ARRAY_LEN(at)))];
	rig_damage(p->r, bad);
	FAILS(pair_try_copy(p, NULL, &e), ERR_CORRUPT);
	CONTAINS(e.msg, hex_encode(bad->id.b, ID_SIZE, hex));
	assert_int_equal(pair_check(p), 0);
	/* The disk has it still: a backup mends it, and the copying goes on. */
	rig_backup(p->r, "a", "2", &m, NULL);
	pair_copy(p);
	assert_int_equal(pair_check(p), 2);
}

/* ---- meanwhile ---- */
struct meanwhile {
	struct pair *p;
	unsigned at, calls;
};

/* The point that is being copied is deleted and collected at home. */
static enum verdict delete_at(void *arg, const char *op, const char *name)
{
	struct meanwhile *m = arg;
	struct vault_collect_opts all = { .compact_percent = 100 };
	struct vault_collect_stats st;
	struct err e;

	(void)op;
	(void)name;
	if (++m->calls == m->at) {
		assert_true(vault_point_delete(m->p->r->v, "a", "2", &e) >= 0);
		OK(vault_collect(m->p->r->v, &all, &st, &e));
	}
	return GO_ON;
}

static void deleted_meanwhile(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = image_random(p->r, 4 * (size_t)MIB);

	for (unsigned at = 1 + (unsigned)rnd(p->r, 3); at < 40; at += 3) {
		struct meanwhile w = { p, at, 0 };
		struct err e = { 0 };
		char name[VAULT_NAME_SIZE];

		change(p->r, &m, 0, m.n);
		rig_backup(p->r, "a", "1", &m, NULL);
		change(p->r, &m, 2 * CHUNK, 2 * CHUNK);
		rig_backup(p->r, "a", "2", &m, NULL);
		p->side.hook = delete_at;
		p->side.hook_arg = &w;
		if (pair_try_copy(p, NULL, &e) != 0)
			assert_int_equal(e.kind, ERR_NOT_FOUND);
		p->side.hook = NULL;
		(void)pair_check(p);
		rig_delete(p->r, "a", "1");
		while (p->r->kept_count > 0)
			rig_forget(p->r, &p->r->kept[0]);
		for (unsigned i = 1; i <= 2; i++) {
			OK(vault_point_object(p->r->v, "a", i == 1 ? "1" : "2", name, &e));
			OK(vault_point_delete_object(p->side.v, name, &e));
			assert_true(vault_point_delete(p->r->v, "a", i == 1 ? "1" : "2", &e) >= 0);
		}
		(void)rig_collect(p->r, 70);
		(void)rig_collect(&p->side, 70);
		assert_int_equal(rig_count(&p->side, "packs/"), 0);
	}
}

static bool stop_at(void *arg, int64_t done, int64_t total)
{
	(void)total;
	return done >= *(int64_t *)arg;
}

static void cancelled(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	int64_t limit = 1;
	struct vault_progress progress = { stop_at, &limit };
	struct vault_copy_opts opts = { .progress = &progress };
	struct err e;

	some_points(p->r, &m);
	int64_t sent, all;

	FAILS(pair_try_copy(p, &opts, &e), ERR_CANCELLED);
	sent = p->sent.bytes;
	assert_true(sent > 0);
	assert_int_equal(pair_check(p), 0);
	pair_copy(p);
	/* What had arrived was not sent again. */
	all = rig_bytes(p->r, "p");
	assert_true(sent + p->sent.bytes <= all + all / 50);
	assert_int_equal(pair_check(p), 4);
}

static void keeps_to_its_pace(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	struct vault_copy_opts opts = { .bytes_per_s = 16 * MIB };
	int64_t start = clock_monotonic_us(), took;
	struct err e;

	some_points(p->r, &m);
	OK(pair_try_copy(p, &opts, &e));
	took = clock_monotonic_us() - start;
	assert_true((double)p->sent.bytes / (double)took * 1e6 <= 16.5 * (double)MIB);
}

/* ---- mending ---- */
static struct vault *give(void *arg)
{
	return arg;
}

/* Each knows the other. */
static void introduce(struct pair *p)
{
	vault_set_peer(p->r->v, give, p->side.v);
	vault_set_peer(p->side.v, give, p->r->v);
}

/* Points with damage, as a verification of the whole vault tells them. */
static int count_damaged(void *arg, const char *item, const char *point, const struct vault_check *c,
    const struct err *damage, struct err *e)
{
	(void)item;
	(void)point;
	(void)e;
	assert_null(damage);
	*(unsigned *)arg += c->damaged > 0;
	return 0;
}

static unsigned verify(struct rig *r)
{
	struct vault_verify_opts opts = { 0 };
	unsigned damaged = 0;
	struct err e;

	OK(vault_verify(r->v, &opts, count_damaged, &damaged, &e));
	return damaged;
}

static void damage_all(struct rig *r, enum record_kind kind)
{
	struct spot at[128];
	size_t n = rig_all_spots(r, kind, at, ARRAY_LEN(at));

	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		rig_damage(r, &at[i]);
}

static void heal_all(struct rig *r, int64_t at_least)
{
	struct vault_heal_stats st;
	struct err e;

	OK(vault_heal(r->v, &st, &e));
	assert_true(st.noted >= at_least);
	assert_int_equal(st.healed, st.noted);
}

/* Alone, and after a restart, the side restores everything. */
static void assert_whole(struct pair *p, struct rig *r)
{
	struct vault *v = rig_reader(r);

	rig_check(p->r, v);
	vault_close(v);
}

/* A restore reads from the other side what is damaged here, as if nothing had happened. */
static void mended_by_restore(struct pair *p, struct rig *bad, enum record_kind kind)
{
	auto_image struct image m = { 0 };

	some_points(p->r, &m);
	pair_copy(p);
	introduce(p);
	damage_all(bad, kind);
	rig_check(p->r, bad->v);
	assert_true(rig_count(bad, "damaged/") > 0);
	heal_all(bad, 1);
	assert_whole(p, bad);
	heal_all(bad, 0);
}

static void restore_mends_vault(void **state)
{
	struct pair *p = *state;

	mended_by_restore(p, p->r, RECORD_DATA);
}

static void restore_mends_vaults_maps(void **state)
{
	struct pair *p = *state;

	mended_by_restore(p, p->r, RECORD_MAP);
}

static void restore_mends_copy(void **state)
{
	struct pair *p = *state;

	mended_by_restore(p, &p->side, RECORD_DATA);
}

static void restore_mends_copys_maps(void **state)
{
	struct pair *p = *state;

	mended_by_restore(p, &p->side, RECORD_MAP);
}

/* A verification says what is damaged here, wherever else it can be read; then it is mended. */
static void mended_by_verification(struct pair *p, struct rig *bad, enum record_kind kind)
{
	auto_image struct image m = { 0 };
	unsigned rounds = 0;

	some_points(p->r, &m);
	pair_copy(p);
	introduce(p);
	damage_all(bad, kind);
	/* What lies below a damaged node is found once that is mended. */
	while (verify(bad) > 0) {
		assert_true(rounds++ < MAP_LEVELS_MAX + 1);
		heal_all(bad, 1);
	}
	assert_true(rounds > 0);
	assert_whole(p, bad);
}

static void verification_mends_copy(void **state)
{
	struct pair *p = *state;

	mended_by_verification(p, &p->side, RECORD_DATA);
}

static void verification_mends_vaults_maps(void **state)
{
	struct pair *p = *state;

	mended_by_verification(p, p->r, RECORD_MAP);
}

static void remove_packs(struct rig *r)
{
	auto_free struct objects *o = rig_objects(r, "packs/");
	struct object_store *s = rig_store(r);
	struct err e;

	for (size_t i = 0; i < o->n; i++)
		OK(object_del(s, o->at[i].name, &e));
	object_close(s);
}

struct told {
	unsigned n;
	char all[4096];
};

static int note_told(void *arg, const char *object, const char *item, const char *point,
    const char *reason, struct err *e)
{
	struct told *t = arg;

	(void)e;
	assert_memory_equal(object, "points/", 7);
	(void)item;
	(void)point;
	t->n++;
	(void)snprintf(t->all + strlen(t->all), sizeof(t->all) - strlen(t->all), "%s\n", reason);
	return 0;
}

static struct vault_compare_stats compare(struct pair *p, struct told *t)
{
	struct vault_compare_stats st;
	struct err e;

	*t = (struct told){ 0 };
	OK(vault_compare(p->r->v, p->side.v, NULL, note_told, t, &st, &e));
	return st;
}

/* All packs of a side are lost: comparing finds what is missing without reading data, and the other side
 * gives everything back. */
static void lost_packs(struct pair *p, struct rig *bad)
{
	struct vault_compare_stats st;
	auto_image struct image m = { 0 };
	struct told t;

	some_points(p->r, &m);
	pair_copy(p);
	st = compare(p, &t);
	assert_int_equal(st.points, 4);
	assert_int_equal(st.same, 4);
	assert_int_equal(t.n, 0);
	remove_packs(bad);
	vault_close(TAKE(bad->v));
	bad->v = rig_other(bad);
	introduce(p);
	st = compare(p, &t);
	assert_int_equal(st.same, 0);
	assert_true((bad == p->r ? st.missing_a : st.missing_b) > 16);
	assert_int_equal(bad == p->r ? st.missing_b : st.missing_a, 0);
	CONTAINS(t.all, "are missing");
	heal_all(bad, 16);
	assert_whole(p, bad);
	assert_int_equal(compare(p, &t).same, 4);
}

static void lost_packs_of_vault(void **state)
{
	struct pair *p = *state;

	lost_packs(p, p->r);
}

static void lost_packs_of_copy(void **state)
{
	struct pair *p = *state;

	lost_packs(p, &p->side);
}

static void comparing_tells_points(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = { 0 };
	struct vault_compare_stats st;
	char name[VAULT_NAME_SIZE];
	struct told t;
	struct err e;

	some_points(p->r, &m);
	pair_copy(p);
	rig_backup(p->r, "c", "1", &m, NULL);
	OK(vault_point_object(p->r->v, "c", "1", name, &e));
	st = compare(p, &t);
	assert_int_equal(st.only_a, 1);
	CONTAINS(t.all, "only the first side");
	rig_delete(p->r, "a", "1");
	st = compare(p, &t);
	assert_int_equal(st.only_a + st.only_b, 2);
	pair_copy(p);
	rig_flip(&p->side, name, 100);
	st = compare(p, &t);
	assert_int_equal(st.damaged, 1);
	CONTAINS(t.all, name);
}

/* Both sides lost the same chunk: it stays noted, nothing is invented. */
static void lost_on_both_sides(void **state)
{
	struct pair *p = *state;
	auto_image struct image m = image_random(p->r, 2 * (size_t)MIB);
	struct vault_heal_stats st;
	auto_image struct image got = { 0 };
	struct err e;

	rig_backup(p->r, "a", "1", &m, NULL);
	pair_copy(p);
	introduce(p);
	damage_all(p->r, RECORD_DATA);
	damage_all(&p->side, RECORD_DATA);
	FAILS(rig_restore(p->r, p->r->v, "a", "1", &got, &e), ERR_CORRUPT);
	assert_int_equal(verify(p->r), 1);
	OK(vault_heal(p->r->v, &st, &e));
	assert_int_equal(st.noted, 8);
	assert_int_equal(st.healed, 0);
	assert_int_equal(rig_count(p->r, "damaged/"), 8);
}

/* ---- by chance ---- */
struct walk {
	struct pair *p;
	struct image disk[2];
	unsigned next;
};

static void walk_backup(struct walk *w)
{
	struct rig *r = w->p->r;
	unsigned d = (unsigned)rnd(r, 2);
	char name[24];
	size_t at = rnd(r, w->disk[d].n - CHUNK), n = 1 + rnd(r, CHUNK - 8);

	if (r->kept_count > 12)
		return;
	change(r, &w->disk[d], at, n / 8 * 8);
	(void)snprintf(name, sizeof(name), "%05u", w->next++);
	rig_backup(r, d == 0 ? "a" : "b", name, &w->disk[d], NULL);
}

static void walk_delete(struct walk *w)
{
	struct rig *r = w->p->r;
	struct kept k;

	if (r->kept_count == 0)
		return;
	k = r->kept[rnd(r, r->kept_count)];
	rig_delete(r, k.item, k.point);
}

/* What is gone from the vault goes from the copy. */
static void walk_drop(struct walk *w)
{
	char names[RIG_POINTS][VAULT_NAME_SIZE];
	struct pair_names l = { names, 0 };
	struct err e;

	OK(vault_point_names(w->p->side.v, pair_note_name, &l, &e));
	for (size_t i = 0; i < l.n; i++) {
		struct vault_point *p = NULL;

		if (vault_point_open_object(w->p->r->v, names[i], &p, &e) == 0)
			vault_point_close(p);
		else
			OK(vault_point_delete_object(w->p->side.v, names[i], &e));
	}
}

/* A few bits flip in packs of one side.  Only where the other has all that is needed can it be mended. */
static void walk_damage(struct walk *w)
{
	struct rig *bad = rnd(w->p->r, 2) == 0 ? w->p->r : &w->p->side;
	struct vault_heal_stats st;
	struct spot at[2048];
	size_t n;
	struct err e;

	pair_copy(w->p);
	walk_drop(w);
	(void)rig_collect(bad, 100);	/* what nobody needs is not verified, and a backup may meet it later */
	introduce(w->p);
	n = rig_all_spots(bad, rnd(w->p->r, 2) == 0 ? RECORD_DATA : RECORD_MAP, at, ARRAY_LEN(at));
	for (unsigned i = 0; n > 0 && i < 3; i++) {
		size_t k = rnd(w->p->r, n);

		rig_damage(bad, &at[k]);
		at[k] = at[--n];
	}
	/* What is noted and needed by nobody any more need not be anywhere. */
	for (unsigned i = 0; i < MAP_LEVELS_MAX && verify(bad) > 0; i++)
		OK(vault_heal(bad->v, &st, &e));
	vault_set_peer(bad->v, NULL, NULL);
	assert_int_equal(verify(bad), 0);
}

static void walk_step(struct walk *w)
{
	struct pair *p = w->p;

	switch (rnd(p->r, 12)) {
	case 0: case 1: case 2:
		walk_backup(w);
		break;
	case 3:
		walk_delete(w);
		break;
	case 4:
		(void)rig_collect(p->r, rnd(p->r, 2) == 0 ? 70 : 100);
		break;
	case 5:
		walk_drop(w);
		(void)rig_collect(&p->side, rnd(p->r, 2) == 0 ? 70 : 100);
		break;
	case 6: case 7:
		pair_copy(p);
		break;
	case 8: case 9:
		object_fault_arm(p->side.fault, 1 + (unsigned)rnd(p->r, 60), ERR_IO, rnd(p->r, 2) == 0);
		(void)!pair_try_copy(p, NULL, &(struct err){ 0 });
		object_fault_arm(p->side.fault, 0, ERR_IO, false);
		break;
	case 10:
		rig_reopen(rnd(p->r, 2) == 0 ? p->r : &p->side);
		break;
	default:
		walk_damage(w);
	}
}

static void random_walk(void **state)
{
	struct pair *p = *state;
	struct walk w = { .p = p };

	for (unsigned i = 0; i < 2; i++)
		w.disk[i] = image_random(p->r, (3 + 2 * i) * (size_t)MIB);
	for (unsigned step = 0; step < 60; step++) {
		walk_step(&w);
		if (step % 8 == 7)
			(void)pair_check(p);
	}
	pair_copy(p);
	walk_drop(&w);
	assert_int_equal(pair_check(p), p->r->kept_count);
	rig_check(p->r, p->r->v);
	image_done(&w.disk[0]);
	image_done(&w.disk[1]);
}

/* ---- other ---- */
static void another_vault_is_there(void **state)
{
	struct pair *p = *state;
	struct rig *other = rig_new(7);
	void *gone = other;
	struct object_store *s = rig_store(other);
	struct err e;

	FAILS(vault_copy_begin(p->r->v, s, &e), ERR_CONFLICT);
	object_close(s);
	s = rig_store(&p->side);
	OK(vault_copy_begin(p->r->v, s, &e));
	object_close(s);
	(void)rig_teardown(&gone);
}

static int count_document(void *arg, const char *key, const json_t *doc, struct err *e)
{
	unsigned *n = arg;

	(void)e;
	assert_string_equal(jstr(doc, "of", ""), key);
	++*n;
	return 0;
}

static void documents(void **state)
{
	struct pair *p = *state;
	auto_json json_t *one = json_pack("{s:s}", "of", "item one"), *got = NULL;
	auto_json json_t *two = json_pack("{s:s}", "of", "vault"), *none = NULL;
	unsigned n = 0;
	struct err e;

	OK(vault_document_put(p->side.v, "item one", one, &e));
	OK(vault_document_put(p->side.v, "vault", two, &e));
	OK(vault_document_put(p->side.v, "vault", two, &e));
	assert_int_equal(vault_document_get(p->side.v, "item one", &got, &e), 1);
	assert_true(json_equal(got, one));
	assert_int_equal(vault_document_get(p->side.v, "item two", &none, &e), 0);
	OK(vault_document_list(p->side.v, count_document, &n, &e));
	assert_int_equal(n, 2);
	/* A collection leaves them. */
	(void)rig_collect(&p->side, 100);
	OK(vault_document_delete(p->side.v, "vault", &e));
	OK(vault_document_delete(p->side.v, "vault", &e));
	n = 0;
	OK(vault_document_list(p->side.v, count_document, &n, &e));
	assert_int_equal(n, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(stands_alone), CASE(sends_what_is_lacking),
		CASE(compaction_costs_nothing), CASE(parts_of_packs), CASE(collected_apart),
		CASE(copy_store_fails), CASE(vault_store_fails), CASE(prefixes),
		CASE(spoilt_on_arrival), CASE(damaged_at_home), CASE(deleted_meanwhile),
		CASE(cancelled), CASE(keeps_to_its_pace), CASE(restore_mends_vault),
		CASE(restore_mends_vaults_maps), CASE(restore_mends_copy),
		CASE(restore_mends_copys_maps), CASE(verification_mends_copy),
		CASE(verification_mends_vaults_maps), CASE(lost_packs_of_vault),
		CASE(lost_packs_of_copy), CASE(comparing_tells_points), CASE(lost_on_both_sides), CASE(random_walk),
		 CASE(another_vault_is_there),
		CASE(documents) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
