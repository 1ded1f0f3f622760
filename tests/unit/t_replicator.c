/* t_replicator.c - a vault and its copy in the other region: what comes over, what goes, and
 * what stays when the vault is lost. */
#include "t.h"

#include "replica_rig.h"
#include "work/catalogue.h"

#define WEB ITEM("web")
#define DB ITEM("db")
#define PATIENCE_US INT64_C(30000000)

/* ---- waiting ---- */
static bool stands(struct world_rig *g, int64_t points, struct replication_status *ret)
{
	struct err e = { 0 };

	return replicator_status(&g->world, VAULT, ret, &e) == 1 && !ret->is_active &&
	    ret->points == points && ret->missing == 0 && ret->last_error[0] == '\0';
}

/* Until a look that began after now has ended well and the vault has that many points, all
 * copied. */
static struct replication_status await(struct world_rig *g, int64_t points)
{
	int64_t end = clock_monotonic_us() + PATIENCE_US;
	struct replication_status s = { 0 };
	int64_t now = __atomic_add_fetch(&g->clock.fixed_us, 1, __ATOMIC_RELAXED);

	replicator_wake(&g->world, VAULT);
	while (!stands(g, points, &s) || s.last_success_us < now) {
		if (clock_monotonic_us() > end) {
			print_error("%lld points, %lld missing, error '%s'\n", (long long)s.points,
			    (long long)s.missing, s.last_error);
			fail();
		}
		clock_sleep_until(clock_monotonic_us() + 2000);
	}
	return s;
}

static void await_failure(struct world_rig *g, const char *words)
{
	int64_t end = clock_monotonic_us() + PATIENCE_US;
	struct replication_status s = { 0 };
	struct err e;

	replicator_wake(&g->world, VAULT);
	while (replicator_status(&g->world, VAULT, &s, &e) != 1 ||
	    strstr(s.last_error, words) == NULL) {
		if (clock_monotonic_us() > end) {
			print_error("no error '%s', but '%s'\n", words, s.last_error);
			fail();
		}
		clock_sleep_until(clock_monotonic_us() + 2000);
	}
	assert_true(s.failures > 0);
}

static void start(struct world_rig *g)
{
	struct err e;

	OK(replicator_start(&g->world, &g->world.replicator, &e));
}

/* ---- the copy ---- */
static struct vault *copy_of(struct world_rig *g)
{
	struct vault *v = NULL;
	struct err e;

	OK(replica_of(&g->world, &g->vault, &g->settings.regions[1], &v, &e));
	return v;
}

static int count_row(void *arg, struct resource *row, struct err *e)
{
	(void)row;
	(void)e;
	++*(int *)arg;
	return 0;
}

static int points_in_copy(struct world_rig *g, const char *item)
{
	struct err e;
	int n = 0;

	OK(replica_points(copy_of(g), item, count_row, &n, &e));
	return n;
}

static bool has_item(struct world_rig *g, const char *item)
{
	auto_resource struct resource row = { 0 };
	struct err e;
	int found;

	OK(found = replica_item(copy_of(g), item, &row, &e));
	return found > 0;
}

static int64_t bytes_of(struct vault *v)
{
	struct vault_stat st;
	struct err e;

	OK(vault_stat(v, &st, &e));
	return st.pack_bytes;
}

static void check_point(struct world_rig *g, const char *item, const char *name)
{
	auto_image struct image here = rig_read_point(g, g->v, item, name);
	auto_image struct image there = rig_read_point(g, copy_of(g), item, name);

	assert_true(image_same(&here, &there));
}

static void two_items(struct world_rig *g)
{
	rig_put_item(g, WEB, "Protected");
	rig_put_item(g, DB, "Protected");
	rig_add_point(g, WEB, "100", TIME0_US - 3 * HOUR_US);
	rig_add_point(g, WEB, "101", TIME0_US - 2 * HOUR_US);
	rig_add_point(g, DB, "100", TIME0_US - HOUR_US);
}

