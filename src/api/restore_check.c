/* restore_check.c - see restore_check.h.  Here is what needs the database. */
#include "api/restore_check.h"

#include "api/item.h"
#include "api/restore_request.h"
#include "api/vm_check.h"

void restore_plan_done(struct restore_plan *p)
{
	json_decref(p->target);
	json_decref(p->bag);
	*p = (struct restore_plan){ 0 };
}

const char *restore_kind_name(enum restore_kind k)
{
	static const char *const names[] = { [RESTORE_DISKS] = "RestoreDisks",
		[RESTORE_ORIGINAL] = "OriginalLocation",
		    [RESTORE_ALTERNATE] = "AlternateLocation" };

	return names[k];
}

static int put(struct check *k, const char *key, const char *value, struct err *e)
{
	return jset(k->target, key, json_string(value), e);
}

/* Parse `text` and read the resource of `type`: 1 found, 0 not (or no such id), -1. */
static int find(struct check *k, const char *text, const char *type, struct resource *ret,
    struct err *e)
{
	struct arm_id id;
	const char *canonical;

	if (arm_id_parse(str_c(text), &id, e) != 0)
		return 0;
	if (strcmp(type, TYPE_GROUP) == 0 ? id.depth != 0 || id.group.n == 0 : !arm_id_is(&id,
	    type))
		return 0;
	canonical = arm_id_canonical(k->in->arena, &id);
	return canonical == NULL ? err_nomem(e) : resource_get(k->in->conn, canonical, ret, e);
}

/* ---- staging account ---- */

static const char *account_path(struct check *k)
{
	if (check_text(k, "storageAccountId") != NULL)
		return "storageAccountId";
	return "identityBasedRestoreDetails.targetStorageAccountId";
}

static void check_identity(struct check *k)
{
	const char *type = jstr(k->in->vault->body, "identity.type", "None");

	if (jat(k->in->request, "identityInfo") != NULL && strcmp(type, "None") == 0 &&
	    (jbool(k->in->request, "identityInfo.isSystemAssignedIdentity", false) ||
	    check_text(k, "identityInfo.managedIdentityResourceId") != NULL))
		(void)check_input(k, "properties.identityInfo: Please ensure that Selected MI is "
		    "enabled for the vault '%.60s'", k->in->vault->name);
}

static void judge_account(struct check *k, const char *path, const struct resource *account)
{
	const char *sku = jstr(account->body, "sku.name", "");

	if (!str_ieq(str_c(account->location), str_c(k->in->region)))
		(void)check_problem(k, "UserErrorTargetStorageAccountRegionMismatch",
		    "The Recovery Services vault and target storage account are in two different "
		    "regions"
		    "\r\nproperties.%s: storage account '%.60s' is in '%s', the restore needs one "
		    "in '%s'.",
		    path, account->name, account->location, k->in->region);
	if (strstr(sku, "ZRS") != NULL)
		(void)check_problem(k, "UserErrorTargetStorageAccountRedundancyNotSupported",
		    "The redundancy of the storage account specified for the restore operation is "
		    "not supported. Only storage accounts that are locally redundant or "
		    "geo-redundant are supported.\r\nproperties.%s: storage account '%.60s' is "
		    "'%.30s'.", path,
		    account->name, sku);
}

static int check_account(struct check *k, struct err *e)
{
	auto_resource struct resource account = { 0 };
	const char *path = account_path(k), *text = check_text(k, path);
	int r;

	check_identity(k);
	if (text == NULL)
		return check_input(k, "properties.storageAccountId: required, but missing");
	r = find(k, text, TYPE_ACCOUNT, &account, e);
	if (r < 0)
		return -1;
	if (r == 0)
		return check_problem(k, "UserErrorBCMRestoreStorageAccountNotFound",
		    "Storage Account specified for Restore operation doesn't "
		    "exist.\r\nproperties.%s names '%.300s'.", path, text);
	judge_account(k, path, &account);
	k->account_name = arena_dup(k->in->arena, account.name);
	if (put(k, "accountId", account.id, e) != 0)
		return -1;
	return put(k, "accountName", account.name, e);
}

