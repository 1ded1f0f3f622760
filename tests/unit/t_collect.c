/* t_collect.c - collecting garbage beside backups and restores: what is needed stays, and only that.
 * HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include "vault_rig.h"

/* ---- space ---- */
static void assert_nothing_to_collect(struct rig *r)
{
	struct vault_collect_stats st = rig_collect(r, 70);

	assert_int_equal(st.removed_packs, 0);
	assert_int_equal(st.compacted_packs, 0);
	assert_int_equal(st.freed_bytes, 0);
	assert_int_equal(st.rewritten_bytes, 0);
	assert_int_equal(st.missing, 0);
}

static void the_space_of_deleted_points_comes_back(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 6 * (size_t)MIB), b = image_copy(&a);
	struct vault_collect_stats st;
	int64_t before;

	image_noise(&b, 3 * MIB, 3 * MIB, &r->rng);	/* half of it is shared */
	rig_backup(r, "a", "1", &a, NULL);
	rig_backup(r, "b", "1", &b, NULL);
	image_noise(&a, 0, 6 * MIB, &r->rng);
	rig_backup(r, "a", "2", &a, NULL);
	image_noise(&a, 5 * MIB, MIB, &r->rng);
	rig_backup(r, "a", "3", &a, NULL);
	assert_nothing_to_collect(r);
	before = rig_bytes(r, "packs/");
	rig_delete(r, "a", "1");
	rig_delete(r, "a", "2");
	st = rig_collect(r, 70);
	assert_int_equal(st.points, 2);
	assert_int_equal(st.missing, 0);
	assert_int_equal(st.live_chunks, 24 + 24 + 2);		/* and a map node each */
	assert_int_equal(st.dead_chunks, 12 + 4 + 2);
	assert_true(st.live_bytes > 12 * MIB && st.live_bytes < 12 * MIB + 65536);
	assert_true(st.removed_packs + st.compacted_packs > 0);
	assert_int_equal(before + st.rewritten_bytes - st.freed_bytes, rig_bytes(r, "packs/"));
	assert_true(rig_bytes(r, "packs/") < 18 * MIB);
	rig_check(r, r->v);
	assert_nothing_to_collect(r);
	rig_reopen(r);
	rig_check(r, r->v);
	/* less than all of a pack that is mostly needed stays; asked to, everything goes */
	st = rig_collect(r, 100);
	assert_true(rig_bytes(r, "packs/") < 12 * MIB + 65536);
	rig_reopen(r);
	rig_check(r, r->v);
	rig_delete(r, "a", "3");
	rig_delete(r, "b", "1");
	st = rig_collect(r, 70);
	assert_int_equal(st.live_chunks, 0);
	assert_int_equal(rig_count(r, ""), 1);		/* the vault's config */
	rig_reopen(r);
	assert_nothing_to_collect(r);
}

static void a_vault_without_compaction_keeps_packs_that_are_needed_at_all(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB);
	struct vault_collect_stats st;
	int64_t before;

	rig_backup(r, "a", "1", &a, NULL);
	image_noise(&a, 0, 3 * MIB, &r->rng);
	rig_backup(r, "a", "2", &a, NULL);
	rig_delete(r, "a", "1");
	before = rig_bytes(r, "packs/");
	st = rig_collect(r, 0);
	assert_int_equal(st.dead_chunks, 13);
	assert_int_equal(st.compacted_packs + st.removed_packs, 0);
	assert_int_equal(rig_bytes(r, "packs/"), before);
	rig_check(r, r->v);
}

/* ---- sessions ---- */
static struct vault_session *begin(struct rig *r, const char *item)
{
	struct vault_session *s = NULL;
	struct err e;

	OK(vault_session_begin(r->v, item, &s, &e));
	return s;
}

static void add_disk(struct rig *r, struct vault_session *s, const struct image *is,
    const struct vault_base *base)
{
	struct vault_disk_stats st;
	struct err e;

	OK(rig_add_disk(r, s, is, base, &st, &e));
}

