/* item_put.c - PUT of a protected item: protect, change, stop, resume, undelete. */
#include "api/authorize.h"
#include "api/item.h"
#include "api/item_intent.h"
#include "api/luns.h"
#include "api/submit.h"

#include <stdio.h>

#include "base/codec.h"

#define NEVER_BACKED_UP "2001-01-01T00:00:00Z"

struct put {
	struct api_call *call;
	struct db_conn *conn;
	struct item_intent in;
	struct resource *item, *vm, *policy;	/* empty (id NULL) while not known */
	bool exists;
};

static int no_vm(const char *id, struct err *e)
{
	return err_http(e, ERR_INVALID, 400, "UserErrorVmNotFoundV2",
	    "Virtual machine doesn't exist.\r\nproperties.sourceResourceId names '%.300s'. Please "
	    "make sure that virtual machine exists or select a different virtual machine.", id);
}

/* The VM of the request (or of the item) must be the one that the item's name says. */
static int find_vm(struct put *p, struct err *e)
{
	const char *id = p->in.source_id;
	struct str group, vm;
	struct arm_id a;
	int r;

	if (id == NULL)
		id = p->exists ? jstr(p->item->body, "properties.sourceResourceId", NULL) : NULL;
	if (id == NULL) {
		(void)err_set(e, ERR_INVALID, "properties.sourceResourceId: required, but missing");
		return item_intent_refuse(e);
	}
	if (arm_id_parse(str_c(id), &a, e) != 0 || !arm_id_is(&a, TYPE_VM)) {
		(void)err_set(e, ERR_INVALID, "properties.sourceResourceId: '%.250s' is not the "
		    "id of a virtual machine", id);
		return item_intent_refuse(e);
	}
	if (!arm_workload_name_parse(str_c(p->item->name), &group, &vm) ||
	    !str_ieq(group, a.group) || !str_ieq(vm, a.part[0].name)) {
		(void)err_set(e, ERR_INVALID, "properties.sourceResourceId: '%.170s' is not the "
		    "virtual machine of item '%.100s'", id, p->item->name);
		return item_intent_refuse(e);
	}
	id = arm_id_canonical(&p->call->arena, &a);
	if (id == NULL)
		return err_nomem(e);
	/* Or a vault would be a way to read the disks of any machine. */
	if (!p->exists && authorize_linked(p->call, TYPE_VM "/write", id, e) != 0)
		return -1;
	r = resource_get(p->conn, id, p->vm, e);
	return r < 0 ? -1 : r == 0 ? no_vm(id, e) : 0;
}

static int check_region(const struct put *p, struct err *e)
{
	const struct resource *vault = &p->call->vault;

	if (str_ieq(str_c(p->vm->location), str_c(vault->location)))
		return 0;
	return err_http(e, ERR_INVALID, 400, "UserErrorVmVaultLocationMismatch",
	    "Virtual machine and vault are in different region\r\nVirtual machine '%.120s' is in "
	    "'%s', vault '%.60s' is in '%s'.", p->vm->name, p->vm->location, vault->name,
	    vault->location);
}

static int find_policy(struct put *p, struct err *e)
{
	struct arm_id a;
	const char *id = p->in.policy_id;
	int r;

	if (id == NULL)
		id = p->exists ? jstr(p->item->body, "properties.policyId", "") : "";
	if (id[0] == '\0') {
		(void)err_set(e, ERR_INVALID, "properties.policyId: required, but missing");
		return item_intent_refuse(e);
	}
	if (arm_id_parse(str_c(id), &a, e) != 0 || !arm_id_is(&a, TYPE_POLICY)) {
		(void)err_set(e, ERR_INVALID, "properties.policyId: '%.250s' is not the id of a "
		    "backup policy", id);
		return item_intent_refuse(e);
	}
	id = arm_id_canonical(&p->call->arena, &a);
	if (id == NULL)
		return err_nomem(e);
	r = resource_get(p->conn, id, p->policy, e);
	if (r < 0)
		return -1;
	if (r > 0 && arm_id_same(str_c(p->policy->parent), str_c(p->call->vault.id)))
		return 0;
	(void)err_set(e, ERR_INVALID, "properties.policyId: vault '%.60s' has no backup policy "
	    "'%.200s'", p->call->vault.name, id);
	return item_intent_refuse(e);
}