/* ---- target group ---- */

/* `text` is of `path`; a group's own id. */
static int check_group(struct check *k, const char *path, const char *text, struct err *e)
{
	auto_resource struct resource group = { 0 };
	int r = find(k, text, TYPE_GROUP, &group, e);

	if (r < 0)
		return -1;
	if (r == 0)
		return check_problem(k, "ResourceGroupNotFound", "Resource group '%.250s' could "
		    "not be found.\r\nIt is named by properties.%s.", text, path);
	k->group_name = arena_dup(k->in->arena, group.name);
	if (put(k, "groupId", group.id, e) != 0)
		return -1;
	return put(k, "groupName", group.name, e);
}

static int check_target_group(struct check *k, struct err *e)
{
	const char *text = check_text(k, "targetResourceGroupId");

	return text == NULL ? 0 : check_group(k, "targetResourceGroupId", text, e);
}

/* ---- original location ---- */

static int check_original(struct check *k, struct err *e)
{
	auto_resource struct resource vm = { 0 };
	const json_t *excluded = jat(k->in->point->body, "internal.excluded");
	int r = resource_get(k->in->conn, k->in->item->ref, &vm, e);

	if (r < 0)
		return -1;
	if (json_array_size(excluded) > 0)
		(void)check_problem(k, "UserErrorOlrNotSupportedOnRpWithDisksExcluded",
		    "This RP had some disks excluded during backup, original location restore "
		    "from such RPs is not supported\r\nRecovery point '%.40s' lacks disk '%.80s'.",
		    k->in->point->name, jstr(json_array_get(excluded, 0), "name", ""));
	if (r == 0)
		return check_problem(k, "UserErrorVmNotFoundV2", "Virtual machine doesn't "
		    "exist.\r\n"
		    "Restoring to the original location needs '%.300s'; restore its disks or to an "
		    "alternate location instead.", k->in->item->ref);
	k->vm_name = arena_dup(k->in->arena, vm.name);
	k->group_name = arena_dup(k->in->arena, vm.group);
	if (put(k, "vmId", vm.id, e) != 0 || put(k, "vmName", vm.name, e) != 0 ||
	    put(k, "groupId", vm.parent, e) != 0)
		return -1;
	return put(k, "groupName", vm.group, e);
}

/* ---- alternate location ---- */

static int vm_exists(struct check *k, const char *canonical, struct err *e)
{
	auto_resource struct resource vm = { 0 };
	int r = resource_get(k->in->conn, canonical, &vm, e);

	if (r <= 0)
		return r;
	return check_problem(k, "UserErrorVmAlreadyExistWithSameName", "A VM with the same name "
	    "already exists in the same Resource Group.\r\nproperties.targetVirtualMachineId names "
	    "'%.300s'.",
	    vm.id);
}

static int target_vm_group(struct check *k, const struct arm_id *id, struct err *e)
{
	const char *group = arena_fmt(k->in->arena,
	    "/subscriptions/" STR_F "/resourceGroups/" STR_F,
	    STR_A(id->subscription), STR_A(id->group));
	const char *stated = check_text(k, "targetResourceGroupId");

	if (group == NULL)
		return err_nomem(e);
	if (stated == NULL)
		return check_group(k, "targetVirtualMachineId", group, e);
	if (!arm_id_same(str_c(stated), str_c(group)))
		return check_input(k, "properties.targetResourceGroupId: '%.150s' is not the "
		    "resource group of properties.targetVirtualMachineId, '%.150s'", stated, group);
	return 0;
}

