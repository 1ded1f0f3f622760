/* t_archive.c - the archive tier seen from below: what the copy in the paired region makes of
 * archived points, and when rehydrated ones leave the vault. */
#include "t.h"

#include <sys/stat.h>

#include "replica_rig.h"
#include "work/archive.h"
#include "work/replicate.h"

#define WEB ITEM("web")
#define DB ITEM("db")
#define DAY_US (24 * HOUR_US)

struct cold_rig {
	struct world_rig g;
	char archive[96];
};

static void reopen(struct cold_rig *r)
{
	world_rig_reopen(&r->g);
	r->g.settings.regions[0].archive = r->archive;
}

static int setup(void **state)
{
	struct cold_rig *r = calloc(1, sizeof(*r));
	struct world_rig *g;

	assert_non_null(r);
	assert_int_equal(world_rig_setup(state), 0);
	g = *state;
	r->g = *g;
	free(g);
	r->g.world.settings = &r->g.settings;
	r->g.world.clock = &r->g.clock;
	(void)snprintf(r->archive, sizeof(r->archive), "%s/cold", r->g.dir);
	assert_int_equal(mkdir(r->archive, 0700), 0);
	*state = r;
	reopen(r);
	return 0;
}

static int teardown(void **state)
{
	struct cold_rig *r = *state;
	struct err e;

	world_rig_close(&r->g);
	resource_done(&r->g.vault);
	image_done(&r->g.disk);
	OK(fs_remove_tree(r->g.dir, &e));
	free(r);
	return 0;
}

/* ---- points ---- */
static struct vault *archive_of(struct world_rig *g)
{
	struct vault *v = NULL;
	struct err e;

	OK(archive_make(&g->world, &g->vault, &v, &e));
	return v;
}

static void change_row(struct world_rig *g, const char *item, const char *name, int64_t keep_until)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_arena struct arena a = { 0 };
	struct err e;

	OK(db_write_begin(g->world.db, &c, &e));
	assert_int_equal(resource_get(c, arena_fmt(&a, "%s/recoveryPoints/%s", item, name), &row,
	    &e), 1);
	OK(archive_tell_archived(&row, &e));
	if (keep_until != 0) {
		OK(archive_tell_keep(&row, keep_until, &e));
		OK(archive_tell_rehydrated(&row, &e));
	}
	OK(resource_put(c, &row, 1, &e));
	OK(db_commit(&c, &e));
}

static void copy_into_archive(struct world_rig *g, const char *item, const char *name)
{
	struct vault_copy_stats stats = { 0 };
	auto_arena struct arena a = { 0 };
	char object[VAULT_NAME_SIZE];
	struct err e;

	OK(vault_point_object(g->v, arena_lower(&a, str_c(item)), name, object, &e));
	assert_int_equal(vault_copy_point(g->v, archive_of(g), object, NULL, &stats, &e), 1);
}

/* As the move job does it. */
static void archive_point(struct world_rig *g, const char *item, const char *name)
{
	auto_arena struct arena a = { 0 };
	struct err e;

	copy_into_archive(g, item, name);
	change_row(g, item, name, 0);
	assert_int_equal(vault_point_delete(g->v, arena_lower(&a, str_c(item)), name, &e), 1);
}

static bool has(struct vault *v, const char *item, const char *name)
{
	auto_point struct vault_point *p = NULL;
	auto_arena struct arena a = { 0 };
	struct err e;

	return vault_point_open(v, arena_lower(&a, str_c(item)), name, &p, &e) == 0;
}

static struct resource row_of(struct world_rig *g, const char *item, const char *name)
{
	auto_conn struct db_conn *c = NULL;
	auto_arena struct arena a = { 0 };
	struct resource row = { 0 };
	struct err e;

	OK(db_read_begin(g->world.db, &c, &e));
	assert_int_equal(resource_get(c, arena_fmt(&a, "%s/recoveryPoints/%s", item, name), &row,
	    &e), 1);
	return row;
}