static int other_vault(void *arg, struct resource *found, struct err *e)
{
	const struct put *p = arg;

	if (arm_id_same(str_c(found->parent), str_c(p->call->vault.id)))
		return 0;
	return err_http(e, ERR_CONFLICT, 400, "VirtualMachineAlreadyProtected",
	    "Virtual machine '%.100s' is already protected by vault '%.250s'\r\nStop its "
	    "protection and delete its backup data there first.", p->vm->name, found->parent);
}

static int check_other_vaults(struct put *p, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .ref = p->vm->id };

	return resource_list(p->conn, &q, other_vault, p, e) != 0 ? -1 : 0;
}

static int check_luns(const struct put *p, struct err *e)
{
	static const char path[] =
	    "properties.extendedProperties.diskExclusionProperties.diskLunList";
	const json_t *disks = jat(p->vm->body, "properties.storageProfile.dataDisks");
	struct luns luns;

	if (p->in.exclusion == NULL)
		return 0;
	if (luns_read(jat(p->in.exclusion, "diskLunList"), path, &luns, e) != 0)
		return item_intent_refuse(e);
	for (size_t i = 0; i < luns.count; i++)
		if (luns_find(disks, luns.lun[i]) == NULL) {
			(void)err_set(e, ERR_INVALID, "%s[%zu]: virtual machine '%.100s' has no "
			    "data disk with LUN %d", path, i, p->vm->name, luns.lun[i]);
			return item_intent_refuse(e);
		}
	return 0;
}

static json_t *new_body(const struct put *p)
{
	char data_id[24];

	(void)snprintf(data_id, sizeof(data_id), "%llu",
	    100000000000000ULL + (unsigned long long)(random_u64() % 900000000000000ULL));
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{}}, s:{s:s}}",
	    "properties",
	    "friendlyName", p->vm->name, "virtualMachineId", p->vm->id, "sourceResourceId",
	    p->vm->id,
	    "protectionState", "IRPending", "protectionStatus", "Healthy", "healthStatus", "Passed",
	    "lastBackupStatus", "", "lastBackupTime", NEVER_BACKED_UP, "extendedProperties",
	    "internal", "dataId", data_id);
}

static int create(struct put *p, struct err *e)
{
	auto_free char *id = strdup(p->item->id);

	resource_done(p->item);
	if (id == NULL)
		return err_nomem(e);
	*p->item = (struct resource){ 0 };
	if (resource_init(p->item, TYPE_ITEM, id, p->call->vault.location, p->call->vault.id,
	    new_body(p), e) != 0)
		return -1;
	return resource_set(&p->item->ref, p->vm->id, e);
}

static int set_disks(const struct put *p, json_t *props, struct err *e)
{
	json_t *chosen;

	if (!p->in.sets_disks)
		return 0;
	if (p->in.exclusion == NULL)
		return jset(props, "extendedProperties", json_object(), e);
	chosen = json_pack("{s:{s:O, s:O}}", "diskExclusionProperties", "diskLunList",
	    jat(p->in.exclusion, "diskLunList"), "isInclusionList",
	    jat(p->in.exclusion, "isInclusionList"));
	return chosen == NULL ? err_nomem(e) : jset(props, "extendedProperties", chosen, e);
}

static int set_state(json_t *props, const char *state, const char *policy_id,
    const char *policy_name, struct err *e)
{
	if (jset(props, "protectionState", json_string(state), e) != 0 ||
	    jset(props, "policyId", json_string(policy_id), e) != 0)
		return -1;
	return jset(props, "policyName", json_string(policy_name), e);
}

static int protect(struct put *p, struct err *e)
{
	json_t *props;

	if (p->exists && item_refuse_soft_deleted(p->item, e) != 0)
		return -1;
	if (find_vm(p, e) != 0 || check_region(p, e) != 0 || find_policy(p, e) != 0 ||
	    check_other_vaults(p, e) != 0 || check_luns(p, e) != 0)
		return -1;
	if (!p->exists && create(p, e) != 0)
		return -1;
	props = jat(p->item->body, "properties");
	if (set_disks(p, props, e) != 0)
		return -1;
	return set_state(props, jat(props, "lastRecoveryPoint") != NULL ? "Protected" : "IRPending",
	    p->policy->id, p->policy->name, e);
}

static int stop(struct put *p, struct err *e)
{
	if (!p->exists)
		return item_not_found(p->item->id, e);
	if (item_refuse_soft_deleted(p->item, e) != 0)
		return -1;
	return set_state(jat(p->item->body, "properties"), p->in.state, "", "", e);
}

