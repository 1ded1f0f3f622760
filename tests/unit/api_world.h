/* api_world.h - a temporary database with what tests of handlers need: two paired regions, a
 * group, a vault with a policy, a VM with data disks on LUN 0 and 1, an account, a network. */
#ifndef TESTS_API_WORLD_H
#define TESTS_API_WORLD_H

#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/fs.h"
#include "parent.h"

#define SUB "11111111-2222-4333-8444-555555555555"
#define GROUP "/subscriptions/" SUB "/resourceGroups/rg1"
#define VAULT_ID GROUP "/providers/" TYPE_VAULT "/vault1"
#define VM_ID GROUP "/providers/" TYPE_VM "/VM-One"
#define POLICY_ID VAULT_ID "/backupPolicies/DefaultPolicy"
#define ITEM_ID VAULT_ID "/backupFabrics/Azure/protectionContainers/" \
	"IaasVMContainer;iaasvmcontainerv2;rg1;vm-one" \
	"/protectedItems/VM;iaasvmcontainerv2;rg1;vm-one"
#define POINT_NAME "100000000000001"
#define POINT_ID ITEM_ID "/recoveryPoints/" POINT_NAME
#define ACCOUNT_ID GROUP "/providers/" TYPE_ACCOUNT "/stage1"
#define VNET_ID GROUP "/providers/" TYPE_VNET "/net1"
#define NOW_US INT64_C(1715680000000000)	/* 2024-05-14T09:46:40Z */

struct api_world {
	char dir[64], path[96];
	struct db *db;
	struct settings settings;
	struct clock clock;
};

static inline int64_t fixed_now(const struct clock *c)
{
	return c->fixed_us;
}

static inline void world_put(struct db_conn *c, const char *type, const char *id,
    const char *location,
    const char *parent, const char *ref, const char *body)
{
	auto_resource struct resource r = { 0 };
	json_t *j = NULL;
	struct err e;

	OK(jparse(str_c(body), &j, &e));
	OK(resource_init(&r, type, id, location, parent, j, &e));
	OK(resource_set(&r.ref, ref, &e));
	r.sort = NOW_US;
	put_parents(c, parent);
	OK(resource_put(c, &r, NOW_US, &e));
}

/* Sets a member of a row's body; `value` is taken over. */
static inline void world_edit(struct db *db, const char *id, const char *member, json_t *value)
{
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource r = { 0 };
	const char *dot = strrchr(member, '.');
	char parent[128] = "";
	struct err e;

	OK(db_write_begin(db, &c, &e));
	assert_int_equal(resource_get(c, id, &r, &e), 1);
	if (dot != NULL)
		(void)snprintf(parent, sizeof(parent), "%.*s", (int)(dot - member), member);
	assert_int_equal(json_object_set_new(dot != NULL ? jat(r.body, parent) : r.body,
	    dot != NULL ? dot + 1 : member, value), 0);
	OK(resource_put(c, &r, NOW_US, &e));
	OK(db_commit(&c, &e));
}

static inline void world_remove(struct db *db, const char *id)
{
	auto_conn struct db_conn *c = NULL;
	struct err e;

	OK(db_write_begin(db, &c, &e));
	OK(resource_delete(c, id, &e));
	OK(db_commit(&c, &e));
}

static inline void world_rows(struct db_conn *c)
{
	world_put(c, TYPE_GROUP, GROUP, "eastus", "", "", "{}");
	world_put(c, TYPE_VAULT, VAULT_ID, "eastus", GROUP, "",
	    "{\"properties\":{},\"internal\":{\"vaultConfig\":{"
	    "\"softDeleteFeatureState\":\"Enabled\","
	    "\"softDeleteRetentionPeriodInDays\":14},\"storageConfig\":{\"storageTypeState\":"
	    "\"Unlocked\"}}}");
	world_put(c, TYPE_POLICY, POLICY_ID, "", VAULT_ID, "",
	    "{\"properties\":{\"retentionPolicy\":{\"dailySchedule\":{\"retentionDuration\":"
	    "{\"count\":7,\"durationType\":\"Days\"}}}}}");
	world_put(c, TYPE_VM, VM_ID, "eastus", GROUP, "",
	    "{\"properties\":{\"storageProfile\":{\"osDisk\":{\"name\":\"os\"},"
	    "\"dataDisks\":[{\"lun\":0,\"name\":\"d0\"},{\"lun\":1,\"name\":\"d1\"}]}}}");
	world_put(c, TYPE_ACCOUNT, ACCOUNT_ID, "eastus", GROUP, "",
	    "{\"sku\":{\"name\":\"Standard_LRS\"}}");
	world_put(c, TYPE_VNET, VNET_ID, "eastus", GROUP, "",
	    "{\"properties\":{\"subnets\":[{\"name\":\"sub1\"}]}}");
}

/* An item that was backed up once: OS disk and LUN 0 and 1. */
static inline void world_item(struct db *db)
{
	auto_conn struct db_conn *c = NULL;
	struct err e;

	OK(db_write_begin(db, &c, &e));
	world_put(c, TYPE_ITEM, ITEM_ID, "eastus", VAULT_ID, VM_ID,
	    "{\"properties\":{\"friendlyName\":\"VM-One\",\"virtualMachineId\":\"" VM_ID "\","
	    "\"sourceResourceId\":\"" VM_ID "\",\"policyId\":\"" POLICY_ID "\",\"policyName\":"
	    "\"DefaultPolicy\",\"protectionState\":\"Protected\",\"lastRecoveryPoint\":"
	    "\"2024-05-14T09:00:00Z\"},\"internal\":{\"dataId\":\"123456789012345\"}}");
	world_put(c, TYPE_POINT, POINT_ID, "", ITEM_ID, "",
	    "{\"properties\":{\"recoveryPointTime\":\"2024-05-14T09:00:00Z\"},\"internal\":{"
	    "\"disks\":[{\"name\":\"os\",\"lun\":-1},{\"name\":\"d0\",\"lun\":0},"
	    "{\"name\":\"d1\",\"lun\":1}],\"excluded\":[]}}");
	OK(db_commit(&c, &e));
}

static inline int world_setup(void **state)
{
	struct api_world *w = calloc(1, sizeof(*w));
	auto_conn struct db_conn *c = NULL;
	struct err e;

	assert_non_null(w);
	memcpy(w->dir, "/tmp/hf-api-XXXXXX", sizeof("/tmp/hf-api-XXXXXX"));
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->path, sizeof(w->path), "%s/control.db", w->dir);
	OK(db_open(w->path, &w->db, &e));
	w->settings.retry_after_s = 60;
	w->settings.chunk_kib = 256;
	w->settings.regions[0] = (struct region_settings){ .name = strdup("eastus"),
		.pair = strdup("westus"), .store = strdup(w->dir) };
	w->settings.regions[1] = (struct region_settings){ .name = strdup("westus"),
		.pair = strdup("eastus"), .store = strdup(w->dir) };
	w->settings.region_count = 2;
	w->clock = (struct clock){ .now_us = fixed_now, .fixed_us = NOW_US };
	OK(db_write_begin(w->db, &c, &e));
	world_rows(c);
	OK(db_commit(&c, &e));
	*state = w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct api_world *w = *state;
	char command[128];

	db_close(w->db);
	for (size_t i = 0; i < w->settings.region_count; i++) {
		free(w->settings.regions[i].name);
		free(w->settings.regions[i].pair);
		free(w->settings.regions[i].store);
	}
	(void)snprintf(command, sizeof(command), "rm -r '%s'", w->dir);
	free(w);
	return system(command);
}

#endif