static void commit(struct rig *r, struct vault_session *s, const char *item, const char *point,
    const struct image *is)
{
	struct err e;

	OK(rig_commit(s, point, &e));
	vault_session_end(s);
	(void)rig_keep(r, item, point, is);
}

/* Whole backups of another item, so that sessions of both generations come and go. */
static void come_and_go(struct rig *r, const char *point)
{
	auto_image struct image m = image_random(r, (size_t)MIB);

	vault_session_end(begin(r, "other"));
	rig_backup(r, "other", point, &m, NULL);
}

static void a_long_backup_outlives_any_number_of_collections(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB);
	struct vault_session *s;
	char name[8];

	rig_backup(r, "a", "1", &a, NULL);
	s = begin(r, "a");
	image_noise(&a, 0, 2 * MIB, &r->rng);	/* half is added, half is met */
	add_disk(r, s, &a, NULL);
	rig_delete(r, "a", "1");
	for (int i = 0; i < 4; i++) {
		(void)rig_collect(r, 100);
		(void)snprintf(name, sizeof(name), "%d", i);
		come_and_go(r, name);
		if (i > 0) {
			(void)snprintf(name, sizeof(name), "%d", i - 1);
			rig_delete(r, "other", name);
		}
		rig_check(r, r->v);
	}
	commit(r, s, "a", "2", &a);
	rig_check(r, r->v);
	(void)rig_collect(r, 100);
	rig_reopen(r);
	rig_check(r, r->v);
	assert_nothing_to_collect(r);
}

/* What the session has goes into the store, but no point comes of it: the name is taken. */
static void store_only(struct vault_session *s, const char *taken)
{
	struct err e;

	FAILS(rig_commit(s, taken, &e), ERR_CONFLICT);
}

static void what_an_aborted_backup_stored_goes(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB), b = image_random(r, a.n);
	auto_image struct image none = image_new(MIB);
	struct vault_session *s, *old;

	rig_backup(r, "a", "taken", &none, NULL);
	s = begin(r, "a");
	add_disk(r, s, &a, NULL);
	store_only(s, "taken");
	assert_int_equal(rig_count(r, "packs/"), 1);
	(void)rig_collect(r, 70);
	assert_int_equal(rig_count(r, "packs/"), 1);	/* it is a session's */
	vault_session_end(s);
	(void)rig_collect(r, 70);
	assert_int_equal(rig_count(r, "packs/"), 0);
	/* also when an older one goes on meanwhile, and that one keeps what it has */
	old = begin(r, "old");
	add_disk(r, old, &b, NULL);
	(void)rig_collect(r, 70);
	s = begin(r, "a");
	add_disk(r, s, &a, NULL);
	store_only(s, "taken");
	vault_session_end(s);
	(void)rig_collect(r, 70);
	commit(r, old, "old", "1", &b);
	(void)rig_collect(r, 70);
	(void)rig_collect(r, 70);
	assert_true(rig_bytes(r, "packs/") < 4 * MIB + 65536);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static void a_backup_may_rely_on_what_another_one_stored_and_gave_up(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 3 * (size_t)MIB), none = image_new(MIB);
	struct vault_session *s, *t;

	rig_backup(r, "a", "taken", &none, NULL);
	s = begin(r, "a");
	add_disk(r, s, &a, NULL);
	store_only(s, "taken");
	(void)rig_collect(r, 100);	/* the next one is of the other generation */
	t = begin(r, "b");
	add_disk(r, t, &a, NULL);
	vault_session_end(s);
	for (int i = 0; i < 3; i++) {
		(void)rig_collect(r, 100);
		come_and_go(r, (const char *[]){ "0", "1", "2" }[i]);
	}
	assert_true(rig_bytes(r, "packs/") < 6 * MIB + 65536);	/* nothing is there twice */
	commit(r, t, "b", "1", &a);
	(void)rig_collect(r, 100);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static void the_base_of_an_incremental_may_be_deleted_and_collected_under_it(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 6 * (size_t)MIB);
	struct extent dirty = { MIB, MIB };
	struct vault_base base = { "1", "d", &dirty, 1 };
	struct vault_session *s;

	rig_backup(r, "a", "1", &a, NULL);
	s = begin(r, "a");
	image_noise(&a, MIB, MIB, &r->rng);
	add_disk(r, s, &a, &base);
	rig_delete(r, "a", "1");
	(void)rig_collect(r, 100);
	come_and_go(r, "1");
	(void)rig_collect(r, 100);
	commit(r, s, "a", "2", &a);
	rig_check(r, r->v);
	(void)rig_collect(r, 100);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static void an_open_point_restores_after_it_was_deleted_and_collected(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 5 * (size_t)MIB), got = { 0 };
	struct vault_point *p = NULL;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	OK(vault_point_open(r->v, "a", "1", &p, &e));
	rig_delete(r, "a", "1");
	(void)rig_collect(r, 100);
	come_and_go(r, "1");
	(void)rig_collect(r, 100);
	OK(rig_restore_open(r, p, &got, &e));
	assert_true(image_same(&got, &a));
	OK(vault_verify_point(p, NULL, &e));
	vault_point_close(p);
	rig_delete(r, "other", "1");
	(void)rig_collect(r, 100);
	assert_int_equal(rig_count(r, "packs/"), 0);
	FAILS(vault_point_open(r->v, "a", "1", &p, &e), ERR_NOT_FOUND);
}

