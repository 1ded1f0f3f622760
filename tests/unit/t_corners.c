/* t_corners.c - rare meetings of damage, collections and verification: none may lose what could be
 * read, and none may tell of damage that is none. */
#include "t.h"

#include "vault_rig.h"

/* What a verification told. */
struct told {
	unsigned points, damaged;
	int64_t damages;
};

static int tell(void *arg, const char *item, const char *point, const struct vault_check *c,
    const struct err *damage, struct err *e)
{
	struct told *t = arg;

	(void)item;
	(void)point;
	(void)e;
	assert_null(damage);
	t->points++;
	t->damaged += c->damaged > 0;
	t->damages += c->damaged;
	return 0;
}

static struct told verify(struct vault *v, const struct vault_progress *progress)
{
	const struct vault_verify_opts o = { .progress = progress };
	struct told t = { 0 };
	struct err e;

	OK(vault_verify(v, &o, tell, &t, &e));
	return t;
}

static void damage_one_chunk(struct rig *r)
{
	struct spot spots[64];
	size_t n = rig_all_spots(r, RECORD_DATA, spots, ARRAY_LEN(spots));

	assert_true(n > 3);
	rig_damage(r, &spots[rnd(r, n)]);
}

/* ---- notes ---- */
static bool verify_beside(void *arg, int64_t done, int64_t total)
{
	struct rig *r = arg;
	struct vault *other;

	(void)done;
	(void)total;
	if (rig_count(r, "damaged/") > 0)
		return false;
	other = rig_reader(r);
	assert_int_equal(verify(other, NULL).damages, 1);
	vault_close(other);
	return false;
}

static void damage_noted_during_a_collection_is_mended_after_it(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB);
	const struct vault_progress p = { verify_beside, r };
	const struct vault_collect_opts o = { 70, &p };
	struct vault_collect_stats st;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	damage_one_chunk(r);
	OK(vault_collect(r->v, &o, &st, &e));
	assert_int_equal(rig_count(r, "damaged/"), 1);
	rig_backup(r, "a", "2", &a, NULL);
	rig_check(r, r->v);
	RIG_NOTES_GO(r);
	rig_reopen(r);
	rig_check(r, r->v);
}

static void what_can_be_read_again_is_not_called_damaged_for_ever(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	struct spot spots[64];
	size_t n;

	rig_backup(r, "a", "1", &a, NULL);
	n = rig_all_spots(r, RECORD_DATA, spots, ARRAY_LEN(spots));
	assert_true(n > 0);
	rig_damage(r, &spots[0]);
	assert_int_equal(verify(r->v, NULL).damages, 1);
	assert_int_equal(rig_count(r, "damaged/"), 1);
	rig_damage(r, &spots[0]);	/* the same bit: a copy of the pack was put back, say */
	assert_int_equal(verify(r->v, NULL).damages, 0);
	(void)rig_collect(r, 70);
	assert_int_equal(rig_count(r, "damaged/"), 0);
}

/* ---- packs whose tables are damaged ---- */
static void a_pack_is_not_removed_while_the_index_knows_more_of_it_than_a_scan_finds(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 6 * (size_t)MIB);
	struct spot spots[64];
	size_t n;

	rig_backup(r, "a", "1", &a, NULL);
	n = rig_all_spots(r, RECORD_DATA, spots, ARRAY_LEN(spots));
	assert_true(n > 10);
	rig_flip(r, spots[0].pack, rig_bytes(r, "packs/") - 1);	/* the trailer of the only pack */
	rig_reopen(r);
	rig_check(r, r->v);
	rig_flip(r, spots[0].pack, spots[5].offset - RECORD_HEADER_SIZE + 1);	/* a record's header: a scan ends there */
	(void)rig_collect(r, 70);
	assert_int_equal(verify(r->v, NULL).damages, 1 + 1);	/* that chunk, and the table */
}

/* ---- verification beside others ---- */
struct beside {
	struct rig *r;
	bool is_done;
};

