/* t_compact.c - packs that hold little of use are rewritten, and nothing that was in them is lost.
 * HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include "vault_rig.h"

static void packs_of_which_little_is_needed_shrink(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 40 * (size_t)MIB), b = image_copy(&a);
	struct vault_collect_stats st;

	rig_backup(r, "a", "1", &a, NULL);
	image_noise(&a, 4 * MIB, 36 * MIB, &r->rng);
	rig_backup(r, "a", "2", &a, NULL);
	rig_delete(r, "a", "2");
	rig_delete(r, "a", "1");
	memset(b.p + 4 * MIB, 0, 36 * (size_t)MIB);
	rig_backup(r, "a", "3", &b, NULL);	/* of 80 MiB it needs 4 */
	st = rig_collect(r, 70);
	assert_int_equal(st.live_chunks, 17);
	assert_true(st.compacted_packs >= 1);
	assert_true(st.rewritten_bytes > 4 * MIB && st.rewritten_bytes < 5 * MIB);
	assert_true(rig_bytes(r, "packs/") < 5 * MIB);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static void incrementals(struct rig *r, struct image *a, unsigned count)
{
	char from[12] = "0", to[12];

	rig_backup(r, "a", "0", a, NULL);
	for (unsigned i = 1; i <= count; i++) {
		struct extent dirty = { (int64_t)(rnd(r, a->n / CHUNK) * CHUNK), (int64_t)CHUNK };

		image_noise(a, (size_t)dirty.offset, CHUNK, &r->rng);
		(void)snprintf(to, sizeof(to), "%u", i);
		rig_backup_since(r, "a", to, a, from, dirty, NULL);
		memcpy(from, to, sizeof(from));
	}
}

static void many_small_packs_are_joined(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 6 * (size_t)MIB);
	struct vault_collect_stats st;

	incrementals(r, &a, 20);
	assert_int_equal(rig_count(r, "packs/"), 21);
	st = rig_collect(r, 70);
	assert_int_equal(st.compacted_packs, 20);
	assert_int_equal(rig_count(r, "packs/"), 2);
	rig_check(r, r->v);
	st = rig_collect(r, 70);
	assert_int_equal(st.compacted_packs, 0);
	rig_reopen(r);
	rig_check(r, r->v);
}

/* ---- while others read ---- */
static enum verdict read_everything(void *arg, const char *op, const char *name)
{
	struct rig *r = arg;

	if (strncmp(name, "packs/", 6) != 0 || (strcmp(op, "put") != 0 && strcmp(op, "del") != 0))
		return GO_ON;
	r->hook = NULL;
	rig_check(r, r->v);
	r->hook = read_everything;
	return GO_ON;
}

static void everything_restores_while_packs_are_rewritten(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB);

	incrementals(r, &a, 17);
	r->hook_arg = r;
	r->hook = read_everything;
	assert_int_equal(rig_collect(r, 100).compacted_packs, 18);
	r->hook = NULL;
	rig_check(r, r->v);
}

struct slow_reader {
	struct rig *r;
	struct vault_point *p;
	unsigned ticks;
};

/* A collection in the middle of a restore. */
static bool collect_meanwhile(void *arg, int64_t done, int64_t total)
{
	struct slow_reader *s = arg;

	assert_true(done <= total);
	if (++s->ticks == 3 || s->ticks == 9)
		(void)rig_collect(s->r, 100);
	return false;
}

static void a_restore_goes_on_when_its_chunks_move(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 12 * (size_t)MIB);
	struct slow_reader s = { .r = r };
	struct vault_progress progress = { collect_meanwhile, &s };
	struct disk_sink *sink = NULL;
	auto_image struct image got = { 0 };
	char path[128];
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	OK(vault_point_open(r->v, "a", "1", &s.p, &e));
	rig_path(r, "out", path);
	OK(disk_sink_create(path, DISK_RAW, (int64_t)a.n, &sink, &e));
	OK(vault_restore_disk(s.p, "d", sink, 0, NULL, &progress, &e));
	OK(disk_sink_finish(&sink, &e));
	assert_true(s.ticks > 9);
	got = image_load(path);
	assert_true(image_same(&got, &a));
	vault_point_close(s.p);
}

/* ---- damage in what is to be rewritten ---- */
static void a_damaged_record_stays_and_the_others_move(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB), b = image_copy(&a), got = { 0 };
	struct spot at[40];
	struct vault_collect_stats st;
	char hex[HEX_SIZE(ID_SIZE)];
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	memset(b.p + MIB, 0, 3 * (size_t)MIB);
	rig_backup(r, "a", "2", &b, NULL);
	rig_delete(r, "a", "1");
	assert_int_equal(rig_all_spots(r, RECORD_DATA, at, ARRAY_LEN(at)), 16);
	/* which of them point 2 needs is told by what a restore complains of */
	for (size_t i = 0; i < 16; i++) {
		rig_damage(r, &at[i]);
		if (rig_restore(r, r->v, "a", "2", &got, &e) != 0) {
			at[0] = at[i];
			break;
		}
		image_done(&got);
		rig_damage(r, &at[i]);
	}
	assert_int_equal(e.kind, ERR_CORRUPT);
	rig_reopen(r);
	for (int i = 0; i < 2; i++) {
		st = rig_collect(r, 70);
		assert_int_equal(st.live_chunks, 4 + 1);
		assert_int_equal(st.compacted_packs, 0);
		assert_int_equal(st.missing, 0);
		assert_int_equal(rig_count(r, at[0].pack), 1);
		assert_int_equal(rig_count(r, "damaged/"), 1);
		FAILS(rig_restore(r, r->v, "a", "2", &got, &e), ERR_CORRUPT);
		(void)hex_encode(at[0].id.b, ID_SIZE, hex);
		CONTAINS(e.msg, hex);
		CONTAINS(e.msg, at[0].pack);
	}
	/* the next full backup of the disk brings it back, and then the pack can go */
	rig_backup(r, "a", "3", &b, NULL);
	rig_check(r, r->v);
	(void)rig_collect(r, 70);
	assert_int_equal(rig_count(r, at[0].pack), 0);
	assert_int_equal(rig_count(r, "damaged/"), 0);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static void a_pack_with_a_damaged_table_is_rewritten(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 3 * (size_t)MIB);
	auto_free struct objects *o = NULL;

	rig_backup(r, "a", "1", &a, NULL);
	o = rig_objects(r, "packs/");
	rig_flip(r, o->at[0].name, o->at[0].size - 40);
	rig_reopen(r);
	rig_check(r, r->v);
	assert_int_equal(rig_collect(r, 70).compacted_packs, 1);
	assert_int_equal(rig_count(r, o->at[0].name), 0);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
	assert_int_equal(rig_collect(r, 70).compacted_packs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(packs_of_which_little_is_needed_shrink),
		T(many_small_packs_are_joined),
		T(everything_restores_while_packs_are_rewritten),
		T(a_restore_goes_on_when_its_chunks_move),
		T(a_damaged_record_stays_and_the_others_move),
		T(a_pack_with_a_damaged_table_is_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
