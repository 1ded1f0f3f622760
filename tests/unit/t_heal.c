/* t_heal.c - damage in the store is found, named, and mended by the next backup that has the bytes.
 * HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include "vault_rig.h"

static void assert_names(const struct err *e, const struct spot *at)
{
	char hex[HEX_SIZE(ID_SIZE)];

	(void)hex_encode(at->id.b, ID_SIZE, hex);
	CONTAINS(e->msg, hex);
	CONTAINS(e->msg, at->pack);
}

static void assert_damaged(struct rig *r, const char *item, const char *point,
    const struct spot *at)
{
	auto_image struct image got = { 0 };
	struct err e;

	FAILS(rig_restore(r, r->v, item, point, &got, &e), ERR_CORRUPT);
	assert_names(&e, at);
}

/* A point of a disk with one record of it damaged. */
static void damaged_point(struct rig *r, const struct image *is, enum record_kind kind,
    struct spot *ret)
{
	struct spot at[300];
	size_t n;

	rig_backup(r, "a", "1", is, NULL);
	n = rig_all_spots(r, kind, at, ARRAY_LEN(at));
	assert_true(n > 0);
	*ret = at[rnd(r, n)];
	rig_damage(r, ret);
}

static void heal(struct rig *r, enum record_kind kind, bool reopens)
{
	auto_image struct image a = image_random(r, 3 * (size_t)MIB);
	struct vault_disk_stats st;
	struct spot at;

	damaged_point(r, &a, kind, &at);
	assert_damaged(r, "a", "1", &at);
	assert_int_equal(rig_count(r, "damaged/"), 1);
	if (reopens)
		rig_reopen(r);
	assert_damaged(r, "a", "1", &at);
	rig_backup(r, "a", "2", &a, &st);
	assert_true(st.stored > 0 && st.stored <= (int64_t)CHUNK + 200);
	rig_check(r, r->v);
	for (int i = 0; i < 2; i++) {
		rig_reopen(r);
		rig_check(r, r->v);
	}
	rig_backup(r, "a", "3", &a, &st);
	assert_int_equal(st.stored, 0);
	rig_delete(r, "a", "2");
	rig_delete(r, "a", "3");
	rig_check(r, r->v);
}

static void a_full_backup_mends_a_chunk(void **state)
{
	heal(*state, RECORD_DATA, false);
}

static void a_full_backup_after_a_restart_mends_a_chunk(void **state)
{
	heal(*state, RECORD_DATA, true);
}

static void a_full_backup_mends_a_map(void **state)
{
	heal(*state, RECORD_MAP, false);
}

static void a_full_backup_after_a_restart_mends_a_map(void **state)
{
	heal(*state, RECORD_MAP, true);
}

/* After a restart either copy may be the one that is known; a collection must keep the good one. */
static void what_was_mended_outlasts_restarts_and_collections(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 8; i++) {
		auto_image struct image a = image_random(r, (size_t)MIB);
		struct spot at;

		damaged_point(r, &a, i % 2 == 0 ? RECORD_DATA : RECORD_MAP, &at);
		assert_damaged(r, "a", "1", &at);
		rig_backup(r, "a", "2", &a, NULL);
		if (i % 4 < 2)
			rig_delete(r, "a", "2");
		rig_reopen(r);
		(void)rig_collect(r, i < 4 ? 0 : 70);
		rig_check(r, r->v);
		rig_reopen(r);
		(void)rig_collect(r, 100);
		rig_check(r, r->v);
		while (r->kept_count > 0)
			rig_delete(r, r->kept[0].item, r->kept[0].point);
		(void)rig_collect(r, 70);
		assert_int_equal(rig_count(r, "packs/"), 0);
	}
}