static void three_points(struct world_rig *g)
{
	rig_put_item(g, WEB, "Protected");
	rig_put_item(g, DB, "Protected");
	rig_add_point(g, WEB, "100", TIME0_US - 3 * HOUR_US);
	rig_add_point(g, WEB, "101", TIME0_US - 2 * HOUR_US);
	rig_add_point(g, DB, "100", TIME0_US - HOUR_US);
}

/* ---- the copy in the paired region ---- */
static void ignore(void *arg, const struct replicate_stand *s)
{
	(void)arg;
	(void)s;
}

static int look(struct world_rig *g, struct err *e)
{
	struct replicate r = { .world = &g->world, .vault = &g->vault,
		.to = &g->settings.regions[1], .tell = ignore };

	return replicate(&r, e);
}

static struct vault *copy_of(struct world_rig *g)
{
	struct vault *v = NULL;
	struct err e;

	assert_int_equal(replica_of(&g->world, &g->vault, &g->settings.regions[1], &v, &e), 1);
	return v;
}

static void an_archived_point_leaves_the_copy(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	struct err e = { 0 };

	three_points(g);
	OK(look(g, &e));
	archive_point(g, WEB, "100");
	OK(look(g, &e));
	assert_false(has(copy_of(g), WEB, "100"));
	assert_true(has(copy_of(g), WEB, "101"));
	assert_true(has(copy_of(g), DB, "100"));
	assert_true(has(archive_of(g), WEB, "100"));
}

/* A vault without points is otherwise taken for one that was lost. */
static void a_vault_of_which_all_is_archived_has_an_empty_copy(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	struct err e = { 0 };

	three_points(g);
	OK(look(g, &e));
	archive_point(g, WEB, "100");
	archive_point(g, WEB, "101");
	OK(look(g, &e));
	assert_false(has(copy_of(g), WEB, "101"));
	archive_point(g, DB, "100");
	OK(look(g, &e));
	assert_false(has(copy_of(g), DB, "100"));
	/* an item's point that was deleted goes, too, though the vault has none of the item */
	rig_add_point(g, DB, "102", TIME0_US);
	OK(look(g, &e));
	assert_true(has(copy_of(g), DB, "102"));
	rig_delete_point(g, DB, "102");
	OK(look(g, &e));
	assert_false(has(copy_of(g), DB, "102"));
}

static void the_copy_keeps_what_the_archive_has_not(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	auto_arena struct arena a = { 0 };
	char away[128];
	struct err e = { 0 };

	three_points(g);
	OK(look(g, &e));
	archive_point(g, WEB, "100");
	(void)snprintf(away, sizeof(away), "%s-away", r->archive);
	assert_int_equal(rename(r->archive, away), 0);
	reopen(r);
	OK(look(g, &e));
	assert_true(has(copy_of(g), WEB, "100"));	/* out of reach */
	assert_int_equal(rename(away, r->archive), 0);
	assert_int_equal(vault_point_delete(archive_of(g), arena_lower(&a, str_c(WEB)), "100",
	    &e), 1);
	OK(look(g, &e));
	assert_true(has(copy_of(g), WEB, "100"));	/* lost: the copy's is the last */
}

static void a_rehydrated_point_is_in_the_copy_as_long_as_in_the_vault(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	struct err e = { 0 };

	three_points(g);
	copy_into_archive(g, WEB, "100");
	change_row(g, WEB, "100", TIME0_US + DAY_US);
	OK(look(g, &e));
	assert_true(has(copy_of(g), WEB, "100"));
	g->clock.fixed_us += DAY_US;
	OK(archive_expire(&g->world, &e));
	OK(look(g, &e));
	assert_false(has(copy_of(g), WEB, "100"));
}

/* ---- the end of a rehydration ---- */
static void a_rehydrated_point_leaves_when_its_time_is_over(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	auto_resource struct resource row = { 0 };
	struct err e = { 0 };

	three_points(g);
	copy_into_archive(g, WEB, "100");
	change_row(g, WEB, "100", TIME0_US + DAY_US);
	g->clock.fixed_us += DAY_US - 1;
	OK(archive_expire(&g->world, &e));
	assert_true(has(g->v, WEB, "100"));
	g->clock.fixed_us++;
	OK(archive_expire(&g->world, &e));
	assert_false(has(g->v, WEB, "100"));
	assert_true(has(archive_of(g), WEB, "100"));
	row = row_of(g, WEB, "100");
	assert_true(archive_has(&row));
	assert_false(archive_is_rehydrated(&row));
	assert_true(has(g->v, WEB, "101"));
}

