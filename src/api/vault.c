/* vault.c - Recovery Services vaults: routes, reading one and lists. */
#include "api/vault.h"

#include "api/vault_operation.h"
#include "api/vault_render.h"

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
	struct api_call *c;
	struct db_conn *conn;
	json_t *rows;
	const char *cursor, *last;
};

static int add_row(void *arg, struct resource *vault, struct err *e)
{
	struct listing *l = arg;
	auto_json json_t *row = NULL;
	auto_free char *cursor = NULL;

	if (json_array_size(l->rows) == ARM_PAGE_SIZE) {
		l->cursor = l->last;
		return 1;
	}
	cursor = resource_cursor(vault);
	l->last = arena_dup(&l->c->arena, cursor);
	if (l->last == NULL)
		return err_nomem(e);
	if (vault_render(l->conn, vault, "Succeeded", &row, e) != 0)
		return -1;
	return json_array_append(l->rows, row) != 0 ? err_nomem(e) : 0;
}

static int list(struct api_call *c, const char *group, struct err *e)
{
	struct resource_query q = { .type = TYPE_VAULT, .subscription = c->world->subscription,
		.group = group };
	auto_json json_t *rows = json_array();
	struct listing l = { .c = c, .rows = rows };
	auto_conn struct db_conn *conn = NULL;

	if (rows == NULL)
		return err_nomem(e);
	if (api_cursor(c, &q.after, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	l.conn = conn;
	if (resource_list(conn, &q, add_row, &l, e) < 0)
		return -1;
	return api_list(c, TAKE(rows), l.cursor, e);
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
	{ "GET", VAULT, vault_get, API_RS | API_VAULT, TYPE_VAULT "/read" },
	{ "PUT", VAULT, vault_put, API_RS | API_GROUP | API_BODY, TYPE_VAULT "/write" },
	{ "PATCH", VAULT, vault_patch, API_RS | API_VAULT | API_BODY, TYPE_VAULT "/write" },
	{ "DELETE", VAULT, vault_delete, API_RS | API_GROUP, TYPE_VAULT "/delete" },
	{ "GET", GROUP VAULTS, list_group, API_RS | API_GROUP, TYPE_VAULT "/read" },
	{ "GET", SUB VAULTS, list_all, API_RS, TYPE_VAULT "/read" },
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
