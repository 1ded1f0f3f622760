/* restore_validate.c - would this restore be accepted?  The same checks as
 * for the restore itself, all problems at once. */
#include "api/restore.h"

#include "api/item.h"
#include "api/operation_render.h"
#include "api/point.h"

/* The parts of a request: {"id"?,"properties":{…}} or, before 2022, the inner object alone. */
struct asked {
	const char *point_id;	/* ARM id, or NULL */
	json_t *restore;	/* restoreRequest */
};

static int bad_input(struct err *e)
{
	char cause[320];

	memcpy(cause, e->msg, sizeof(cause));
	cause[sizeof(cause) - 1] = '\0';
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: %s", cause);
}

static int read_asked(const json_t *body, struct asked *ret, struct err *e)
{
	json_t *inner = NULL;
	const char *type;
	int r = jget_obj(body, "properties", &inner, e);

	if (r < 0)
		return bad_input(e);
	if (r == 0)
		inner = (json_t *)(uintptr_t)body;
	if (jget_str(body, "id", &ret->point_id, e) < 0 ||
	    jneed_str(inner, "objectType", &type, e) != 0)
		return bad_input(e);
	if (!str_ieq(str_c(type), STR("ValidateIaasVMRestoreOperationRequest")) &&
	    !str_ieq(str_c(type), STR("ValidateRestoreOperationRequest"))) {
		(void)err_set(e, ERR_INVALID, "objectType: '%.80s' is not "
		    "'ValidateIaasVMRestoreOperationRequest'", type);
		return bad_input(e);
	}
	r = jget_obj(inner, "restoreRequest", &ret->restore, e);
	if (r == 0)
		(void)err_set(e, ERR_INVALID, "restoreRequest: required, but missing");
	return r <= 0 ? bad_input(e) : 0;
}

/* Item and point by the point's id. */
static int find_by_id(struct api_call *c, struct db_conn *conn, const char *text,
    struct resource *ret_item, struct resource *ret_point, struct err *e)
{
	struct arm_id id;
	const char *vault, *item;
	int r;

	if (arm_id_parse(str_c(text), &id, e) != 0 || !arm_id_is(&id, TYPE_POINT)) {
		(void)err_set(e, ERR_INVALID, "id: '%.250s' is not the id of a recovery point",
		    text);
		return bad_input(e);
	}
	vault = arena_fmt(&c->arena, "/subscriptions/" STR_F "/resourceGroups/" STR_F "/providers/"
	    TYPE_VAULT "/" STR_F, STR_A(id.subscription), STR_A(id.group), STR_A(id.part[0].name));
	c->param[3] = arena_str(&c->arena, id.part[1].name);
	c->param[4] = arena_str(&c->arena, id.part[2].name);
	c->param[5] = arena_str(&c->arena, id.part[3].name);
	if (vault == NULL || c->param[3] == NULL || c->param[4] == NULL || c->param[5] == NULL)
		return err_nomem(e);
	if (!arm_id_same(str_c(vault), str_c(c->vault.id))) {
		(void)err_set(e, ERR_INVALID, "id: '%.200s' is not in vault '%.60s'", text,
		    c->vault.name);
		return bad_input(e);
	}
	if (api_item_id(c, &item, e) != 0)
		return -1;
	r = resource_get(conn, item, ret_item, e);
	if (r <= 0)
		return r < 0 ? -1 : item_not_found(item, e);
	return point_find(conn, ret_item, arena_str(&c->arena, id.part[4].name), ret_point, e);
}

static int keep_if_ours(void *arg, struct resource *item, struct err *e)
{
	struct resource *kept = arg;
	struct resource copy = *item;

	(void)e;
	if (!arm_id_same(str_c(item->parent), str_c(kept->parent)))
		return 0;
	free(kept->parent);
	*kept = copy;
	*item = (struct resource){ 0 };
	return 1;
}