static bool collect_beside(void *arg, int64_t done, int64_t total)
{
	struct beside *b = arg;

	(void)done;
	(void)total;
	if (!b->is_done) {
		b->is_done = true;
		assert_true(rig_collect(b->r, 100).compacted_packs > 0);
	}
	return false;
}

static void packs_that_a_collection_rewrites_are_not_damage(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	struct beside b = { r, false };
	const struct vault_progress p = { collect_beside, &b };
	struct vault *other;

	for (int i = 0; i < 4; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "%d", i);
		image_noise(&a, 0, CHUNK, &r->rng);
		rig_backup(r, "a", name, &a, NULL);
	}
	other = rig_reader(r);
	assert_int_equal(verify(other, &p).damages, 0);
	vault_close(other);
	b.is_done = false;
	assert_int_equal(verify(r->v, &p).damages, 0);
	assert_int_equal(rig_count(r, "damaged/"), 0);
}

static bool remove_beside(void *arg, int64_t done, int64_t total)
{
	struct beside *b = arg;

	(void)done;
	(void)total;
	if (!b->is_done) {
		b->is_done = true;
		rig_delete(b->r, "a", "1");
		(void)rig_collect(b->r, 70);
	}
	return false;
}

static void a_point_that_is_removed_while_it_is_verified_is_not_damaged(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB);
	struct beside b = { r, false };
	const struct vault_progress p = { remove_beside, &b };

	rig_backup(r, "a", "1", &a, NULL);
	assert_int_equal(verify(r->v, &p).damages, 0);
	assert_int_equal(rig_count(r, "damaged/"), 0);
	(void)rig_collect(r, 70);
	assert_int_equal(rig_count(r, "checks/"), 0);
	assert_int_equal(rig_count(r, "packs/"), 0);
}

/* ---- in place ---- */
static void behind_the_end_of_a_smaller_known_disk_nothing_is_taken_for_known(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * CHUNK), b = image_copy(&a), got = { 0 };
	const struct vault_base known = { .point = "1", .disk = "d" };
	struct vault_in_place_stats st;
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	char path[128];
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	image_resize(&b, 8 * CHUNK);	/* all holes, but for the last chunk */
	image_noise(&b, 7 * CHUNK, 100, &r->rng);
	rig_backup(r, "a", "2", &b, NULL);
	image_resize(&a, 8 * CHUNK);	/* the image grew too, and was written to there */
	image_noise(&a, 4 * CHUNK, 2 * CHUNK, &r->rng);
	rig_path(r, "target", path);
	image_save(&a, path);
	OK(vault_point_open(r->v, "a", "2", &p, &e));
	OK(disk_sink_open(path, DISK_RAW, &sink, &e));
	OK(vault_restore_in_place(p, "d", sink, &known, 0, NULL, NULL, &st, &e));
	OK(disk_sink_finish(&sink, &e));
	vault_point_close(p);
	got = image_load(path);
	assert_true(image_same(&got, &b));
}

/* ---- strangers ---- */
static void objects_that_are_no_points_stop_nothing(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, (size_t)MIB);
	struct object_store *s = rig_store(r);
	struct vault_stat st;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	OK(object_put(s, "points/readme.txt", "x", 1, &e));
	OK(object_put(s, "points/abc/def", "x", 1, &e));
	object_close(s);
	(void)rig_collect(r, 70);
	assert_int_equal(verify(r->v, NULL).points, 1);
	OK(vault_stat(r->v, &st, &e));
	assert_int_equal(st.points, 1);
	rig_check(r, r->v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(damage_noted_during_a_collection_is_mended_after_it),
		T(what_can_be_read_again_is_not_called_damaged_for_ever),
		T(a_pack_is_not_removed_while_the_index_knows_more_of_it_than_a_scan_finds),
		T(packs_that_a_collection_rewrites_are_not_damage),
		T(a_point_that_is_removed_while_it_is_verified_is_not_damaged),
		T(behind_the_end_of_a_smaller_known_disk_nothing_is_taken_for_known),
		T(objects_that_are_no_points_stop_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