/* ---- the collection's own progress ---- */
struct watch {
	struct rig *r;
	unsigned ticks, stop_at;	/* 0: never */
};

static bool watch_tick(void *arg, int64_t done, int64_t total)
{
	struct watch *w = arg;
	struct vault_collect_stats st;
	struct err e;

	assert_true(total == 0 || done <= total);
	FAILS(vault_collect(w->r->v, NULL, &st, &e), ERR_BUSY);
	return ++w->ticks == w->stop_at;
}

static void a_collection_can_be_cancelled_at_any_step_and_done_again(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	struct err e = { 0 };
	unsigned stop = 0;
	int result;

	do {
		struct watch w = { .r = r, .stop_at = ++stop };
		struct vault_progress p = { watch_tick, &w };
		struct vault_collect_opts opts = { 100, &p };
		struct vault_collect_stats st;

		rig_backup(r, "a", "0", &a, NULL);
		image_noise(&a, 0, MIB, &r->rng);
		rig_backup(r, "a", "1", &a, NULL);
		rig_delete(r, "a", "0");
		result = vault_collect(r->v, &opts, &st, &e);
		assert_true(result == 0 || e.kind == ERR_CANCELLED);
		rig_check(r, r->v);
		if (stop % 2 == 0)
			rig_reopen(r);
		(void)rig_collect(r, 100);
		assert_true(rig_bytes(r, "packs/") < 2 * MIB + 65536);
		rig_check(r, r->v);
		rig_delete(r, "a", "1");
	} while (result != 0);
	assert_true(stop > 4);
}

/* ---- what cannot be told ---- */
static void a_damaged_point_stops_collections_until_it_is_removed(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	auto_free struct objects *o = NULL;
	struct vault_collect_stats st;
	struct vault_point *p = NULL;
	struct err e;
	size_t packs;

	rig_backup(r, "a", "1", &a, NULL);
	o = rig_objects(r, "points/");
	image_noise(&a, 0, a.n, &r->rng);
	rig_backup(r, "b", "1", &a, NULL);
	rig_backup(r, "b", "2", &a, NULL);
	image_noise(&a, 0, a.n, &r->rng);
	rig_backup(r, "b", "3", &a, NULL);
	rig_delete(r, "b", "3");
	rig_flip(r, o->at[0].name, o->at[0].size / 2);
	packs = rig_count(r, "packs/");
	for (int i = 0; i < 2; i++) {
		FAILS(vault_collect(r->v, NULL, &st, &e), ERR_CORRUPT);
		CONTAINS(e.msg, o->at[0].name);
		assert_int_equal(rig_count(r, "packs/"), packs);
		rig_reopen(r);
	}
	FAILS(vault_point_open(r->v, "a", "1", &p, &e), ERR_CORRUPT);
	rig_delete(r, "a", "1");
	st = rig_collect(r, 70);
	assert_int_equal(st.points, 2);
	assert_int_equal(rig_count(r, "packs/"), 1);
	rig_check(r, r->v);
}

