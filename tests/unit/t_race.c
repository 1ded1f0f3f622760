/* t_race.c - handlers that find out something and then write: what others commit in between
 * counts.  The test holds the writer while a handler is on its way to it, changes rows, and
 * lets go. */
#include "t.h"

#include <pthread.h>
#include <time.h>

#include "api_client.h"

#define V "?api-version=2024-04-01"
#define DISK_ID GROUP "/providers/" TYPE_DISK "/d0"
#define PROTECT "{\"properties\":{\"protectedItemType\":\"Microsoft.Compute/virtualMachines\"," \
	"\"sourceResourceId\":\"" VM_ID "\",\"policyId\":\"" POLICY_ID "\"}}"

static const struct api_route *const tables[] = { compute_disk_routes, item_routes, NULL };

static const struct job_kind configure = { .name = "configure" }, removal = { .name = "delete" };
static const struct job_kind *const kinds[] = { &configure, &removal, NULL };

struct fixture {
	struct api_world *api;
	struct world world;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct job_engine_opts o = { .kinds = kinds, .workers = 1 };
	auto_conn struct db_conn *c = NULL;
	void *api;
	struct err e;

	assert_non_null(f);
	assert_int_equal(world_setup(&api), 0);
	f->api = api;
	f->world = (struct world){ .db = f->api->db, .clock = &f->api->clock,
		.settings = &f->api->settings };
	(void)snprintf(f->world.subscription, sizeof(f->world.subscription), "%s", SUB);
	OK(db_write_begin(f->world.db, &c, &e));
	world_put(c, TYPE_DISK, DISK_ID, "eastus", GROUP, "", "{\"tags\":{},\"properties\":{"
	    "\"diskState\":\"Unattached\"},\"internal\":{\"path\":\"/images/d0\",\"owned\":true}}");
	OK(db_commit(&c, &e));
	o.db = f->world.db;
	o.clock = f->world.clock;
	o.world = f;
	OK(job_engine_start(&o, &f->world.engine, &e));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *api = f->api;

	job_engine_stop(f->world.engine);
	free(f);
	return world_teardown(&api);
}

struct asking {
	struct fixture *f;
	const char *method, *url, *body;
	struct answer answer;
};

static void *ask(void *arg)
{
	struct asking *a = arg;

	call(&a->f->world, tables, a->method, a->url, a->body, &a->answer);
	return NULL;
}

/* The call starts while the writer is taken, and gets it after `change`. */
static void overtake(struct asking *a, void (*change)(struct db_conn *c))
{
	auto_conn struct db_conn *c = NULL;
	pthread_t thread;
	struct err e;

	OK(db_write_begin(a->f->world.db, &c, &e));
	assert_int_equal(pthread_create(&thread, NULL, ask, a), 0);
	(void)nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
	change(c);
	OK(db_commit(&c, &e));
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static int look(struct fixture *f, const char *id, struct resource *ret)
{
	auto_conn struct db_conn *c = NULL;
	struct err e;

	OK(db_read_begin(f->world.db, &c, &e));
	return resource_get(c, id, ret, &e);
}

static void attach(struct db_conn *c)
{
	world_put(c, TYPE_DISK, DISK_ID, "eastus", GROUP, VM_ID, "{\"tags\":{},\"managedBy\":\"" VM_ID
	    "\",\"properties\":{\"diskState\":\"Reserved\"},\"internal\":{\"path\":\"/images/d0\","
	    "\"owned\":true}}");
}

static void tagging_a_disk_does_not_detach_it(void **state)
{
	struct asking a = { *state, "PUT", DISK_ID V, "{\"tags\":{\"a\":\"b\"}}", { 0 } };
	auto_resource struct resource disk = { 0 };

	overtake(&a, attach);
	assert_int_equal(a.answer.status, 200);
	answer_done(&a.answer);
	assert_int_equal(look(a.f, DISK_ID, &disk), 1);
	assert_string_equal(disk.ref, VM_ID);
	assert_string_equal(jstr(disk.body, "managedBy", ""), VM_ID);
	assert_string_equal(jstr(disk.body, "tags.a", ""), "b");
}

static void drop_disk(struct db_conn *c)
{
	struct err e;

	assert_int_equal(resource_delete(c, DISK_ID, &e), 1);
}

static void tagging_a_disk_does_not_bring_it_back(void **state)
{
	struct asking a = { *state, "PUT", DISK_ID V, "{\"tags\":{\"a\":\"b\"}}", { 0 } };
	auto_resource struct resource disk = { 0 };

	overtake(&a, drop_disk);
	assert_int_equal(a.answer.status, 409);
	answer_done(&a.answer);
	assert_int_equal(look(a.f, DISK_ID, &disk), 0);
}

static void keep_deleted_items(struct db_conn *c)
{
	world_put(c, TYPE_VAULT, VAULT_ID, "eastus", GROUP, "", "{\"properties\":{},\"internal\":{"
	    "\"vaultConfig\":{\"softDeleteFeatureState\":\"Enabled\","
	    "\"softDeleteRetentionPeriodInDays\":30}}}");
}

static void soft_delete_counts_from_the_moment_it_is_on(void **state)
{
	struct asking a = { *state, "DELETE", ITEM_ID V, NULL, { 0 } };
	auto_resource struct resource item = { 0 };

	world_edit(a.f->world.db, VAULT_ID, "internal.vaultConfig.softDeleteFeatureState",
	    json_string("Disabled"));
	world_item(a.f->world.db);
	overtake(&a, keep_deleted_items);
	assert_int_equal(a.answer.status, 202);
	answer_done(&a.answer);
	assert_int_equal(look(a.f, ITEM_ID, &item), 1);
	assert_true(jbool(item.body, "properties.isScheduledForDeferredDelete", false));
	assert_int_equal(jint(item.body, "properties.softDeleteRetentionPeriod", 0), 30);
}

/* The item's row is gone, but its delete job may still run its last step again. */
static void an_item_is_not_made_while_its_delete_job_runs(void **state)
{
	struct asking a = { *state, "PUT", ITEM_ID V, PROTECT, { 0 } };
	struct job_spec s = { .kind = "delete", .vault = VAULT_ID, .item = ITEM_ID,
		.operation = "DeleteBackupData" };
	auto_conn struct db_conn *c = NULL;
	struct err e;

	OK(db_write_begin(a.f->world.db, &c, &e));
	OK(job_submit(c, &s, NOW_US, NULL, &e));
	assert_int_equal(db_exec(c, &e, "UPDATE job SET lease_end_us = $1, lease_holder = 'else'",
	    "i", INT64_MAX), 1);
	OK(db_commit(&c, &e));
	(void)ask(&a);
	assert_int_equal(a.answer.status, 400);
	assert_string_equal(a.answer.code, "BMSUserErrorObjectLocked");
	answer_done(&a.answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(tagging_a_disk_does_not_detach_it),
		T(tagging_a_disk_does_not_bring_it_back),
		T(soft_delete_counts_from_the_moment_it_is_on),
		T(an_item_is_not_made_while_its_delete_job_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