/* A chunk can be damaged again: then there are several bad copies and one good. */
static void what_was_mended_can_be_mended_again(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, CHUNK);
	struct spot at[8];
	char point[8];

	rig_backup(r, "a", "0", &a, NULL);
	for (size_t i = 1; i < 6; i++) {
		size_t n = rig_all_spots(r, RECORD_DATA, at, ARRAY_LEN(at));
		auto_image struct image got = { 0 };
		struct err e;

		assert_int_equal(n, i);
		/* the good one is that whose damage is felt */
		for (size_t k = 0; k < n; k++) {
			rig_damage(r, &at[k]);
			if (rig_restore(r, r->v, "a", "0", &got, &e) != 0)
				break;
			image_done(&got);
			rig_damage(r, &at[k]);
			assert_true(k + 1 < n);
		}
		(void)snprintf(point, sizeof(point), "%zu", i);
		rig_backup(r, "a", point, &a, NULL);
		rig_check(r, r->v);
		rig_reopen(r);
		rig_check(r, r->v);
	}
	(void)rig_collect(r, 70);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static void an_incremental_on_a_damaged_map_reads_all_and_mends_it(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 3 * (size_t)MIB);
	struct vault_disk_stats st;
	struct spot at;

	damaged_point(r, &a, RECORD_MAP, &at);
	/* all of it changes but one chunk: the map is another, but chunks can be relied on */
	image_noise(&a, 100, 10, &r->rng);
	rig_backup_since(r, "a", "2", &a, "1", (struct extent){ 100, 10 }, &st);
	assert_int_equal(st.read, 3 * MIB);
	assert_int_equal(st.reused, 3 * MIB - (int64_t)CHUNK);
	rig_check_one(r, r->v, &r->kept[1]);
	assert_damaged(r, "a", "1", &at);
	assert_int_equal(rig_count(r, "damaged/"), 1);
	/* a backup of the disk as it was has that map again */
	rig_backup(r, "a", "3", &r->kept[0].is, &st);
	assert_true(st.stored > 0 && st.stored < 4096);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
	RIG_NOTES_GO(r);
	rig_check(r, r->v);
}

static void an_incremental_that_changes_nothing_mends_a_map_it_reads(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 3 * (size_t)MIB);
	struct vault_disk_stats st;
	struct spot at;

	damaged_point(r, &a, RECORD_MAP, &at);
	rig_backup_since(r, "a", "2", &a, "1", (struct extent){ 5, 5 }, &st);
	assert_int_equal(st.read, 3 * MIB);
	assert_int_equal(st.reused, 3 * MIB);
	assert_true(st.stored > 0 && st.stored < 4096);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static size_t damage_all_chunks(struct rig *r)
{
	static const size_t max = 300;
	auto_free struct spot *at = calloc(max, sizeof(*at));
	size_t n;

	assert_non_null(at);
	n = rig_all_spots(r, RECORD_DATA, at, max);
	for (size_t i = 0; i < n; i++)
		rig_damage(r, &at[i]);
	return n;
}

/* One chunk in 32 that a backup meets is read back. */
static void backups_find_damage_that_nobody_has_seen(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 16 * (size_t)MIB);
	struct vault_disk_stats st = { 0 };
	char point[8];

	rig_backup(r, "a", "1", &a, NULL);
	assert_int_equal(damage_all_chunks(r), 64);
	rig_reopen(r);
	for (unsigned i = 2; st.stored == 0; i++) {
		assert_true(i < 40);	/* one in e^2 finds nothing */
		(void)snprintf(point, sizeof(point), "%u", i);
		rig_backup(r, "a", point, &a, &st);
	}
	assert_true(st.stored >= (int64_t)CHUNK && st.stored < 16 * MIB);
	assert_int_equal(st.stored / (int64_t)CHUNK + st.reused / (int64_t)CHUNK, 64);
	while (r->kept_count > 0)
		rig_forget(r, &r->kept[0]);
}

static void incrementals_find_damage_in_what_they_take_over(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB);
	struct vault_disk_stats st;

	rig_backup(r, "a", "1", &a, NULL);
	assert_int_equal(damage_all_chunks(r), 16);
	image_noise(&a, 0, 1, &r->rng);
	rig_backup_since(r, "a", "2", &a, "1", (struct extent){ 0, 1 }, &st);
	/* the changed one, and at least some of the others */
	assert_true(st.stored > 2 * (int64_t)CHUNK);
	while (r->kept_count > 0)
		rig_forget(r, &r->kept[0]);
}

