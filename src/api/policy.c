/* policy.c - backup policies: stored and judged whole. */
#include "api/fields.h"
#include "api/operation_render.h"
#include "api/policy_check.h"
#include "api/policy_use.h"
#include "api/rows.h"

static const char *policy_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/backupPolicies/%s", c->vault.id, c->param[3]);
}

/* Adds the count to the row's own document, which is not stored again. */
static json_t *policy_json(struct api_call *c, const struct resource *r, const struct policy_use *u)
{
	struct err ignored;

	if (jset(jat(r->body, "properties"), "protectedItemsCount",
	    json_integer(policy_use_count(c, u, r->id)), &ignored) != 0)
		return NULL;
	return api_resource_json(r);
}

static int answer(struct api_call *c, struct db_conn *conn, const struct resource *r, struct err *e)
{
	auto_policy_use struct policy_use u = { 0 };

	if (policy_use_read(conn, c->vault.id, &u, e) != 0)
		return -1;
	return api_json(c, 200, policy_json(c, r, &u), e);
}

static int policy_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	const char *id = policy_id(c);
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &r, e);
	if (found < 0)
		return -1;
	if (found == 0) {
		http_res_header(c->res, "x-ms-failure-cause", "service");
		return api_json(c, 404, json_object(), e);
	}
	return answer(c, conn, &r, e);
}

/* The service's text for a policy it does not like, then what is wrong with it. */
static int refuse(struct err *e)
{
	char why[sizeof(e->msg)];

	if (e->kind != ERR_INVALID)
		return -1;
	memcpy(why, e->msg, sizeof(why));
	return err_code(e, ERR_INVALID, "CloudInvalidInputError",
	    "The current operation failed due to an internal service error \"Invalid input "
	    "error\". Please retry the operation after some time.\r\n%.370s", why);
}

static int check_name(const char *name, struct err *e)
{
	if (fields_name_valid(name, 150, "-"))
		return 0;
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: policy name '%.160s': 1 to 150 letters, "
	    "digits, '-' and '_' are allowed, the first no '-'", name);
}

/* The row to store: the old one with new properties, or a new one. */
static int prepare(struct api_call *c, struct db_conn *conn, json_t *props, struct resource *r,
    struct err *e)
{
	static const char management[] = "properties.backupManagementType";
	const char *id = policy_id(c);
	int found = id == NULL ? err_nomem(e) : resource_get(conn, id, r, e);

	if (found < 0)
		return -1;
	if (found == 0)
		return check_name(c->param[3], e) != 0 ? -1 : resource_init(r, TYPE_POLICY, id, "",
		    c->vault.id, json_pack("{s:O}", "properties", props), e);
	if (strcmp(jstr(r->body, management, ""), jstr(props, "backupManagementType", "")) != 0) {
		(void)err_set(e, ERR_INVALID, "%s: policy '%.150s' is of type '%s', which cannot "
		    "be changed", management, r->name, jstr(r->body, management, ""));
		return refuse(e);
	}
	return jset(r->body, "properties", json_incref(props), e);
}

static int policy_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	auto_policy_use struct policy_use u = { 0 };
	auto_json json_t *props = NULL;
	const char *async, *location;
	char op[64] = "";

	if (policy_check(c->body, &props, e) != 0)
		return refuse(e);
	if (db_write_begin(c->world->db, &conn, e) != 0 || prepare(c, conn, props, &r, e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0 ||
	    policy_use_read(conn, c->vault.id, &u, e) != 0)
		return -1;
	/* Items follow their policy by its id: with the row stored, the update is done. */
	if (policy_use_count(c, &u, r.id) > 0 &&
	    (operation_create(conn, NULL, "policy", c->vault.id, r.id, NULL, c->now_us, op,
	    e) != 0 || operation_finish(conn, op, OP_SUCCEEDED, NULL, NULL, c->now_us, e) != 0))
		return -1;
	if (db_commit(&conn, e) != 0)
		return -1;
	if (op[0] == '\0')
		return api_json(c, 200, policy_json(c, &r, &u), e);
	async = arena_fmt(&c->arena, "%s/operations/%s", r.id, op);
	location = arena_fmt(&c->arena, "%s/operationResults/%s", r.id, op);
	return async == NULL || location == NULL ? err_nomem(e) :
	    api_accepted(c, async, location, e);
}

