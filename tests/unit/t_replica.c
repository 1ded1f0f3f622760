/* t_replica.c - copies of vaults as the second region's server finds and reads them. */
#include "t.h"

#include "replica_rig.h"

#define WEB ITEM("web")
#define DB ITEM("DB")

/* ---- making a copy by hand ---- */
static const struct region_settings *west(struct world_rig *g)
{
	return &g->settings.regions[1];
}

struct sending {
	struct vault *from, *to;
};

static int send_point(void *arg, const char *object, struct err *e)
{
	const struct sending *s = arg;
	struct vault_copy_stats sent = { 0 };

	return vault_copy_point(s->from, s->to, object, NULL, &sent, e) < 0 ? -1 : 0;
}

static struct vault *make_copy(struct world_rig *g)
{
	struct sending s = { .from = g->v };
	struct err e;

	OK(replica_make(&g->world, &g->vault, g->v, west(g), &s.to, &e));
	OK(replica_documents(&g->world, &g->vault, s.to, false, &e));
	OK(vault_point_names(g->v, send_point, &s, &e));
	return s.to;
}

static void two_items(struct world_rig *g)
{
	rig_put_item(g, WEB, "Protected");
	rig_put_item(g, DB, "ProtectionStopped");
	rig_add_point(g, WEB, "100", TIME0_US - 3 * HOUR_US);
	rig_add_point(g, WEB, "101", TIME0_US - 2 * HOUR_US);
	rig_add_point(g, DB, "200", TIME0_US - HOUR_US);
}

/* ---- the second region's server: a world of its own ---- */
struct second {
	struct settings settings;
	struct clock clock;
	struct world world;
};

static void second_open(struct second *s, struct world_rig *g)
{
	struct err e;

	*s = (struct second){ .clock = { rig_now, TIME0_US } };
	s->settings.regions[0] = (struct region_settings){ g->west, g->east, g->west_store, NULL };
	strcpy(g->url, "https://east.example");
	s->settings.regions[1] = (struct region_settings){ g->east, g->west, NULL, g->url };
	s->settings.region_count = 2;
	s->world.settings = &s->settings;
	s->world.clock = &s->clock;
	memset(s->world.master_key, 9, sizeof(s->world.master_key));
	memcpy(s->world.pair_key, g->world.pair_key, sizeof(s->world.pair_key));
	OK(vault_cache_new(&s->world.vaults, &e));
}

static void second_close(struct second *s)
{
	vault_cache_free(TAKE(s->world.vaults));
}
#define auto_second cleanup_with(second_close)

struct seen {
	char text[512];		/* names, with a space after each */
};

static int note_name(void *arg, struct resource *row, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	(void)snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%s ",
	    row->name);
	return 0;
}

static int take_first(void *arg, struct resource *row, struct err *e)
{
	(void)e;
	*(struct resource *)arg = *row;
	*row = (struct resource){ 0 };
	return 7;
}

/* ---- tests ---- */
static void another_server_reads_all_from_its_own_store(void **state)
{
	struct world_rig *g = *state;
	auto_second struct second s;
	auto_resource struct resource vault = { 0 }, item = { 0 }, point = { 0 }, first = { 0 };
	auto_image struct image was = { 0 }, is = { 0 };
	struct seen items = { 0 }, points = { 0 };
	const char *region = NULL;
	struct vault *v = NULL;
	struct err e;

	two_items(g);
	(void)make_copy(g);
	was = rig_read_point(g, g->v, WEB, "101");
	OK(fs_remove_tree(g->east_store, &e));
	second_open(&s, g);

	assert_int_equal(replica_find(&s.world, VAULT, &region, &v, &e), 1);
	assert_string_equal(region, "westus");
	assert_int_equal(replica_vault(v, &vault, &e), 1);
	assert_string_equal(vault.id, VAULT);
	assert_string_equal(vault.type, TYPE_VAULT);
	assert_string_equal(vault.location, "eastus");
	assert_string_equal(vault.group, "rg1");
	assert_string_equal(jstr(vault.body, "internal.numericId", ""), "12345678");

	assert_int_equal(replica_item(v, DB, &item, &e), 1);
	assert_string_equal(item.id, DB);
	assert_string_equal(item.parent, VAULT);
	assert_string_equal(jstr(item.body, "properties.protectionState", ""), "ProtectionStopped");
	OK(replica_items(v, note_name, &items, &e));
	assert_string_equal(items.text, "VM;DB VM;web ");

	OK(replica_points(v, WEB, note_name, &points, &e));
	assert_string_equal(points.text, "101 100 ");
	assert_int_equal(replica_points(v, WEB, take_first, &first, &e), 7);
	assert_string_equal(first.name, "101");
	assert_int_equal(replica_point(v, WEB, "101", &point, &e), 1);
	assert_string_equal(point.id, WEB "/recoveryPoints/101");
	assert_string_equal(point.parent, WEB);
	assert_string_equal(point.location, "eastus");
	assert_int_equal(point.sort, TIME0_US - 2 * HOUR_US);
	assert_string_equal(jstr(point.body, "properties.objectType", ""), "IaasVMRecoveryPoint");
	assert_null(jat(point.body, "itemId"));
	is = rig_read_point(g, v, WEB, "101");
	assert_true(image_same(&was, &is));
}