/* The copy that a session is putting mends the chunk also for one that met it before. */
static void a_chunk_is_mended_while_another_backup_relies_on_it(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	struct vault_session *s = NULL;
	struct vault_disk_stats st;
	struct spot at;
	struct err e;

	damaged_point(r, &a, RECORD_DATA, &at);
	OK(vault_session_begin(r->v, "b", &s, &e));
	OK(rig_add_disk(r, s, &a, NULL, &st, &e));	/* met; the damage likely not seen */
	assert_damaged(r, "a", "1", &at);
	rig_delete(r, "a", "1");
	(void)rig_collect(r, 70);
	rig_backup(r, "a", "2", &a, NULL);
	rig_delete(r, "a", "2");
	(void)rig_collect(r, 70);
	OK(rig_commit(s, "1", &e));
	vault_session_end(s);
	(void)rig_keep(r, "b", "1", &a);
	(void)rig_collect(r, 70);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

/* What lies below a damaged node is lost with it; what lies beside it is not. */
static void damage_in_the_map_of_a_deleted_base_does_not_spread(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_new(400 * (size_t)MIB);	/* four leaves and a root */
	char from[8] = "0", to[8];

	for (size_t i = 0; i < 4; i++)
		image_noise(&a, i * 128 * (size_t)MIB, CHUNK * 2, &r->rng);
	for (unsigned i = 0; i < 4; i++) {
		struct extent dirty = { 0, (int64_t)CHUNK };
		struct vault_base base = { from, "d", &dirty, 1 };
		struct vault_session *s = NULL;
		struct vault_collect_stats collected;
		struct vault_disk_stats st;
		struct spot at[5];
		struct err e;

		image_noise(&a, 0, CHUNK, &r->rng);
		OK(rig_try_backup(r, "a", from, &a, NULL, &st, &e));
		(void)rig_collect(r, 100);	/* so that nothing is pinned by that backup */
		assert_int_equal(rig_all_spots(r, RECORD_MAP, at, ARRAY_LEN(at)), 5);
		OK(vault_session_begin(r->v, "a", &s, &e));
		image_noise(&a, 0, CHUNK, &r->rng);
		OK(rig_add_disk(r, s, &a, &base, &st, &e));
		rig_damage(r, &at[i]);
		rig_delete(r, "a", from);
		FAILS(vault_collect(r->v, NULL, &collected, &e), ERR_CORRUPT);
		CONTAINS(e.msg, at[i].pack);
		(void)snprintf(to, sizeof(to), "%u", i + 10);
		OK(rig_commit(s, to, &e));
		vault_session_end(s);
		OK(rig_try_backup(r, "a", "whole", &a, NULL, &st, &e));
		if (st.stored > 2 * (int64_t)CHUNK + 16384)
			print_error("round %u: %lld bytes were lost\n", i, (long long)st.stored);
		assert_true(st.stored <= 2 * (int64_t)CHUNK + 16384);
		rig_delete(r, "a", to);
		rig_delete(r, "a", "whole");
		(void)rig_collect(r, 100);
		(void)snprintf(from, sizeof(from), "%u", i + 1);
	}
}

/* The copy that mended a chunk goes with the points that need it, the bad one stays in a pack that
 * others need: whoever has these bytes next must not rely on it. */
static void a_bad_copy_is_not_relied_on_after_the_good_one_went(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 8 * CHUNK), most = image_copy(&a);
	struct spot at[64];

	image_noise(&most, 7 * CHUNK, CHUNK, &r->rng);	/* what stays needs all but the last chunk of a */
	rig_backup(r, "x", "1", &a, NULL);
	rig_backup(r, "x", "stays", &most, NULL);
	for (size_t i = 0, n = rig_all_spots(r, RECORD_DATA, at, ARRAY_LEN(at)); i < n; i++) {
		struct image got = { 0 };
		struct err e;

		/* the one that only a needs */
		rig_damage(r, &at[i]);
		if (rig_restore(r, r->v, "x", "stays", &got, &e) == 0 &&
		    (image_done(&got), rig_restore(r, r->v, "x", "1", &got, &e) != 0))
			break;
		image_done(&got);
		rig_damage(r, &at[i]);
		assert_true(i + 1 < n);
	}
	rig_reopen(r);
	rig_backup(r, "x", "2", &a, NULL);	/* mends it */
	rig_check(r, r->v);
	rig_delete(r, "x", "1");
	rig_delete(r, "x", "2");
	(void)rig_collect(r, 70);
	rig_reopen(r);
	rig_backup(r, "x", "3", &a, NULL);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(a_bad_copy_is_not_relied_on_after_the_good_one_went),
		T(a_full_backup_mends_a_chunk),
		T(a_full_backup_after_a_restart_mends_a_chunk),
		T(a_full_backup_mends_a_map),
		T(a_full_backup_after_a_restart_mends_a_map),
		T(what_was_mended_outlasts_restarts_and_collections),
		T(what_was_mended_can_be_mended_again),
		T(an_incremental_on_a_damaged_map_reads_all_and_mends_it),
		T(an_incremental_that_changes_nothing_mends_a_map_it_reads),
		T(backups_find_damage_that_nobody_has_seen),
		T(incrementals_find_damage_in_what_they_take_over),
		T(a_chunk_is_mended_while_another_backup_relies_on_it),
		T(damage_in_the_map_of_a_deleted_base_does_not_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
