/* vault.c - Recovery Services vaults: routes, reading one and lists. */
#include "api/vault.h"

#include "api/vault_operation.h"
#include "api/vault_render.h"
#include "api/rows.h"

static int vault_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *body = NULL;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    vault_render(conn, &c->vault, "Succeeded", &body, e) != 0)
		return -1;
	return api_json(c, 200, TAKE(body), e);
}

struct listing {
	struct api_rows *rows;
	struct db_conn *conn;
};

static int add_row(void *arg, struct resource *vault, struct err *e)
{
	struct listing *l = arg;
	json_t *row = NULL;

	if (vault_render(l->conn, vault, "Succeeded", &row, e) != 0)
		return -1;
	return api_rows_add(l->rows, vault, row, e);
}

static int list(struct api_call *c, const char *group, struct err *e)
{
	struct resource_query q = { .type = TYPE_VAULT, .subscription = c->world->subscription,
		.group = group };
	auto_rows struct api_rows rows = { 0 };
	struct listing l = { .rows = &rows };
	auto_conn struct db_conn *conn = NULL;

	if (api_rows_init(&rows, c, e) != 0 || api_cursor(c, &q.after, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	l.conn = conn;
	if (resource_list(conn, &q, add_row, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

static int list_group(struct api_call *c, struct err *e)
{
	return list(c, c->param[1], e);
}

static int list_all(struct api_call *c, struct err *e)
{
	return list(c, NULL, e);
}

#define SUB "subscriptions/{sub}/"
#define GROUP SUB "resourceGroups/{rg}/"
#define VAULTS "providers/" TYPE_VAULT
#define VAULT GROUP VAULTS "/{vault}"
#define EXTENDED VAULT "/extendedInformation/vaultExtendedInfo"

const struct api_route vault_routes[] = {
	{ "GET", VAULT, vault_get, API_RS | API_VAULT | API_FROM_COPY, TYPE_VAULT "/read" },
	{ "PUT", VAULT, vault_put, API_RS | API_GROUP | API_BODY, TYPE_VAULT "/write" },
	{ "PATCH", VAULT, vault_patch, API_RS | API_VAULT | API_BODY, TYPE_VAULT "/write" },
	{ "DELETE", VAULT, vault_delete, API_RS | API_GROUP, TYPE_VAULT "/delete" },
	{ "GET", GROUP VAULTS, list_group, API_RS | API_GROUP | API_FILTERED, TYPE_VAULT "/read" },
	{ "GET", SUB VAULTS, list_all, API_RS | API_FILTERED, TYPE_VAULT "/read" },
	{ "GET", VAULT "/operationStatus/{op}", vault_operation_status, API_RS | API_VAULT,
	    TYPE_VAULT "/operationStatus/read" },
	{ "GET", VAULT "/operationResults/{op}", vault_operation_results, API_RS | API_VAULT,
	    TYPE_VAULT "/operationResults/read" },
	{ "GET", VAULT "/usages", vault_usages, API_RS | API_VAULT, TYPE_VAULT "/usages/read" },
	{ "GET", VAULT "/replicationUsages", vault_replication_usages, API_RS | API_VAULT,
	    TYPE_VAULT "/replicationUsages/read" },
	{ "GET", EXTENDED, vault_extended_get, API_RS | API_VAULT,
	    TYPE_VAULT "/extendedInformation/read" },
	{ "PUT", EXTENDED, vault_extended_put, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/extendedInformation/write" },
	{ "PATCH", EXTENDED, vault_extended_put, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/extendedInformation/write" },
	{ "POST",
	    GROUP "providers/Microsoft.RecoveryServices/locations/{location}/checkNameAvailability",
	    vault_name_available, API_RS | API_GROUP | API_BODY,
	    "Microsoft.RecoveryServices/locations/checkNameAvailability/action" },
	{ NULL },
};