static void ids_compare_without_case(void **state)
{
	struct world_rig *g = *state;
	auto_resource struct resource item = { 0 }, point = { 0 };
	auto_arena struct arena a = { 0 };
	struct vault *v = NULL;
	struct err e;

	two_items(g);
	(void)make_copy(g);
	assert_int_equal(replica_open(&g->world, "West US", arena_lower(&a, STR(VAULT)), &v, &e), 1);
	assert_int_equal(replica_item(v, arena_lower(&a, STR(WEB)), &item, &e), 1);
	assert_string_equal(item.id, WEB);
	assert_int_equal(replica_point(v, arena_lower(&a, STR(DB)), "200", &point, &e), 1);
	assert_string_equal(point.id, DB "/recoveryPoints/200");
}

static void what_is_not_there_is_absent(void **state)
{
	struct world_rig *g = *state;
	auto_resource struct resource row = { 0 };
	struct seen none = { 0 };
	struct vault *v = NULL;
	struct err e;

	assert_int_equal(replica_open(&g->world, "westus", VAULT, &v, &e), 0);
	v = make_copy(g);
	assert_int_equal(replica_open(&g->world, "westus", VAULT "x", &v, &e), 0);
	assert_int_equal(replica_open(&g->world, "eastus", VAULT, &v, &e), 0);
	assert_int_equal(replica_item(v, WEB, &row, &e), 0);
	assert_int_equal(replica_point(v, WEB, "100", &row, &e), 0);
	assert_int_equal(replica_point(v, WEB, "../x", &row, &e), 0);
	OK(replica_points(v, WEB, note_name, &none, &e));
	OK(replica_items(v, note_name, &none, &e));
	assert_string_equal(none.text, "");
	FAILS(replica_open(&g->world, "mars", VAULT, &v, &e), ERR_INVALID);
	CONTAINS(e.msg, "'mars'");
	g->settings.regions[0].store = NULL;
	FAILS(replica_open(&g->world, "eastus", VAULT, &v, &e), ERR_INVALID);
	CONTAINS(e.msg, "out of this server's reach");
}

static void another_pair_key_opens_nothing_and_says_so(void **state)
{
	struct world_rig *g = *state;
	auto_second struct second s;
	const char *region;
	struct vault *v;
	struct err e;

	two_items(g);
	(void)make_copy(g);
	second_open(&s, g);
	s.world.pair_key[0] ^= 1;
	FAILS(replica_find(&s.world, VAULT, &region, &v, &e), ERR_DENIED);
	CONTAINS(e.msg, "keys/pair.key");
	CONTAINS(e.msg, jstr(g->vault.body, "internal.store", ""));
	FAILS(replica_open(&s.world, "westus", VAULT, &v, &e), ERR_DENIED);
}

/* The vault's own server knows the key, and after its pair key was replaced gives the copy the
 * new one. */
static void a_new_pair_key_is_taken_over(void **state)
{
	struct world_rig *g = *state;
	auto_second struct second s;
	const char *region;
	struct vault *v;
	struct err e;

	two_items(g);
	(void)make_copy(g);
	world_rig_reopen(g);
	memset(g->world.pair_key, 3, sizeof(g->world.pair_key));
	(void)make_copy(g);
	second_open(&s, g);
	assert_int_equal(replica_find(&s.world, VAULT, &region, &v, &e), 1);
}

static void a_copy_is_seen_by_who_asked_before_it_was_there(void **state)
{
	struct world_rig *g = *state;
	auto_second struct second s;
	const char *region;
	struct vault *v = NULL, *again = NULL;
	struct err e;

	second_open(&s, g);
	assert_int_equal(replica_find(&s.world, VAULT, &region, &v, &e), 0);
	two_items(g);
	(void)make_copy(g);
	clock_sleep_until(clock_monotonic_us() + 1100000);
	assert_int_equal(replica_find(&s.world, VAULT, &region, &v, &e), 1);
	assert_int_equal(replica_find(&s.world, VAULT, &region, &again, &e), 1);
	assert_ptr_equal(v, again);
}

static void a_copy_that_was_begun_only_is_none(void **state)
{
	struct world_rig *g = *state;
	auto_arena struct arena a = { 0 };
	struct object_store *store = NULL;
	struct vault *v = NULL;
	const char *dir;
	struct err e;

	OK(replica_dir(west(g), jstr(g->vault.body, "internal.store", ""), &a, &dir, &e));
	OK(fs_mkdirs(dir, 0700, &e));
	OK(object_dir_open(dir, true, &store, &e));
	OK(vault_copy_begin(g->v, store, &e));
	object_close(store);
	assert_int_equal(replica_open(&g->world, "westus", VAULT, &v, &e), 0);
	assert_int_equal(replica_of(&g->world, &g->vault, west(g), &v, &e), 0);
	two_items(g);
	assert_ptr_not_equal(make_copy(g), NULL);
	assert_int_equal(replica_open(&g->world, "westus", VAULT, &v, &e), 1);
}