/* ---- tests ---- */
static void what_a_vault_has_comes_over(void **state)
{
	struct world_rig *g = *state;
	struct replication_status s;

	two_items(g);
	start(g);
	s = await(g, 3);
	assert_string_equal(s.region, "westus");
	assert_int_equal(s.lag_us, 0);
	assert_int_equal(s.failures, 0);
	assert_true(s.bytes_sent > (int64_t)REPLICA_DATA);
	assert_int_equal(points_in_copy(g, WEB), 2);
	assert_int_equal(points_in_copy(g, DB), 1);
	assert_true(has_item(g, WEB) && has_item(g, DB));
	check_point(g, WEB, "100");
	check_point(g, WEB, "101");
	check_point(g, DB, "100");

	rig_add_point(g, DB, "101", TIME0_US);
	(void)await(g, 4);
	check_point(g, DB, "101");
}

static void what_is_deleted_goes_and_its_space_too(void **state)
{
	struct world_rig *g = *state;
	int64_t before;

	two_items(g);
	image_noise(&g->disk, 0, g->disk.n, &g->rng);
	rig_add_point(g, DB, "101", TIME0_US);
	start(g);
	(void)await(g, 4);
	before = bytes_of(copy_of(g));
	rig_delete_point(g, DB, "101");
	(void)await(g, 3);
	assert_int_equal(points_in_copy(g, DB), 1);
	assert_true(bytes_of(copy_of(g)) < before - (int64_t)REPLICA_DATA / 2);

	rig_delete_point(g, DB, "100");
	rig_drop_row(g, DB);
	(void)await(g, 2);
	assert_int_equal(points_in_copy(g, DB), 0);
	assert_false(has_item(g, DB));
	assert_true(has_item(g, WEB));
	check_point(g, WEB, "101");
}

static void an_item_is_told_as_it_is_now(void **state)
{
	struct world_rig *g = *state;
	auto_resource struct resource row = { 0 };
	struct err e;

	two_items(g);
	start(g);
	(void)await(g, 3);
	rig_put_item(g, WEB, "ProtectionStopped");
	(void)await(g, 3);
	assert_int_equal(replica_item(copy_of(g), WEB, &row, &e), 1);
	assert_string_equal(jstr(row.body, "properties.protectionState", ""), "ProtectionStopped");
}

static void lose(struct world_rig *g, const char *what)
{
	auto_arena struct arena a = { 0 };
	struct err e;

	OK(fs_remove_tree(arena_fmt(&a, "%s/vaults/%s%s", g->east_store,
	    jstr(g->vault.body, "internal.store", ""), what), &e));
}

static void copy_is_whole(struct world_rig *g)
{
	assert_int_equal(points_in_copy(g, WEB), 2);
	assert_int_equal(points_in_copy(g, DB), 1);
	assert_true(has_item(g, WEB) && has_item(g, DB));
}

/* The database still has what the vault has lost. */
static void a_lost_vault_leaves_its_copy_alone(void **state)
{
	struct world_rig *g = *state;
	struct err e;

	two_items(g);
	start(g);
	(void)await(g, 3);
	lose(g, "");
	await_failure(g, "lists no recovery points");
	copy_is_whole(g);
	/* a server that starts without the vault */
	replicator_stop(TAKE(g->world.replicator));
	vault_cache_free(TAKE(g->world.vaults));
	OK(vault_cache_new(&g->world.vaults, &e));
	start(g);
	await_failure(g, "opening vault 'Vault1'");
	copy_is_whole(g);
}

/* The database is an older one, which had no points yet. */
static void lost_points_stay_in_the_copy(void **state)
{
	struct world_rig *g = *state;

	two_items(g);
	start(g);
	(void)await(g, 3);
	lose(g, "/points");
	await_failure(g, "lists no recovery points");
	copy_is_whole(g);
	rig_drop_row(g, WEB "/recoveryPoints/100");
	rig_drop_row(g, WEB "/recoveryPoints/101");
	rig_drop_row(g, DB "/recoveryPoints/100");
	(void)await(g, 0);
	copy_is_whole(g);
	/* an item that is backed up again is up to date; the other one stays as it is */
	rig_add_point(g, WEB, "102", TIME0_US);
	(void)await(g, 1);
	assert_int_equal(points_in_copy(g, WEB), 1);
	assert_int_equal(points_in_copy(g, DB), 1);
	rig_drop_row(g, DB);
	(void)await(g, 1);
	assert_int_equal(points_in_copy(g, DB), 0);
}

