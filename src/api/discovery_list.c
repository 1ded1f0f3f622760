/* discovery_list.c - protectable VMs, and containers: each protected VM is one. */
#include "api/discovery.h"

#include "api/item.h"
#include "api/rows.h"
#include "api/secondary.h"

#define CONTAINER_TYPE TYPE_VAULT "/backupFabrics/protectionContainers"

struct listing {
	struct api_rows *rows;
	struct arm_filter filter;
	const json_t *taken;	/* {"<lower-cased id of a protected VM>": true} */
	bool deleted;		/* containers of soft-deleted items */
};

static bool says(const struct arm_filter *f, const char *key, const char *value)
{
	const char *want = arm_filter_get(f, key);

	return want == NULL || str_ieq(str_c(want), str_c(value));
}

static bool same_workload(const char *name, struct str group, struct str vm)
{
	struct str g, v;

	return arm_workload_name_parse(str_c(name), &g, &v) && str_ieq(g, group) && str_ieq(v, vm);
}

static json_t *protectable_json(struct api_call *c, const struct resource *vm)
{
	const char *container = arm_container_name(&c->arena, str_c(vm->group), str_c(vm->name));
	const char *name, *id;

	if (container == NULL)
		return NULL;
	name = container + strlen("IaasVMContainer;");
	id = arena_fmt(&c->arena,
	    "%s/backupFabrics/Azure/protectionContainers/%s/protectableItems/vm;%s", c->vault.id,
	    container, name);
	if (id == NULL)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "id", id, "name",
	    name, "type", CONTAINER_TYPE "/protectableItems", "properties",
	    "virtualMachineId", vm->id, "virtualMachineVersion", "Compute", "resourceGroup",
	    vm->group, "backupManagementType", IAAS_MANAGEMENT, "protectableItemType", TYPE_VM,
	    "friendlyName", vm->name, "protectionState", "NotProtected");
}

static int add_protectable(void *arg, struct resource *vm, struct err *e)
{
	struct listing *l = arg;
	const char *key = arena_lower(&l->rows->c->arena, str_c(vm->id));
	const char *container = arm_filter_get(&l->filter, "containerName");

	if (key == NULL)
		return err_nomem(e);
	if (json_object_get(l->taken, key) != NULL || !says(&l->filter, "friendlyName", vm->name) ||
	    (container != NULL && !same_workload(container, str_c(vm->group), str_c(vm->name))))
		return 0;
	return api_rows_add(l->rows, vm, protectable_json(l->rows->c, vm), e);
}

static int take_vm(void *arg, struct resource *item, struct err *e)
{
	struct arena a = { 0 };
	const char *key = arena_lower(&a, str_c(item->ref));
	int r = key == NULL ? err_nomem(e) : jset(arg, key, json_true(), e);

	arena_done(&a);
	return r;
}

int discovery_protectable(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "backupManagementType", "workloadType", "containerName",
		"status", "friendlyName", NULL };
	struct resource_query items = { .type = TYPE_ITEM, .subscription = c->world->subscription };
	struct resource_query vms = { .type = TYPE_VM, .subscription = c->world->subscription,
		.location = c->vault.location };
	auto_json json_t *taken = json_object();
	auto_rows struct api_rows rows = { 0 };
	struct listing l = { .rows = &rows, .taken = taken };
	auto_conn struct db_conn *conn = NULL;

	if (taken == NULL)
		return err_nomem(e);
	if (api_rows_init(&rows, c, e) != 0 ||
	    arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &l.filter,
	    e) != 0 || api_cursor(c, &vms.after, e) != 0 ||
	    db_read_begin(c->world->db, &conn, e) != 0 ||
	    resource_list(conn, &items, take_vm, taken, e) < 0)
		return -1;
	if (says(&l.filter, "backupManagementType", IAAS_MANAGEMENT) &&
	    says(&l.filter, "workloadType", "VM") && says(&l.filter, "status", "NotProtected") &&
	    resource_list(conn, &vms, add_protectable, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

/* The container that an item is in, seen from its item's row. */
static json_t *container_json(struct api_call *c, const struct resource *item)
{
	const char *vm_id = jstr(item->body, "properties.sourceResourceId", item->ref), *id, *name;
	const char *friendly = jstr(item->body, "properties.friendlyName", "");
	struct arm_id vm = { 0 };
	struct err ignored;

	if (arm_id_parse(str_c(vm_id), &vm, &ignored) != 0 || vm.depth == 0)
		return NULL;
	name = arm_container_name(&c->arena, vm.group, vm.part[0].name);
	if (name == NULL)
		return NULL;
	id = arena_fmt(&c->arena, "%s/backupFabrics/Azure/protectionContainers/%s", c->vault.id,
	    name);
	if (id == NULL)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s%, s:s, s:s, s:s, s:s, s:s, s:s}}", "id",
	    id, "name", name, "type", CONTAINER_TYPE, "properties", "virtualMachineId", vm_id,
	    "virtualMachineVersion", "Compute", "resourceGroup", vm.group.p, vm.group.n,
	    "friendlyName", friendly, "backupManagementType", IAAS_MANAGEMENT, "registrationStatus",
	    item_soft_deleted(item) ? "SoftDeleted" : "Registered", "healthStatus", "Healthy",
	    "containerType", TYPE_VM, "protectableObjectType", TYPE_VM);
}