static int check_target_vm(struct check *k, struct err *e)
{
	const char *text = check_text(k, "targetVirtualMachineId"), *canonical, *group;
	struct arm_id id;

	if (text == NULL)
		return check_input(k, "properties.targetVirtualMachineId: required, but missing");
	if (arm_id_parse(str_c(text), &id, e) != 0 || !arm_id_is(&id, TYPE_VM))
		return check_input(k, "properties.targetVirtualMachineId: '%.250s' is not the id "
		    "of a virtual machine", text);
	k->vm_name = arena_str(k->in->arena, id.part[0].name);
	if (k->vm_name == NULL)
		return err_nomem(e);
	if (!vm_name_valid(k->vm_name))
		return check_input(k, "properties.targetVirtualMachineId: '%.90s' is not a valid "
		    "name of a virtual machine: 1 to 64 letters, digits, '-', '_' and '.'",
		    k->vm_name);
	if (target_vm_group(k, &id, e) != 0)
		return -1;
	group = jstr(k->target, "groupId", NULL);
	if (group == NULL)
		return 0;	/* a problem already */
	/* the group in its own casing, whatever the request's is */
	canonical = arena_fmt(k->in->arena, "%s/providers/" TYPE_VM "/%s", group, k->vm_name);
	if (canonical == NULL)
		return err_nomem(e);
	if (vm_exists(k, canonical, e) < 0 || put(k, "vmId", canonical, e) != 0)
		return -1;
	return put(k, "vmName", k->vm_name, e);
}

static const char *subnet_name(const struct resource *vnet, struct str name)
{
	const json_t *subnets = jat(vnet->body, "properties.subnets");

	for (size_t i = 0; i < json_array_size(subnets); i++) {
		const char *own = jstr(json_array_get(subnets, i), "name", "");

		if (str_ieq(str_c(own), name))
			return own;
	}
	return NULL;
}

/* "…/virtualNetworks/V/subnets/S": the network's id and S. */
static bool split_subnet(struct check *k, const char *text, const char **ret_vnet,
    struct str *ret_name)
{
	struct arm_id id;
	struct err ignored;

	if (arm_id_parse(str_c(text), &id, &ignored) != 0 || !arm_id_is(&id, TYPE_VNET "/subnets"))
		return false;
	*ret_name = id.part[1].name;
	id.depth = 1;
	*ret_vnet = arm_id_canonical(k->in->arena, &id);
	return *ret_vnet != NULL;
}

static int put_network(struct check *k, const struct resource *vnet, const char *subnet,
    struct err *e)
{
	const char *id = arena_fmt(k->in->arena, "%s/subnets/%s", vnet->id, subnet);

	k->vnet_name = arena_dup(k->in->arena, vnet->name);
	k->vnet_group = arena_dup(k->in->arena, vnet->group);
	if (id == NULL || k->vnet_name == NULL || k->vnet_group == NULL)
		return err_nomem(e);
	if (put(k, "subnetId", id, e) != 0 || put(k, "vnetName", vnet->name, e) != 0)
		return -1;
	return put(k, "vnetGroup", vnet->group, e);
}

static int no_subnet(struct check *k, const char *text)
{
	return check_problem(k, "UserErrorSubnetNotFound",
	    "The selected subnet doesn't exist\r\nproperties.subnetId names '%.300s'.", text);
}

static int check_network(struct check *k, struct err *e)
{
	auto_resource struct resource vnet = { 0 };
	const char *text = check_text(k, "subnetId"), *stated = check_text(k, "virtualNetworkId");
	const char *of_subnet, *subnet;
	struct str name;
	int r;

	if (text == NULL)
		return check_input(k, "properties.subnetId: required, but missing");
	if (!split_subnet(k, text, &of_subnet, &name))
		return no_subnet(k, text);
	if (stated != NULL && !arm_id_same(str_c(stated), str_c(of_subnet)))
		return check_input(k, "properties.virtualNetworkId: '%.150s' is not the network of "
		    "properties.subnetId, '%.150s'", stated, of_subnet);
	r = find(k, of_subnet, TYPE_VNET, &vnet, e);
	if (r < 0)
		return -1;
	if (r == 0)
		return check_problem(k, "UserErrorVirtualNetworkNotFound", "The selected virtual "
		    "network doesn't exist\r\nproperties.virtualNetworkId names '%.300s'.",
		    of_subnet);
	if (!str_ieq(str_c(vnet.location), str_c(k->in->region)))
		(void)check_problem(k, "UserErrorVirtualNetworkRegionMismatch", "The selected "
		    "virtual network is in a different region\r\nproperties.virtualNetworkId: "
		    "'%.60s' is in '%s', the restore needs one in '%s'.", vnet.name, vnet.location,
		    k->in->region);
	subnet = subnet_name(&vnet, name);
	return subnet == NULL ? no_subnet(k, text) : put_network(k, &vnet, subnet, e);
}

