/* discovery_status.c - is a VM protected, and can it be? */
#include "api/discovery.h"

#include "api/item.h"
#include "api/place.h"

struct subject {
	const char *id;		/* of the VM, canonical */
	const char *container, *item;	/* its names in lower case, as these answers have them */
};

static int wrong(const char *path, const char *value, const char *what, struct err *e)
{
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: %s: '%.200s' %s", path, value, what);
}

/* resourceType and resourceId of the body. */
static int read_subject(struct api_call *c, struct subject *ret, struct err *e)
{
	const char *type, *given, *region, *container, *item;
	struct arm_id a;

	if (api_location(c, c->param[1], &region, e) != 0)
		return -1;
	if (jneed_str(c->body, "resourceType", &type, e) != 0 ||
	    jneed_str(c->body, "resourceId", &given, e) != 0)
		return place_refuse(e);
	if (!str_ieq(str_c(type), STR("VM")))
		return wrong("resourceType", type, "is not supported, VM is", e);
	if (arm_id_parse(str_c(given), &a, e) != 0 || !arm_id_is(&a, TYPE_VM))
		return wrong("resourceId", given, "is not the id of a virtual machine", e);
	ret->id = arm_id_canonical(&c->arena, &a);
	container = arm_container_name(&c->arena, a.group, a.part[0].name);
	item = arm_item_name(&c->arena, a.group, a.part[0].name);
	if (ret->id == NULL || container == NULL || item == NULL)
		return err_nomem(e);
	ret->container = arena_lower(&c->arena, str_c(container));
	ret->item = arena_lower(&c->arena, str_c(item));
	return ret->container == NULL || ret->item == NULL ? err_nomem(e) : 0;
}

static int status_of(struct db_conn *conn, const char *vm, struct resource *item,
    const char **ret, struct err *e)
{
	int r = discovery_item_of(conn, vm, item, e);
	const char *state;

	if (r < 0)
		return -1;
	state = r > 0 ? jstr(item->body, "properties.protectionState", "") : NULL;
	*ret = state == NULL ? "NotProtected" :
	    strcmp(state, "ProtectionError") == 0 ? "ProtectionFailed" : "Protected";
	return 0;
}

int discovery_backup_status(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 };
	const char *status = NULL, *vault, *policy;
	struct subject s;

	if (read_subject(c, &s, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0 ||
	    status_of(conn, s.id, &item, &status, e) != 0)
		return -1;
	vault = item.id != NULL ? item.parent : NULL;
	policy = item.id != NULL ? jstr(item.body, "properties.policyName", NULL) : NULL;
	return api_json(c, 200, json_pack("{s:s, s:s*, s:s, s:s, s:s, s:s*, s:i, s:s}",
	    "protectionStatus", status, "vaultId", vault, "fabricName", "Azure", "containerName",
	    s.container, "protectedItemName", s.item, "policyName", policy, "protectedItemsCount",
	    0, "objectType", "BackupStatusResponse"), e);
}

struct verdict {
	const char *code, *message, *recommendation;	/* code NULL: it can be protected */
};

static int judge(struct api_call *c, struct db_conn *conn, const struct subject *s,
    const struct resource *vault, struct verdict *v, struct err *e)
{
	auto_resource struct resource vm = { 0 }, item = { 0 };
	int found = resource_get(conn, s->id, &vm, e);

	if (found < 0)
		return -1;
	if (found == 0) {
		*v = (struct verdict){ "UserErrorVmNotFoundV2", "Virtual machine doesn't exist.",
			"Please make sure that virtual machine exists or select a different "
			"virtual machine." };
		return 0;
	}
	if (vault->id != NULL && !str_ieq(str_c(vm.location), str_c(vault->location))) {
		*v = (struct verdict){ "UserErrorVmVaultLocationMismatch",
			"Virtual machine and vault are in different region",
			"Select a vault in the region of the virtual machine." };
		return 0;
	}
	found = discovery_item_of(conn, s->id, &item, e);
	if (found <= 0)
		return found;
	*v = (struct verdict){ "VirtualMachineAlreadyProtected",
		arena_fmt(&c->arena, "Virtual machine is already protected by vault '%s'.",
		    item.parent),
		"Stop its protection and delete its backup data there first." };
	return v->message == NULL ? err_nomem(e) : 0;
}

/* vaultId may be left out: then the region is not compared. */
static int find_vault(struct api_call *c, struct db_conn *conn, struct resource *ret, struct err *e)
{
	const char *given = NULL, *id;
	struct arm_id a;
	int r = jget_str(c->body, "vaultId", &given, e);

	if (r < 0)
		return place_refuse(e);
	if (r == 0 || given[0] == '\0')
		return 0;
	if (arm_id_parse(str_c(given), &a, e) != 0 || !arm_id_is(&a, TYPE_VAULT))
		return wrong("vaultId", given, "is not the id of a Recovery Services vault", e);
	id = arm_id_canonical(&c->arena, &a);
	return id == NULL ? err_nomem(e) : api_find_in(c, conn, id, ret, e);
}

int discovery_pre_validate(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	struct verdict v = { 0 };
	struct subject s;

	if (read_subject(c, &s, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0 ||
	    find_vault(c, conn, &vault, e) != 0 || judge(c, conn, &s, &vault, &v, e) != 0)
		return -1;
	return api_json(c, 200, json_pack("{s:s, s:s*, s:s*, s:s*, s:s, s:s}", "status",
	    v.code == NULL ? "Succeeded" : "Failed", "errorCode", v.code, "errorMessage", v.message,
	    "recommendation", v.recommendation, "containerName", s.container, "protectedItemName",
	    s.item), e);
}

/* A VM's size and storage make no difference to how its disks are read here. */
int discovery_validate_features(struct api_call *c, struct err *e)
{
	static const char *const types[] = { "AzureVMResourceBackup", NULL };
	struct place root = { .at = c->body };
	const char *type = NULL, *size = NULL, *sku = NULL, *region;

	if (api_location(c, c->param[1], &region, e) != 0)
		return -1;
	if (place_need_word(&root, "featureType", types, &type, e) != 0 ||
	    place_text(&root, "vmSize", 80, &size, e) < 0 ||
	    place_text(&root, "vmSku", 80, &sku, e) < 0)
		return place_refuse(e);
	return api_json(c, 200, json_pack("{s:s}", "supportStatus", "Supported"), e);
}
