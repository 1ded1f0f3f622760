/* restore.c - POST of a restore: judge, submit, 202. */
#include "api/restore.h"

#include "api/item.h"
#include "api/point.h"
#include "api/submit.h"

#define VAULT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}"
#define POINT VAULT "/backupFabrics/{fabric}/protectionContainers/{container}" \
	"/protectedItems/{item}/recoveryPoints/{rp}"

void restore_input_fill(struct api_call *c, struct db_conn *conn, const struct resource *item,
    const struct resource *point, const json_t *request, struct restore_input *ret)
{
	*ret = (struct restore_input){ .conn = conn, .arena = &c->arena,
		.settings = c->world->settings, .region = c->vault.location, .vault = &c->vault,
		.item = item, .point = point, .request = request, .path = "properties" };
}

/* The request as the job keeps it: as sent, with the kind in its one spelling. */
static json_t *kept_request(const json_t *request, enum restore_kind kind)
{
	auto_json json_t *copy = json_deep_copy(request);
	struct err e;

	if (jset(copy, "recoveryType", json_string(restore_kind_name(kind)), &e) != 0)
		return NULL;
	return TAKE(copy);
}

int restore_arguments(struct api_call *c, const struct restore_input *in,
    const struct restore_plan *plan, json_t **ret, struct err *e)
{
	auto_json json_t *request = kept_request(in->request, plan->kind), *args = NULL;

	if (request == NULL)
		return err_nomem(e);
	args = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:O}", "vaultId", c->vault.id, "itemId",
	    in->item->id, "pointId", in->point->id, "baseUrl", c->base_url, "recoveryType",
	    restore_kind_name(plan->kind), "request", request, "target", plan->target);
	if (args == NULL)
		return err_nomem(e);
	*ret = TAKE(args);
	return 0;
}

const char *const *restore_tasks(enum restore_kind kind)
{
	static const char *const tasks[][3] = {
		[RESTORE_DISKS] = { "Transfer data from vault", NULL },
		[RESTORE_ORIGINAL] = { "Transfer data from vault", "Update the virtual machine",
		    NULL },
		[RESTORE_ALTERNATE] = { "Transfer data from vault",
		    "Create the restored virtual machine", NULL },
	};

	return tasks[kind];
}

/* Those of the kind, behind what has to be done for a point that is in the archive. */
static void list_tasks(const struct restore_plan *plan, const char *ret[5])
{
	const char *const *tasks = restore_tasks(plan->kind);
	size_t n = 0;

	if (jat(plan->target, "rehydration") != NULL)
		ret[n++] = "Rehydrate recovery point";
	while (*tasks != NULL)
		ret[n++] = *tasks++;
	ret[n] = NULL;
}

static int start(struct api_call *c, struct db_conn **conn, const struct restore_input *in,
    const struct restore_plan *plan, struct err *e)
{
	auto_json json_t *args = NULL, *internal = json_pack("{s:s}", "restoreLocationType",
	    restore_kind_name(plan->kind));
	const char *tasks[5];
	struct submission s = { .op_kind = "restore", .same_id = true, .job = { .kind = "restore",
		.operation = "Restore", .cancellable = true, .tasks = tasks, .priority =
		strcmp(jstr(plan->target, "rehydration.priority", ""), "High") == 0,
		.bag = plan->bag, .internal_bag = internal } };

	if (internal == NULL)
		return err_nomem(e);
	if (restore_arguments(c, in, plan, &args, e) != 0)
		return -1;
	list_tasks(plan, tasks);
	s.job.args = args;
	return submit(c, conn, in->item, &s, e);
}

static int restore_post(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 }, point = { 0 };
	auto_restore_plan struct restore_plan plan = { 0 };
	struct restore_problems problems = { .count = 0 };
	struct restore_input in;

	if (db_write_begin(c->world->db, &conn, e) != 0 || item_find(c, conn, &item, e) != 0 ||
	    point_find(conn, &item, c->param[6], &point, e) != 0)
		return -1;
	restore_input_fill(c, conn, &item, &point, json_object_get(c->body, "properties"), &in);
	if (restore_check(&in, &plan, &problems, e) != 0)
		return -1;
	if (problems.count > 0) {
		*e = problems.list[0];
		return -1;
	}
	if (restore_rights(c, &plan, e) != 0 || item_check_free(conn, item.id, "Restore", e) != 0)
		return -1;
	return start(c, &conn, &in, &plan, e);
}

const struct api_route restore_routes[] = {
	{ "POST", POINT "/restore", restore_post, API_RS | API_VAULT | API_BODY,
	    TYPE_POINT "/restore/action" },
	{ "POST", VAULT "/backupValidateOperation", restore_validate, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/backupValidateOperation/action" },
	{ "POST", VAULT "/backupTriggerValidateOperation", restore_validate_trigger,
	    API_RS | API_VAULT | API_BODY, TYPE_VAULT "/backupTriggerValidateOperation/action" },
	{ "GET", VAULT "/backupValidateOperationsStatuses/{op}", restore_validate_status,
	    API_RS | API_VAULT, TYPE_VAULT "/backupValidateOperationsStatuses/read" },
	{ "GET", VAULT "/backupValidateOperationResults/{op}", restore_validate_results,
	    API_RS | API_VAULT, TYPE_VAULT "/backupValidateOperationResults/read" },
	{ NULL },
};