/* The vault lost its points and has a new one, so that it does not look empty any more. */
static void what_only_the_copy_has_outlives_a_rebuild(void **state)
{
	struct world_rig *g = *state;
	auto_arena struct arena a = { 0 };
	struct catalogue_stats st;
	char object[VAULT_NAME_SIZE];
	struct err e;

	two_items(g);
	start(g);
	(void)await(g, 3);
	lose(g, "/points");
	rig_add_point(g, WEB, "102", TIME0_US);
	OK(catalogue_rebuild(&g->world, &g->vault, g->v, NULL, &st, &e));
	assert_int_equal(st.points, 1);
	assert_int_equal(st.removed, 0);
	assert_int_equal(st.kept, 3);
	(void)await(g, 1);
	assert_int_equal(points_in_copy(g, WEB), 3);
	assert_int_equal(points_in_copy(g, DB), 1);

	/* as 'holdfast vault expire' does */
	OK(vault_point_object(g->v, arena_lower(&a, STR(WEB)), "102", object, &e));
	OK(vault_point_delete_object(g->v, object, &e));
	rig_add_point(g, WEB, "103", TIME0_US);
	OK(catalogue_rebuild(&g->world, &g->vault, g->v, object, &st, &e));
	assert_int_equal(st.removed, 1);
	assert_int_equal(st.kept, 3);
	(void)await(g, 1);
	assert_int_equal(points_in_copy(g, WEB), 3);
}

/* Deleted and made under the same name, all between two looks. */
static void a_vault_that_is_made_anew_elsewhere_is_copied_from_there(void **state)
{
	struct world_rig *g = *state;
	auto_json json_t *body = json_pack("{s:{s:s}, s:{s:s, s:{s:s, s:b}}}", "properties",
	    "provisioningState", "Succeeded", "internal", "numericId", "1", "storageConfig",
	    "storageModelType", "GeoRedundant", "crossRegionRestoreFlag", 1);
	int64_t end = clock_monotonic_us() + PATIENCE_US;
	auto_resource struct resource r = { 0 };
	struct db_conn *c = NULL;
	struct err e;

	two_items(g);
	start(g);
	(void)await(g, 3);
	OK(world_vault_create(&g->world, "westus", body, &e));
	OK(resource_init(&r, TYPE_VAULT, VAULT, "westus", GROUP, TAKE(body), &e));
	OK(db_write_begin(g->world.db, &c, &e));
	assert_true(resource_delete_tree(c, VAULT, &e) > 0);
	OK(resource_put(c, &r, 1, &e));
	OK(db_commit(&c, &e));
	replicator_wake(&g->world, VAULT);
	while (!replica_is_there(&g->settings.regions[0], jstr(r.body, "internal.store", ""))) {
		assert_true(clock_monotonic_us() < end);
		clock_sleep_until(clock_monotonic_us() + 2000);
	}
	assert_false(replica_is_there(&g->settings.regions[1], jstr(r.body, "internal.store", "")));
}

static bool is_copied(struct world_rig *g)
{
	return replica_is_there(&g->settings.regions[1], jstr(g->vault.body, "internal.store", ""));
}

static void only_what_is_geo_redundant_is_copied(void **state)
{
	static const struct {
		const char *model;
		bool cross_region;
	} not_copied[] = { { "LocallyRedundant", true }, { "GeoRedundant", false },
		{ "ZoneRedundant", false } };
	struct world_rig *g = *state;
	struct replication_status s;
	struct err e;

	two_items(g);
	rig_put_vault(g, not_copied[0].model, not_copied[0].cross_region);
	start(g);
	for (size_t i = 0; i < ARRAY_LEN(not_copied); i++) {
		rig_put_vault(g, not_copied[i].model, not_copied[i].cross_region);
		replicator_wake(&g->world, NULL);
		clock_sleep_until(clock_monotonic_us() + 50000);
		assert_int_equal(replicator_status(&g->world, VAULT, &s, &e), 0);
		assert_false(is_copied(g));
	}
	rig_put_vault(g, "GeoRedundant", true);
	(void)await(g, 3);
	assert_true(is_copied(g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_rig_setup, world_rig_teardown)
		T(what_a_vault_has_comes_over),
		T(what_is_deleted_goes_and_its_space_too),
		T(an_item_is_told_as_it_is_now),
		T(a_lost_vault_leaves_its_copy_alone),
		T(lost_points_stay_in_the_copy),
		T(what_only_the_copy_has_outlives_a_rebuild),
		T(a_vault_that_is_made_anew_elsewhere_is_copied_from_there),
		T(only_what_is_geo_redundant_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