/* Older requests have no id: the VM names the item. */
static int find_by_source(struct api_call *c, struct db_conn *conn, const json_t *restore,
    struct resource *ret_item, struct resource *ret_point, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM };
	const char *source, *point;
	struct arm_id id;
	int r;

	if (jneed_str(restore, "sourceResourceId", &source, e) != 0 ||
	    jneed_str(restore, "recoveryPointId", &point, e) != 0 ||
	    arm_id_parse(str_c(source), &id, e) != 0)
		return bad_input(e);
	q.ref = arm_id_canonical(&c->arena, &id);
	if (q.ref == NULL)
		return err_nomem(e);
	if (resource_set(&ret_item->parent, c->vault.id, e) != 0)
		return -1;
	r = resource_list(conn, &q, keep_if_ours, ret_item, e);
	if (r <= 0)
		return r < 0 ? -1 : item_not_found(source, e);
	return point_find(conn, ret_item, point, ret_point, e);
}

static json_t *result_json(const struct err *problem)
{
	const char *cut = strstr(problem->msg, "\r\n");

	return json_pack("{s:s, s:s, s:[s]}", "code", arm_error_code(problem), "message",
	    problem->msg, "recommendations", cut != NULL ? cut + 2 : problem->msg);
}

static int answer_json(const struct restore_problems *problems, json_t **ret, struct err *e)
{
	auto_json json_t *list = json_array();
	json_t *out;

	for (unsigned i = 0; i < problems->count; i++)
		if (json_array_append_new(list, result_json(&problems->list[i])) != 0)
			return err_nomem(e);
	out = json_pack("{s:{s:O}}", "validateOperationResponse", "validationResults", list);
	if (out == NULL)
		return err_nomem(e);
	*ret = out;
	return 0;
}

static int validate(struct api_call *c, struct db_conn *conn, json_t **ret, struct err *e)
{
	auto_resource struct resource item = { 0 }, point = { 0 };
	auto_restore_plan struct restore_plan plan = { 0 };
	struct restore_problems problems = { .count = 0 };
	struct asked asked = { 0 };
	struct restore_input in;

	if (read_asked(c->body, &asked, e) != 0)
		return -1;
	if ((asked.point_id != NULL ?
	    find_by_id(c, conn, asked.point_id, &item, &point, e) :
	    find_by_source(c, conn, asked.restore, &item, &point, e)) != 0)
		return -1;
	restore_input_fill(c, conn, &item, &point, asked.restore, &in);
	if (restore_check(&in, &plan, &problems, e) != 0)
		return -1;
	if (problems.count == 0 && restore_rights(c, &plan, e) != 0) {
		if (e->kind != ERR_DENIED)
			return -1;
		problems.list[problems.count++] = *e;
	}
	if (item_check_free(conn, item.id, "Restore", e) != 0) {
		if (e->kind != ERR_BUSY)
			return -1;
		if (problems.count < RESTORE_PROBLEMS_MAX)
			problems.list[problems.count++] = *e;
	}
	return answer_json(&problems, ret, e);
}

int restore_validate(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *answer = NULL;

	if (db_read_begin(c->world->db, &conn, e) != 0 || validate(c, conn, &answer, e) != 0)
		return -1;
	return api_json(c, 200, TAKE(answer), e);
}

int restore_validate_trigger(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *answer = NULL;
	const char *async, *location;
	char op[64];

	if (db_write_begin(c->world->db, &conn, e) != 0 || validate(c, conn, &answer, e) != 0 ||
	    operation_create(conn, NULL, "validate", c->vault.id, c->vault.id, NULL, c->now_us, op,
	    e) != 0 ||
	    operation_finish(conn, op, OP_SUCCEEDED, NULL, answer, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	async = arena_fmt(&c->arena, "%s/backupValidateOperationsStatuses/%s", c->vault.id, op);
	location = arena_fmt(&c->arena, "%s/backupValidateOperationResults/%s", c->vault.id, op);
	return async == NULL || location == NULL ? err_nomem(e) :
	    api_accepted(c, async, location, e);
}

int restore_validate_status(struct api_call *c, struct err *e)
{
	return operation_answer_status(c, c->param[3], e);
}

int restore_validate_results(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[3], &o, e) != 0)
		return -1;
	if (o.result == NULL || strcmp(o.kind, "validate") != 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The operation '%.80s' is not a validation.", o.id);
	return api_json(c, 200, json_incref(o.result), e);
}
