/* operation_api.c - status and result URLs of operations on items.
 *
 * One id answers under every URL and stays after completion; what stands
 * around it in the path does not matter. */
#include "api/item_render.h"
#include "api/operation_render.h"

#define VAULT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}"
#define ITEM VAULT \
	"/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}"

static int vault_status(struct api_call *c, struct err *e)
{
	return operation_answer_status(c, c->param[3], e);
}

static int item_status(struct api_call *c, struct err *e)
{
	return operation_answer_status(c, c->param[6], e);
}

static int vault_results(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	const char *path;
	int r;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[3], &o, e) != 0)
		return -1;
	path = arena_fmt(&c->arena, "%s/backupOperationResults/%s", c->vault.id, o.id);
	r = path == NULL ? err_nomem(e) : operation_answer_unfinished(c, &o, path, false, e);
	return r != 0 ? (r < 0 ? -1 : 0) : api_empty(c, 204);
}

/* The item that was configured; 0 if it is gone by now. */
static int answer_item(struct api_call *c, struct db_conn *conn, const char *id, struct err *e)
{
	auto_resource struct resource item = { 0 };
	auto_json json_t *body = NULL;
	int r = resource_get(conn, id, &item, e);

	if (r <= 0)
		return r;
	if (item_render(c, conn, &item, false, &body, e) != 0 ||
	    api_json(c, 200, TAKE(body), e) != 0)
		return -1;
	return 1;
}

static int item_results(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	const char *item, *status, *results;
	int r;

	if (api_item_id(c, &item, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[6], &o, e) != 0)
		return -1;
	status = arena_fmt(&c->arena, "%s/operationsStatus/%s", item, o.id);
	results = arena_fmt(&c->arena, "%s/operationResults/%s", item, o.id);
	if (status == NULL || results == NULL)
		return err_nomem(e);
	r = operation_answer_unfinished(c, &o, results, true, e);
	if (r == 0 && strcmp(o.kind, "configure") == 0)
		r = answer_item(c, conn, o.scope, e);
	if (r != 0)
		return r < 0 ? -1 : 0;
	return api_async_headers(c, status, NULL, e) != 0 ? -1 : api_empty(c, 204);
}

const struct api_route operation_routes[] = {
	{ "GET", VAULT "/backupOperations/{op}", vault_status, API_RS | API_VAULT,
	    TYPE_VAULT "/backupOperations/read" },
	{ "GET", VAULT "/backupOperationResults/{op}", vault_results, API_RS | API_VAULT,
	    TYPE_VAULT "/backupOperationResults/read" },
	{ "GET", ITEM "/operationsStatus/{op}", item_status, API_RS | API_VAULT,
	    TYPE_ITEM "/operationsStatus/read" },
	{ "GET", ITEM "/operationResults/{op}", item_results, API_RS | API_VAULT,
	    TYPE_ITEM "/operationResults/read" },
	{ NULL },
};