static int undelete(struct put *p, struct err *e)
{
	static const char *const marks[] = { "isScheduledForDeferredDelete",
		"deferredDeleteTimeInUTC", "softDeleteRetentionPeriod" };
	json_t *props;

	if (!p->exists)
		return item_not_found(p->item->id, e);
	if (!item_soft_deleted(p->item)) {
		(void)err_set(e, ERR_INVALID, "properties.isRehydrate: item '%.150s' is not in "
		    "the soft deleted state", p->item->name);
		return item_intent_refuse(e);
	}
	props = jat(p->item->body, "properties");
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		(void)json_object_del(props, marks[i]);
	return set_state(props, "ProtectionStopped", "", "", e);
}

/* A vault's redundancy cannot change any more once it has an item. */
static int lock_storage(struct put *p, struct err *e)
{
	auto_resource struct resource vault = { 0 };
	json_t *config;

	/* Also makes sure that the vault was not deleted since the request came in. */
	if (api_find_in(p->call, p->conn, p->call->vault.id, &vault, e) != 0)
		return -1;
	config = jat(vault.body, "internal.storageConfig");
	if (config == NULL || strcmp(jstr(config, "storageTypeState", ""), "Locked") == 0)
		return 0;
	if (jset(config, "storageTypeState", json_string("Locked"), e) != 0)
		return -1;
	return resource_put(p->conn, &vault, p->call->now_us, e);
}

static int apply(struct put *p, struct err *e)
{
	switch (p->in.kind) {
	case INTENT_STOP:
		return stop(p, e);
	case INTENT_UNDELETE:
		return undelete(p, e);
	default:
		return protect(p, e);
	}
}

static json_t *job_arguments(const struct put *p)
{
	const json_t *props = jat(p->item->body, "properties");

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O?}", "vaultId", p->call->vault.id, "itemId",
	    p->item->id, "vmId", jstr(props, "sourceResourceId", ""), "policyId",
	    jstr(props, "policyId", ""), "protectionState", jstr(props, "protectionState", ""),
	    "extendedProperties", jat(props, "extendedProperties"));
}

static json_t *job_bag(const struct put *p)
{
	const char *vm = jstr(p->item->body, "properties.friendlyName", "");

	switch (p->in.kind) {
	case INTENT_UNDELETE:
		return json_pack("{s:s, s:s}", "VM Name", vm, "Undelete flag", "True");
	case INTENT_PROTECT:
		return json_pack("{s:s, s:s}", "VM Name", vm, "Policy Name", p->policy->name);
	default:
		return json_pack("{s:s}", "VM Name", vm);
	}
}

static int run(struct put *p, struct db_conn **conn, struct err *e)
{
	static const char *const names[] = { [INTENT_PROTECT] = "ConfigureBackup",
		[INTENT_STOP] = "DisableBackup", [INTENT_UNDELETE] = "Undelete" };
	auto_json json_t *args = NULL, *bag = NULL;
	struct submission s = { .op_kind = "configure", .job = { .kind = "configure",
		.operation = names[p->in.kind], .operation_ends_with_job = true } };

	/* Even of an item that is not there: its delete job may still be at its last step. */
	if (item_check_free(p->conn, p->item->id, s.job.operation, e) != 0)
		return -1;
	if (apply(p, e) != 0 || resource_put(p->conn, p->item, p->call->now_us, e) != 0 ||
	    (p->in.kind == INTENT_PROTECT && lock_storage(p, e) != 0))
		return -1;
	args = job_arguments(p);
	bag = job_bag(p);
	if (args == NULL || bag == NULL)
		return err_nomem(e);
	s.job.args = args;
	s.job.bag = bag;
	return submit(p->call, conn, p->item, &s, e);
}

int item_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 }, vm = { 0 }, policy = { 0 };
	struct put p = { .call = c, .item = &item, .vm = &vm, .policy = &policy };
	const char *id;
	int found;

	if (api_item_id(c, &id, e) != 0 || item_intent_read(c->body, &p.in, e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	p.conn = conn;
	found = resource_get(conn, id, &item, e);
	if (found < 0)
		return -1;
	p.exists = found > 0;
	if (!p.exists && (resource_set(&item.id, id, e) != 0 ||
	    resource_set(&item.name, strrchr(id, '/') + 1, e) != 0))
		return -1;
	return run(&p, &conn, e);
}