static void it_stays_while_a_job_of_its_item_runs(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	auto_conn struct db_conn *c = NULL;
	struct err e = { 0 };

	three_points(g);
	copy_into_archive(g, WEB, "100");
	change_row(g, WEB, "100", TIME0_US - 1);
	OK(db_write_begin(g->world.db, &c, &e));
	OK(job_submit(c, &(struct job_spec){ .kind = "restore", .vault = VAULT, .item = WEB,
	    .operation = "Restore" }, TIME0_US, NULL, &e));
	OK(db_commit(&c, &e));
	OK(archive_expire(&g->world, &e));
	assert_true(has(g->v, WEB, "100"));
	OK(db_write_begin(g->world.db, &c, &e));
	OK(db_exec(c, &e, "UPDATE job SET end_us = 1", ""));
	OK(db_commit(&c, &e));
	OK(archive_expire(&g->world, &e));
	assert_false(has(g->v, WEB, "100"));
}

static void it_stays_if_the_archive_has_not_got_it(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	struct err e = { 0 };

	three_points(g);
	change_row(g, WEB, "100", TIME0_US - 1);
	change_row(g, WEB, "101", TIME0_US - 1);
	copy_into_archive(g, WEB, "101");
	FAILS(archive_expire(&g->world, &e), ERR_CORRUPT);
	CONTAINS(e.msg, "100");
	assert_true(has(g->v, WEB, "100"));
	assert_false(has(g->v, WEB, "101"));	/* the other went all the same */
}

/* ---- rows ---- */
static void what_was_told_is_taken_back_whole(void **state)
{
	struct cold_rig *r = *state;
	struct world_rig *g = &r->g;
	auto_resource struct resource row = { 0 };
	auto_json json_t *before = NULL;
	struct err e = { 0 };

	three_points(g);
	row = row_of(g, WEB, "100");
	assert_int_equal(json_object_set_new(jat(row.body, "properties"), "recoveryPointTierDetails",
	    json_pack("[{s:s, s:s}]", "type", "InstantRP", "status", "Valid")), 0);
	before = json_deep_copy(row.body);
	OK(archive_tell_archived(&row, &e));
	OK(archive_tell_keep(&row, TIME0_US, &e));
	OK(archive_tell_rehydrated(&row, &e));
	OK(archive_tell_archived(&row, &e));
	assert_int_equal(archive_keep_until(&row), 0);
	OK(archive_tell_vault(&row, &e));
	assert_true(json_equal(row.body, before));
}

static void a_region_without_archive_says_so(void **state)
{
	struct cold_rig *r = *state;
	struct vault *v = NULL;
	struct err e = { 0 };

	r->g.settings.regions[0].archive = NULL;
	FAILS(archive_open(&r->g.world, &r->g.vault, &v, &e), ERR_INVALID);
	CONTAINS(e.msg, "region 'eastus' has no archive tier");
	OK(archive_remove(&r->g.world, &r->g.vault, &e));
	assert_false(archive_configured(&r->g.settings, "eastus"));
	assert_null(v);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_archived_point_leaves_the_copy),
		TEST(a_vault_of_which_all_is_archived_has_an_empty_copy),
		TEST(the_copy_keeps_what_the_archive_has_not),
		TEST(a_rehydrated_point_is_in_the_copy_as_long_as_in_the_vault),
		TEST(a_rehydrated_point_leaves_when_its_time_is_over),
		TEST(it_stays_while_a_job_of_its_item_runs),
		TEST(it_stays_if_the_archive_has_not_got_it),
		TEST(what_was_told_is_taken_back_whole),
		TEST(a_region_without_archive_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