static int add_container(void *arg, struct resource *item, struct err *e)
{
	struct listing *l = arg;

	if (item_soft_deleted(item) != l->deleted ||
	    !says(&l->filter, "friendlyName", jstr(item->body, "properties.friendlyName", "")))
		return 0;
	return api_rows_add(l->rows, item, container_json(l->rows->c, item), e);
}

static bool wants_containers(const struct listing *l)
{
	const struct arm_filter *f = &l->filter;

	return says(f, "backupManagementType", IAAS_MANAGEMENT) &&
	    (says(f, "containerType", "IaasVMContainer") || says(f, "containerType", TYPE_VM)) &&
	    says(f, "fabricName", "Azure") && arm_filter_get(f, "backupEngineName") == NULL &&
	    says(f, "status", l->deleted ? "SoftDeleted" : "Registered");
}

static int list_containers(struct api_call *c, bool deleted, struct err *e)
{
	static const char *const keys[] = { "backupManagementType", "containerType",
		"backupEngineName", "fabricName", "status", "friendlyName", NULL };
	struct resource_query q = { .type = TYPE_ITEM, .parent = c->vault.id };
	auto_rows struct api_rows rows = { 0 };
	struct listing l = { .rows = &rows, .deleted = deleted };
	auto_conn struct db_conn *conn = NULL;

	if (api_rows_init(&rows, c, e) != 0 ||
	    arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &l.filter,
	    e) != 0 || api_cursor(c, &q.after, e) != 0)
		return -1;
	if (arm_filter_get(&l.filter, "backupManagementType") == NULL)
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: $filter: backupManagementType is "
		    "required, e.g. backupManagementType eq 'AzureIaasVM'");
	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    (wants_containers(&l) && resource_list(conn, &q, add_container, &l, e) < 0))
		return -1;
	return api_rows_answer(&rows, e);
}

int discovery_containers(struct api_call *c, struct err *e)
{
	return list_containers(c, false, e);
}

int discovery_deleted_containers(struct api_call *c, struct err *e)
{
	return list_containers(c, true, e);
}

int discovery_container(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 };
	const char *container, *name, *id;
	struct str group, vm;
	int found;

	if (discovery_check_fabric(c->param[3], e) != 0)
		return -1;
	if (!arm_workload_name_parse(str_c(c->param[4]), &group, &vm))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: container '%.200s' is not of the form "
		    "'IaasVMContainer;iaasvmcontainerv2;<resource group>;<virtual machine>'",
		    c->param[4]);
	container = arm_container_name(&c->arena, group, vm);
	name = arm_item_name(&c->arena, group, vm);
	if (container == NULL || name == NULL)
		return err_nomem(e);
	id = arena_fmt(&c->arena,
	    "%s/backupFabrics/Azure/protectionContainers/%s/protectedItems/%s", c->vault.id,
	    container, name);
	if (id == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &item, e);
	if (found < 0)
		return -1;
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "BMSUserErrorContainerObjectNotFound",
		    "Container object not found.\r\nContainer '%.200s' is not registered to vault "
		    "'%.80s'.", container, c->vault.name);
	return api_json(c, 200, container_json(c, &item), e);
}

static int item_count(struct api_call *c, int64_t *ret, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .parent = c->vault.id };
	auto_conn struct db_conn *conn = NULL;

	return db_read_begin(c->world->db, &conn, e) != 0 ? -1 : resource_count(conn, &q, ret, e);
}

/* Each VM is a container with one item: both summaries count the same. */
int discovery_usage(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "type", NULL };
	struct arm_filter filter;
	int64_t count = 0;
	json_t *rows;

	if (arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &filter, e) != 0)
		return -1;
	if (!says(&filter, "type", "BackupProtectedItemCountSummary") &&
	    !says(&filter, "type", "BackupProtectionContainerCountSummary"))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: $filter: type '%.80s' is neither "
		    "BackupProtectedItemCountSummary nor BackupProtectionContainerCountSummary",
		    arm_filter_get(&filter, "type"));
	if ((secondary_asked(c) ? secondary_item_count(c, &count, e) : item_count(c, &count, e)) != 0)
		return -1;
	rows = json_pack("[{s:s, s:I, s:i, s:{s:s, s:s}}]", "unit", "Count", "currentValue",
	    (json_int_t)count, "limit", -1, "name", "value", IAAS_MANAGEMENT, "localizedValue",
	    "Azure Virtual Machine");
	return rows == NULL ? err_nomem(e) : api_list(c, rows, NULL, e);
}