static int policy_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	int found = api_delete_begin(c, policy_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	if (policy_check_unused(c, conn, &r, e) != 0 || resource_delete(conn, r.id, e) < 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 200);
}

static int policy_operation(struct api_call *c, struct err *e)
{
	return operation_answer_status(c, c->param[4], e);
}

static int policy_results(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	auto_resource struct resource r = { 0 };
	const char *path;
	int done;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[4], &o, e) != 0)
		return -1;
	path = arena_fmt(&c->arena, "%s/operationResults/%s", policy_id(c), o.id);
	done = path == NULL ? err_nomem(e) : operation_answer_unfinished(c, &o, path, false, e);
	if (done != 0)
		return done < 0 ? -1 : 0;
	return api_find_in(c, conn, o.scope, &r, e) != 0 ? -1 : answer(c, conn, &r, e);
}

struct listing {
	const struct policy_use *use;
	struct arm_filter filter;
	struct api_rows *rows;
};

/* VMs' policies have no workload type of their own in the document. */
static bool wanted(const struct arm_filter *f, const struct resource *r)
{
	const char *type = jstr(r->body, "properties.backupManagementType", "");
	const char *workload = jstr(r->body, "properties.workLoadType", "VM");
	const char *want_type = arm_filter_get(f, "backupManagementType");
	const char *want_workload = arm_filter_get(f, "workloadType");
	const char *fabric = arm_filter_get(f, "fabricName");

	return (want_type == NULL || str_ieq(str_c(want_type), str_c(type))) &&
	    (want_workload == NULL || str_ieq(str_c(want_workload), str_c(workload))) &&
	    (fabric == NULL || str_ieq(str_c(fabric), STR("Azure")));
}

static int add_row(void *arg, struct resource *r, struct err *e)
{
	struct listing *l = arg;

	if (!wanted(&l->filter, r))
		return 0;
	return api_rows_add(l->rows, r, policy_json(l->rows->c, r, l->use), e);
}

static int policy_list(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "backupManagementType", "fabricName", "workloadType",
		NULL };
	struct resource_query q = { .type = TYPE_POLICY, .parent = c->vault.id };
	auto_policy_use struct policy_use u = { 0 };
	auto_rows struct api_rows rows = { 0 };
	struct listing l = { .use = &u, .rows = &rows };
	auto_conn struct db_conn *conn = NULL;

	if (api_rows_init(&rows, c, e) != 0 ||
	    arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &l.filter,
	    e) != 0 || api_cursor(c, &q.after, e) != 0 ||
	    db_read_begin(c->world->db, &conn, e) != 0 ||
	    policy_use_read(conn, c->vault.id, &u, e) != 0 ||
	    resource_list(conn, &q, add_row, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

#define POLICIES "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT \
	"/{vault}/backupPolicies"

/* "backupPolicies/" with an empty name, which clients send, is the list. */
const struct api_route policy_routes[] = {
	{ "GET", POLICIES, policy_list, API_RS | API_VAULT, TYPE_POLICY "/read" },
	{ "GET", POLICIES "/{policy}", policy_get, API_RS | API_VAULT, TYPE_POLICY "/read" },
	{ "PUT", POLICIES "/{policy}", policy_put, API_RS | API_VAULT | API_BODY,
	    TYPE_POLICY "/write" },
	{ "DELETE", POLICIES "/{policy}", policy_delete, API_RS | API_VAULT,
	    TYPE_POLICY "/delete" },
	{ "GET", POLICIES "/{policy}/operations/{op}", policy_operation, API_RS | API_VAULT,
	    TYPE_POLICY "/operations/read" },
	{ "GET", POLICIES "/{policy}/operationResults/{op}", policy_results, API_RS | API_VAULT,
	    TYPE_POLICY "/operationResults/read" },
	{ NULL },
};
