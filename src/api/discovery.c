/* discovery.c - looking for VMs to protect: routes and refreshContainers.
 *
 * Nothing has to be searched for: the server knows its VMs.  A refresh is
 * therefore done as soon as it is asked for. */
#include "api/discovery.h"

#include "api/operation_render.h"

int discovery_check_fabric(const char *fabric, struct err *e)
{
	if (str_ieq(str_c(fabric), STR("Azure")))
		return 0;
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: backup fabric '%.80s' does not exist, the "
	    "only one is 'Azure'", fabric);
}

static int item_found(void *arg, struct resource *item, struct err *e)
{
	(void)e;
	*(struct resource *)arg = *item;
	*item = (struct resource){ 0 };
	return 1;
}

int discovery_item_of(struct db_conn *conn, const char *vm, struct resource *ret, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .ref = vm };

	return resource_list(conn, &q, item_found, ret, e);
}

static int refresh(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "backupManagementType", NULL };
	auto_conn struct db_conn *conn = NULL;
	struct arm_filter filter;
	const char *async, *location;
	char op[64];

	if (discovery_check_fabric(c->param[3], e) != 0 ||
	    arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &filter,
	    e) != 0 || db_write_begin(c->world->db, &conn, e) != 0 ||
	    operation_create(conn, NULL, "refresh", c->vault.id, c->vault.id, NULL, c->now_us, op,
	    e) != 0 || operation_finish(conn, op, OP_SUCCEEDED, NULL, NULL, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	async = arena_fmt(&c->arena, "%s/backupFabrics/Azure/operationsStatus/%s", c->vault.id, op);
	location = arena_fmt(&c->arena, "%s/backupFabrics/Azure/operationResults/%s", c->vault.id,
	    op);
	return async == NULL || location == NULL ? err_nomem(e) :
	    api_accepted(c, async, location, e);
}

static int refresh_status(struct api_call *c, struct err *e)
{
	if (discovery_check_fabric(c->param[3], e) != 0)
		return -1;
	return operation_answer_status(c, c->param[4], e);
}

static int refresh_results(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	const char *path;
	int r;

	if (discovery_check_fabric(c->param[3], e) != 0 ||
	    db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[4], &o, e) != 0)
		return -1;
	path = arena_fmt(&c->arena, "%s/backupFabrics/Azure/operationResults/%s", c->vault.id,
	    o.id);
	r = path == NULL ? err_nomem(e) : operation_answer_unfinished(c, &o, path, false, e);
	return r != 0 ? (r < 0 ? -1 : 0) : api_empty(c, 204);
}

/* Servers with a backup engine and workloads' containers cannot register here: there are none. */
static int none(struct api_call *c, struct err *e)
{
	json_t *rows = json_array();

	return rows == NULL ? err_nomem(e) : api_list(c, rows, NULL, e);
}

static int none_in_fabric(struct api_call *c, struct err *e)
{
	return discovery_check_fabric(c->param[3], e) != 0 ? -1 : none(c, e);
}

#define VAULT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}"
#define FABRIC VAULT "/backupFabrics/{fabric}"
#define LOCATION "subscriptions/{sub}/providers/Microsoft.RecoveryServices/locations/{location}"
#define LOCATION_ACTION "Microsoft.RecoveryServices/locations"
#define CONTAINER_ACTION TYPE_VAULT "/backupFabrics/protectionContainers"

const struct api_route discovery_routes[] = {
	{ "POST", FABRIC "/refreshContainers", refresh, API_RS | API_VAULT,
	    TYPE_VAULT "/backupFabrics/refreshContainers/action" },
	{ "GET", FABRIC "/operationsStatus/{op}", refresh_status, API_RS | API_VAULT,
	    TYPE_VAULT "/backupFabrics/operationsStatus/read" },
	{ "GET", FABRIC "/operationResults/{op}", refresh_results, API_RS | API_VAULT,
	    TYPE_VAULT "/backupFabrics/operationResults/read" },
	{ "GET", VAULT "/backupProtectableItems", discovery_protectable, API_RS | API_VAULT,
	    TYPE_VAULT "/backupProtectableItems/read" },
	{ "GET", VAULT "/backupProtectionContainers", discovery_containers, API_RS | API_VAULT,
	    TYPE_VAULT "/backupProtectionContainers/read" },
	{ "GET", VAULT "/backupDeletedProtectionContainers", discovery_deleted_containers,
	    API_RS | API_VAULT, TYPE_VAULT "/backupDeletedProtectionContainers/read" },
	{ "GET", FABRIC "/protectionContainers/{container}", discovery_container,
	    API_RS | API_VAULT, CONTAINER_ACTION "/read" },
	{ "GET", FABRIC "/protectableContainers", none_in_fabric, API_RS | API_VAULT,
	    TYPE_VAULT "/backupFabrics/protectableContainers/read" },
	{ "GET", VAULT "/backupEngines", none, API_RS | API_VAULT,
	    TYPE_VAULT "/backupEngines/read" },
	{ "GET", VAULT "/backupUsageSummaries", discovery_usage,
	    API_RS | API_VAULT | API_SECONDARY,
	    TYPE_VAULT "/backupUsageSummaries/read" },
	{ "POST", LOCATION "/backupStatus", discovery_backup_status, API_RS | API_BODY,
	    LOCATION_ACTION "/backupStatus/action" },
	{ "POST", LOCATION "/backupPreValidateProtection", discovery_pre_validate,
	    API_RS | API_BODY, LOCATION_ACTION "/backupPreValidateProtection/action" },
	{ "POST", LOCATION "/backupValidateFeatures", discovery_validate_features,
	    API_RS | API_BODY, LOCATION_ACTION "/backupValidateFeatures/action" },
	{ NULL },
};
