/* t_secondary.c - the second region's lists: pages, order, filters, and what a damaged copy hides. */
#include "t.h"

#include "api_client.h"
#undef GROUP
#include "replica_rig.h"

#define FABRIC VAULT "/backupFabrics/Azure/protectionContainers/"
#define VERSION "api-version=2021-11-15"
#define MANY 203	/* more than a page has */

static const struct api_route *const tables[] = { item_routes, point_routes, discovery_routes,
	NULL };

static void item_id(unsigned i, char ret[512])
{
	(void)snprintf(ret, 512, FABRIC "IaasVMContainer;iaasvmcontainerv2;rg1;vm%03u"
	    "/protectedItems/VM;iaasvmcontainerv2;rg1;vm%03u", i, i);
}

static void put_item(struct world_rig *g, unsigned i)
{
	char id[512], name[16];

	item_id(i, id);
	(void)snprintf(name, sizeof(name), "vm%03u", i);
	rig_put_row(g, TYPE_ITEM, id, VAULT, 0, json_pack("{s:{s:s, s:s, s:s}, s:{s:s}}",
	    "properties", "friendlyName", name, "protectionState", "Protected", "policyName",
	    i % 2 == 0 ? "even" : "odd", "internal", "dataId", "1"));
}

/* A point without disks, one minute after the one before. */
static void seal_point(struct world_rig *g, const char *item, unsigned i)
{
	auto_json json_t *meta = rig_document(TIME0_US + (int64_t)i * 60000000);
	auto_arena struct arena a = { 0 };
	struct vault_session *s = NULL;
	char name[16];
	struct err e;

	(void)snprintf(name, sizeof(name), "%u", 1000 + i);
	OK(jset(meta, "itemId", json_string(item), &e));
	OK(jset(meta, "vaultId", json_string(VAULT), &e));
	OK(vault_session_begin(g->v, arena_lower(&a, str_c(item)), &s, &e));
	OK(vault_session_commit(s, name, meta, &e));
	vault_session_end(s);
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

static void copy_all(struct world_rig *g)
{
	struct sending s = { .from = g->v };
	struct err e;

	OK(replica_make(&g->world, &g->vault, g->v, &g->settings.regions[1], &s.to, &e));
	OK(replica_documents(&g->world, &g->vault, s.to, false, &e));
	OK(vault_point_names(g->v, send_point, &s, &e));
}

static int set_up(void **state)
{
	struct world_rig *g;

	if (world_rig_setup(state) != 0)
		return -1;
	g = *state;
	strcpy(g->world.subscription, "00000000-0000-4000-8000-000000000001");
	return 0;
}

/* Every row's name, in the order of pages; *ret_pages of them. */
static json_t *all_pages(struct world_rig *g, const char *url, unsigned *ret_pages)
{
	json_t *names = json_array();
	char next[2048];

	(void)snprintf(next, sizeof(next), "%s", url);
	for (*ret_pages = 0; next[0] != '\0'; ++*ret_pages) {
		auto_answer struct answer r;
		json_t *row;
		size_t i;

		assert_true(*ret_pages < 5);
		call(&g->world, tables, "GET", next, NULL, &r);
		assert_int_equal(r.status, 200);
		json_array_foreach(jat(r.body, "value"), i, row)
			assert_int_equal(json_array_append(names, jat(row, "name")), 0);
		(void)snprintf(next, sizeof(next), "%s", jstr(r.body, "nextLink", ""));
	}
	return names;
}

static const char *nth(const json_t *names, size_t i)
{
	return json_string_value(json_array_get(names, i));
}

static void items_come_in_pages_in_the_order_of_their_ids(void **state)
{
	struct world_rig *g = *state;
	auto_json json_t *all = NULL, *odd = NULL;
	char want[64];
	unsigned pages;

	for (unsigned i = 0; i < MANY; i++)
		put_item(g, i);
	copy_all(g);
	all = all_pages(g, VAULT "/backupProtectedItems/?" VERSION, &pages);
	assert_int_equal(pages, 2);
	assert_int_equal(json_array_size(all), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(want, sizeof(want), "VM;iaasvmcontainerv2;rg1;vm%03u", i);
		assert_string_equal(nth(all, i), want);
	}
	odd = all_pages(g, VAULT "/backupProtectedItems?$filter=policyName%20eq%20'odd'&" VERSION,
	    &pages);
	assert_int_equal(pages, 1);
	assert_int_equal(json_array_size(odd), MANY / 2);
}

static void points_come_in_pages_newest_first(void **state)
{
	struct world_rig *g = *state;
	auto_json json_t *all = NULL, *some = NULL;
	char id[512], url[1024], want[16], from[TIME_TEXT_MAX];
	unsigned pages;

	put_item(g, 7);
	item_id(7, id);
	for (unsigned i = 0; i < MANY; i++)
		seal_point(g, id, i);
	copy_all(g);
	(void)snprintf(url, sizeof(url), "%s/recoveryPoints/?" VERSION, id);
	all = all_pages(g, url, &pages);
	assert_int_equal(pages, 2);
	assert_int_equal(json_array_size(all), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(want, sizeof(want), "%u", 1000 + MANY - 1 - i);
		assert_string_equal(nth(all, i), want);
	}
	/* the filter stays in the links, and its edge belongs to it */
	(void)snprintf(url, sizeof(url), "%s/recoveryPoints?$filter=startDate%%20eq%%20'%s'&"
	    VERSION, id, time_iso(TIME0_US + 60000000, from));
	some = all_pages(g, url, &pages);
	assert_int_equal(pages, 2);
	assert_int_equal(json_array_size(some), MANY - 1);
	assert_string_equal(nth(some, MANY - 2), "1001");
}

static void what_is_not_in_the_copy_is_named(void **state)
{
	struct world_rig *g = *state;
	auto_answer struct answer none, bare = { 0 }, item = { 0 }, point = { 0 }, token = { 0 };
	char id[512], url[1024];

	call(&g->world, tables, "GET", VAULT "/backupProtectedItems/?" VERSION, NULL, &none);
	assert_int_equal(none.status, 200);
	assert_int_equal(json_array_size(jat(none.body, "value")), 0);
	item_id(7, id);
	(void)snprintf(url, sizeof(url), "%s?" VERSION, id);
	call(&g->world, tables, "GET", url, NULL, &bare);
	assert_int_equal(bare.status, 404);
	CONTAINS(bare.text, "paired region 'westus' of vault 'Vault1' has no copy of it yet");
	put_item(g, 7);
	copy_all(g);
	item_id(8, id);
	(void)snprintf(url, sizeof(url), "%s/recoveryPoints/?" VERSION, id);
	call(&g->world, tables, "GET", url, NULL, &item);
	assert_int_equal(item.status, 404);
	CONTAINS(item.text, "vm008");
	item_id(7, id);
	(void)snprintf(url, sizeof(url), "%s/recoveryPoints/1000?" VERSION, id);
	call(&g->world, tables, "GET", url, NULL, &point);
	assert_string_equal(point.code, "UserErrorRpNotFound");
	CONTAINS(point.text, "'1000'");
	(void)snprintf(url, sizeof(url), VAULT "/backupProtectedItems?" VERSION "&$skipToken=xx");
	call(&g->world, tables, "GET", url, NULL, &token);
	assert_string_equal(token.code, "InvalidSkipToken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(items_come_in_pages_in_the_order_of_their_ids,
		    set_up, world_rig_teardown),
		cmocka_unit_test_setup_teardown(points_come_in_pages_newest_first, set_up,
		    world_rig_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_in_the_copy_is_named, set_up,
		    world_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
