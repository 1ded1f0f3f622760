/* deployment_api.c - reading deployments, and the routes of all of deployment.h. */
#include "api/deployment.h"
#include "api/rows.h"

#include "api/compute.h"
#include "job/operation.h"

static json_t *render(struct api_call *c, const struct resource *r)
{
	(void)c;
	return api_resource_json(r);
}

static int find(struct api_call *c, struct resource *ret, struct err *e)
{
	const char *id = deployment_id(c);
	auto_conn struct db_conn *conn = NULL;
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, ret, e);
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "DeploymentNotFound",
		    "Deployment '%.64s' could not be found.", c->param[2]);
	return found < 0 ? -1 : 0;
}

/* HEAD asks whether it exists. */
static int deployment_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (find(c, &r, e) != 0)
		return -1;
	return strcmp(c->http->method, "HEAD") == 0 ? api_empty(c, 204) :
	    api_json(c, 200, render(c, &r), e);
}

static int deployment_list(struct api_call *c, struct err *e)
{
	if (arm_query_get(&c->query, "$filter") != NULL)
		return err_code(e, ERR_INVALID, "InvalidFilterInQueryString",
		    "$filter is not supported for deployments here");
	return api_list_type(c, TYPE_DEPLOYMENT, true, render, e);
}

/* The record goes; what the deployment made stays. */
static int deployment_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	int found = api_delete_begin(c, deployment_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	if (resource_delete(conn, r.id, e) < 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 204);
}

static int deployment_operations(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (find(c, &r, e) != 0)
		return -1;
	return api_rows_page(c, json_incref(jat(r.body, "internal.operations")), e);
}

static int deployment_operation(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };
	json_t *list, *x;
	size_t i;

	if (find(c, &r, e) != 0)
		return -1;
	list = jat(r.body, "internal.operations");
	json_array_foreach(list, i, x)
		if (str_ieq(str_c(jstr(x, "operationId", "")), str_c(c->param[3])))
			return api_json(c, 200, json_incref(x), e);
	return err_code(e, ERR_NOT_FOUND, "DeploymentOperationNotFound",
	    "Operation '%.64s' of deployment '%.64s' could not be found.", c->param[3],
	    c->param[2]);
}

/* What the PUT's Azure-AsyncOperation names: finished as soon as it exists. */
static int deployment_status(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation op = { 0 };
	const char *id = deployment_id(c);
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = operation_get(conn, c->param[3], &op, e);
	if (found < 0)
		return -1;
	if (found == 0 || strcmp(op.kind, "deployment") != 0 ||
	    !arm_id_same(str_c(op.scope), str_c(id)))
		return err_code(e, ERR_NOT_FOUND, "DeploymentOperationNotFound",
		    "Operation status '%.64s' of deployment '%.64s' could not be found.",
		    c->param[3], c->param[2]);
	return api_json(
	    c, 200, json_pack("{s:s,s:O*}", "status", op.status, "error", op.result), e);
}

static int deployment_what_if(struct api_call *c, struct err *e)
{
	return err_code(e, ERR_INVALID, "NotSupported",
	    "What-if for deployment '%.64s': what would change is not worked out here; validate "
	    "tells whether the template can be deployed", c->param[2]);
}

static int deployment_cancel(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (find(c, &r, e) != 0)
		return -1;
	return err_code(e, ERR_CONFLICT, "DeploymentCannotBeCancelled",
	    "The deployment '%.64s' cannot be cancelled because it is in the provisioning state "
	    "'%.20s'.", r.name, jstr(r.body, "properties.provisioningState", ""));
}

/* Clients ask for operations without the provider's name in the path. */
#define SHORT "subscriptions/{sub}/resourceGroups/{rg}/deployments/{deployment}"
#define DEPLOYMENTS "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_DEPLOYMENT
#define DEPLOYMENT DEPLOYMENTS "/{deployment}"

const struct api_route deployment_routes[] = {
	{ "GET", DEPLOYMENT, deployment_get, API_GROUP, TYPE_DEPLOYMENT "/read" },
	{ "PUT", DEPLOYMENT, deployment_put, API_GROUP, TYPE_DEPLOYMENT "/write" },
	{ "DELETE", DEPLOYMENT, deployment_delete, API_GROUP, TYPE_DEPLOYMENT "/delete" },
	{ "POST", DEPLOYMENT "/validate", deployment_validate, API_GROUP,
	    TYPE_DEPLOYMENT "/validate/action" },
	{ "POST", DEPLOYMENT "/whatIf", deployment_what_if, API_GROUP,
	    TYPE_DEPLOYMENT "/whatIf/action" },
	{ "POST", DEPLOYMENT "/cancel", deployment_cancel, API_GROUP,
	    TYPE_DEPLOYMENT "/cancel/action" },
	{ "GET", DEPLOYMENT "/operations", deployment_operations, API_GROUP,
	    TYPE_DEPLOYMENT "/operations/read" },
	{ "GET", DEPLOYMENT "/operations/{op}", deployment_operation, API_GROUP,
	    TYPE_DEPLOYMENT "/operations/read" },
	{ "GET", SHORT "/operations", deployment_operations, API_GROUP,
	    TYPE_DEPLOYMENT "/operations/read" },
	{ "GET", SHORT "/operations/{op}", deployment_operation, API_GROUP,
	    TYPE_DEPLOYMENT "/operations/read" },
	{ "GET", DEPLOYMENT "/operationStatuses/{op}", deployment_status, API_GROUP,
	    TYPE_DEPLOYMENT "/operationstatuses/read" },
	{ "GET", DEPLOYMENTS, deployment_list, API_GROUP, TYPE_DEPLOYMENT "/read" },
	{ 0 },
};