static void a_damaged_map_stops_collections_and_names_the_point(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	struct vault_collect_stats st;
	struct spot map[4];
	struct err e;

	rig_backup(r, "a", "broken", &a, NULL);
	assert_int_equal(rig_all_spots(r, RECORD_MAP, map, ARRAY_LEN(map)), 1);
	rig_damage(r, &map[0]);
	FAILS(vault_collect(r->v, NULL, &st, &e), ERR_CORRUPT);
	CONTAINS(e.msg, "'broken'");
	CONTAINS(e.msg, map[0].pack);
	assert_int_equal(rig_count(r, "packs/"), 1);
	rig_damage(r, &map[0]);
	assert_nothing_to_collect(r);
	rig_check(r, r->v);
}

static void chunks_that_are_nowhere_are_counted(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB), got = { 0 };
	auto_free struct objects *o = NULL;
	struct vault_collect_stats st;
	struct object_store *s;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	o = rig_objects(r, "packs/");
	image_noise(&a, 0, CHUNK, &r->rng);
	rig_backup(r, "a", "2", &a, NULL);		/* a pack with one chunk and the map */
	rig_delete(r, "a", "1");
	s = rig_store(r);
	OK(object_del(s, o->at[0].name, &e));
	object_close(s);
	rig_reopen(r);
	st = rig_collect(r, 70);
	assert_int_equal(st.missing, 7);
	assert_int_equal(st.live_chunks, 2);
	FAILS(rig_restore(r, r->v, "a", "2", &got, &e), ERR_CORRUPT);
	CONTAINS(e.msg, "in no pack");
	/* the disk is still there: another backup of it mends the point */
	rig_backup(r, "a", "3", &a, NULL);
	rig_check(r, r->v);
	st = rig_collect(r, 70);
	assert_int_equal(st.missing, 0);
}

static void strays_are_swept_up(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	const char *stray[] = { "packs/00112233445566778899aabbccddeeff",
		"packs/ffeeddccbbaa99887766554433221100" };
	auto_buf struct buf copy = { 0 };
	auto_free struct objects *o = NULL;
	char note[80] = "damaged/", noise[3000];
	struct object_store *s;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	o = rig_objects(r, "packs/");
	memset(note + strlen(note), 'a', 64);
	random_bytes(noise, sizeof(noise));
	for (int i = 0; i < 2; i++) {
		s = rig_store(r);
		OK(object_get_all(s, o->at[0].name, 1 << 24, &copy, &e));
		OK(object_put(s, stray[0], copy.p, copy.n, &e));
		OK(object_put(s, stray[1], noise, sizeof(noise), &e));
		OK(object_put(s, note, "", 0, &e));
		object_close(s);
		if (i == 0)
			rig_reopen(r);	/* known from the start, and come while the vault is open */
		assert_int_equal(rig_collect(r, 70).removed_packs, 2);
		assert_int_equal(rig_count(r, "packs/"), 1);
		assert_int_equal(rig_count(r, "damaged/"), 0);
		rig_check(r, r->v);
		copy.n = 0;
	}
	rig_reopen(r);
	rig_check(r, r->v);
	assert_nothing_to_collect(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(the_space_of_deleted_points_comes_back),
		T(a_vault_without_compaction_keeps_packs_that_are_needed_at_all),
		T(a_long_backup_outlives_any_number_of_collections),
		T(what_an_aborted_backup_stored_goes),
		T(a_backup_may_rely_on_what_another_one_stored_and_gave_up),
		T(the_base_of_an_incremental_may_be_deleted_and_collected_under_it),
		T(an_open_point_restores_after_it_was_deleted_and_collected),
		T(a_collection_can_be_cancelled_at_any_step_and_done_again),
		T(a_damaged_point_stops_collections_until_it_is_removed),
		T(a_damaged_map_stops_collections_and_names_the_point),
		T(chunks_that_are_nowhere_are_counted),
		T(strays_are_swept_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