static void a_deleted_vault_takes_its_copy_along(void **state)
{
	struct world_rig *g = *state;
	auto_second struct second s;
	const char *region;
	struct seen none = { 0 };
	struct vault *lent = NULL, *v;
	struct err e;

	two_items(g);
	(void)make_copy(g);
	second_open(&s, g);
	assert_int_equal(replica_find(&s.world, VAULT, &region, &lent, &e), 1);
	OK(world_vault_remove(&g->world, &g->vault, &e));
	assert_int_equal(replica_open(&g->world, "westus", VAULT, &v, &e), 0);
	assert_int_equal(replica_find(&s.world, VAULT, &region, &v, &e), 0);
	/* who still has it finds nothing, no more */
	if (replica_points(lent, WEB, note_name, &none, &e) == 0)
		assert_string_equal(none.text, "");
}

/* The copy of the first one was out of reach when it was deleted. */
static void of_two_vaults_of_one_id_the_later_is_shown(void **state)
{
	struct world_rig *g = *state;
	auto_arena struct arena a = { 0 };
	auto_second struct second s;
	auto_resource struct resource row = { 0 };
	json_t *body;
	const char *region, *dir;
	struct vault *v;
	struct err e;

	two_items(g);
	(void)make_copy(g);
	OK(replica_dir(west(g), jstr(g->vault.body, "internal.store", ""), &a, &dir, &e));
	assert_int_equal(rename(dir, arena_fmt(&a, "%s/aside", g->dir)), 0);
	OK(world_vault_remove(&g->world, &g->vault, &e));
	assert_int_equal(rename(arena_fmt(&a, "%s/aside", g->dir), dir), 0);

	body = json_pack("{s:{}, s:{s:s}}", "properties", "internal", "numericId", "2");
	OK(world_vault_create(&g->world, "eastus", body, &e));
	resource_done(&g->vault);
	OK(resource_init(&g->vault, TYPE_VAULT, VAULT, "eastus", GROUP, body, &e));
	rig_put_vault(g, "GeoRedundant", true);
	OK(world_vault(&g->world, &g->vault, &g->v, &e));
	OK(replica_make(&g->world, &g->vault, g->v, west(g), &v, &e));
	second_open(&s, g);
	assert_int_equal(replica_find(&s.world, VAULT, &region, &v, &e), 1);
	assert_int_equal(replica_vault(v, &row, &e), 1);
	assert_string_equal(jstr(row.body, "internal.numericId", ""), "2");
}

static void documents_follow_rows(void **state)
{
	struct world_rig *g = *state;
	auto_resource struct resource row = { 0 };
	struct vault *v;
	struct err e;

	two_items(g);
	v = make_copy(g);
	rig_put_item(g, WEB, "ProtectionStopped");
	OK(replica_documents(&g->world, &g->vault, v, true, &e));
	assert_int_equal(replica_item(v, WEB, &row, &e), 1);
	assert_string_equal(jstr(row.body, "properties.protectionState", ""), "Protected");
	resource_done(&row);
	OK(replica_documents(&g->world, &g->vault, v, false, &e));
	assert_int_equal(replica_item(v, WEB, &row, &e), 1);
	assert_string_equal(jstr(row.body, "properties.protectionState", ""), "ProtectionStopped");
	resource_done(&row);
	/* what still has points is told of */
	rig_drop_row(g, WEB);
	OK(replica_prune(&g->world, &g->vault, v, &e));
	assert_int_equal(replica_item(v, WEB, &row, &e), 1);
	resource_done(&row);
	rig_put_item(g, ITEM("idle"), "Protected");
	OK(replica_documents(&g->world, &g->vault, v, false, &e));
	rig_drop_row(g, ITEM("idle"));
	OK(replica_prune(&g->world, &g->vault, v, &e));
	assert_int_equal(replica_item(v, ITEM("idle"), &row, &e), 0);
	assert_int_equal(replica_vault(v, &row, &e), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_rig_setup, world_rig_teardown)
		T(another_server_reads_all_from_its_own_store),
		T(ids_compare_without_case),
		T(what_is_not_there_is_absent),
		T(another_pair_key_opens_nothing_and_says_so),
		T(a_new_pair_key_is_taken_over),
		T(a_copy_is_seen_by_who_asked_before_it_was_there),
		T(a_copy_that_was_begun_only_is_none),
		T(a_deleted_vault_takes_its_copy_along),
		T(of_two_vaults_of_one_id_the_later_is_shown),
		T(documents_follow_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