/* ---- all of it ---- */

static int check_by_kind(struct check *k, struct err *e)
{
	switch (k->kind) {
	case RESTORE_ORIGINAL:
		return check_original(k, e);
	case RESTORE_ALTERNATE:
		return check_target_group(k, e) != 0 || check_target_vm(k, e) != 0 ? -1 :
		    check_network(k, e);
	default:
		return check_target_group(k, e);
	}
}

static json_t *property_bag(const struct check *k)
{
	static const char *const types[] = { [RESTORE_DISKS] = "Recover disks",
		[RESTORE_ORIGINAL] = "Replace disks",
		[RESTORE_ALTERNATE] = "Recover VM to an alternate location" };
	const struct resource *item = k->in->item;
	auto_json json_t *bag = json_pack("{s:s}", "Job Type", types[k->kind]);
	const char *vnet = k->vnet_name == NULL ? NULL : arena_fmt(k->in->arena, "Group %s %s",
	    k->vnet_group, k->vnet_name);
	char when[TIME_TEXT_MAX] = "";
	int64_t t = k->in->point->sort;
	struct err e;

	(void)time_parse_iso(str_c(jstr(k->in->point->body, "properties.recoveryPointTime", "")),
	    &t);
	(void)time_us_english(t, when);
	/* The words and their odd spaces are what clients of the service see. */
	if ((k->kind == RESTORE_ALTERNATE && jset(bag, "Original VM Name",
	    json_string(jstr(item->body, "properties.friendlyName", item->name)), &e) != 0) ||
	    jset(bag, "Target VM Name", k->kind == RESTORE_DISKS ? json_string("vmName") :
	    k->kind == RESTORE_ORIGINAL ? json_null() : json_string(k->vm_name), &e) != 0 ||
	    (vnet != NULL && jset(bag, "Target VNet Name", json_string(vnet), &e) != 0) ||
	    jset(bag, "Target Storage Account Name", json_string(k->account_name), &e) != 0 ||
	    jset(bag, "Recovery point time ", json_string(when), &e) != 0 ||
	    (k->group_name != NULL &&
	    jset(bag, "Target resource group", json_string(k->group_name), &e) != 0))
		return NULL;
	return TAKE(bag);
}

static int judge(struct check *k, struct err *e)
{
	bool unmanaged = k->kind == RESTORE_DISKS && check_text(k, "targetResourceGroupId") == NULL;

	check_source(k);
	if (check_rehydration(k, e) != 0 || check_account(k, e) != 0 ||
	    check_by_kind(k, e) != 0 || check_luns(k, e) != 0 ||
	    put(k, "region", k->in->region, e) != 0)
		return -1;
	return jset(k->target, "unmanaged", json_boolean(unmanaged), e);
}

int restore_check(const struct restore_input *in, struct restore_plan *ret,
    struct restore_problems *problems, struct err *e)
{
	auto_json json_t *target = json_object(), *bag = NULL;
	struct check k = { .in = in, .problems = problems, .target = target };

	if (target == NULL)
		return err_nomem(e);
	if (item_soft_deleted(in->item) &&
	    item_refuse_soft_deleted(in->item, &problems->list[problems->count]) != 0)
		problems->count++;
	check_request(&k);
	/* Without a sound request nothing more can be said about it. */
	if (problems->count > 0)
		return 0;
	if (judge(&k, e) != 0)
		return -1;
	if (problems->count > 0)
		return 0;
	bag = property_bag(&k);
	if (bag == NULL)
		return err_nomem(e);
	ret->kind = k.kind;
	ret->target = TAKE(target);
	ret->bag = TAKE(bag);
	return 0;
}
