/* crr_restore.c - POST of a restore in the second region: judge token and request, submit, 202. */
#include "api/crr.h"

#include "api/item.h"
#include "api/place.h"
#include "api/restore.h"
#include "api/submit.h"
#include "job/operation.h"
#include "work/replica.h"

#define DETAILS "crossRegionRestoreAccessDetails"
#define TOKEN DETAILS ".accessTokenString"
#define REQUEST "restoreRequest"

static int gone(const char *what, const char *id, const char *region, struct err *e)
{
	return err_code(e, ERR_NOT_FOUND, "BMSUserErrorDataSourceObjectNotFound",
	    "Item not found.\r\nRegion '%s' does not have %s '%.300s', which the access token is "
	    "for, any more.", region, what, id);
}

/* The rows of what the token is for, as the copy has them. */
static int load(struct api_call *c, const struct point_grant *g, struct crr_point *p,
    struct err *e)
{
	struct vault *copy = NULL;
	int found = replica_open(c->world, p->region, g->vault, &copy, e);

	if (found > 0)
		found = replica_vault(copy, &c->vault, e);
	if (found <= 0)
		return found < 0 ? -1 : gone("the copy of vault", g->vault, p->region, e);
	found = replica_item(copy, g->item, &p->item, e);
	if (found <= 0)
		return found < 0 ? -1 : gone("item", g->item, p->region, e);
	found = replica_point(copy, g->item, g->point, &p->point, e);
	if (found <= 0)
		return found < 0 ? -1 : gone("recovery point", g->point, p->region, e);
	return crr_number(c, p, e);
}

/* A vault that was deleted and made anew under its old name is another vault. */
static int check_numbers(struct api_call *c, const struct point_grant *g,
    const struct crr_point *p, struct err *e)
{
	if (strcmp(g->vault_number, jstr(c->vault.body, "internal.numericId", "")) == 0 &&
	    strcmp(g->container_number, p->container_number) == 0 &&
	    strcmp(g->source_number, p->source_number) == 0)
		return 0;
	return crr_wrong(e, TOKEN, "the token is for an earlier vault or item of this name");
}

static int open_token(struct api_call *c, struct crr_point *p, struct err *e)
{
	auto_json json_t *claims = NULL;
	struct point_grant g = { 0 };
	json_t *details = NULL;
	const char *token;
	int got = jget_obj(c->body, DETAILS, &details, e);

	if (got == 0)
		return crr_wrong(e, DETAILS, "required, but missing");
	if (got < 0 || jneed_str(c->body, TOKEN, &token, e) != 0)
		return place_refuse(e);
	if (point_token_check(c->api->issuer, str_c(token), p->region, c->who.object_id, c->now_us,
	    &g, &claims, e) != 0) {
		struct err why = *e;

		return why.kind == ERR_INVALID ? crr_wrong(e, TOKEN, "%.380s", why.msg) : -1;
	}
	if (load(c, &g, p, e) != 0 || check_numbers(c, &g, p, e) != 0)
		return -1;
	return crr_details_check(c, p, details, e);
}

static int judge(struct api_call *c, struct restore_input *in, struct restore_plan *plan,
    struct err *e)
{
	struct restore_problems problems = { .count = 0 };
	json_t *request = NULL;
	int got = jget_obj(c->body, REQUEST, &request, e);

	if (got == 0)
		return crr_wrong(e, REQUEST, "required, but missing");
	if (got < 0)
		return place_refuse(e);
	in->request = request;
	if (restore_check(in, plan, &problems, e) != 0)
		return -1;
	if (problems.count == 0)
		return restore_rights(c, plan, e);
	*e = problems.list[0];
	return -1;
}

static int fill_bags(struct api_call *c, struct restore_plan *plan, json_t **ret_internal,
    struct err *e)
{
	if (jset(plan->bag, "Subscription Id of the vault", json_string(c->vault.subscription),
	    e) != 0 || jset(plan->bag, "Resource Group Name of the vault",
	    json_string(c->vault.group), e) != 0 ||
	    jset(plan->bag, "Vault name", json_string(c->vault.name), e) != 0)
		return -1;
	*ret_internal = json_pack("{s:s, s:s}", "AdHoc", "AdHoc", "restoreLocationType",
	    restore_kind_name(plan->kind));
	return *ret_internal != NULL ? 0 : err_nomem(e);
}

/* base64("<the vault's number>;<the job's id>") */
static int operation_name(struct api_call *c, const char *job, struct buf *ret, struct err *e)
{
	const char *plain = arena_fmt(&c->arena, "%s;%s",
	    jstr(c->vault.body, "internal.numericId", "0"), job);

	if (plain == NULL)
		return err_nomem(e);
	base64_encode(ret, plain, strlen(plain));
	return buf_ok(ret, e);
}

static int submit_job(struct api_call *c, struct db_conn **conn, const struct crr_point *p,
    struct job_spec *spec, struct err *e)
{
	const char *status, *results;
	auto_buf struct buf op = { 0 };
	char job[GUID_SIZE];

	spec->id = guid_new(job);
	spec->vault = crr_job_text(c, c->vault.id, p->region);
	if (spec->vault == NULL)
		return err_nomem(e);
	submit_names(c, &p->item, spec);
	if (operation_name(c, job, &op, e) != 0)
		return -1;
	spec->operation_id = op.p;
	status = crr_path(c, p->region, "backupCrrOperationsStatus", op.p);
	results = crr_path(c, p->region, "backupCrrOperationResults", op.p);
	if (status == NULL || results == NULL)
		return err_nomem(e);
	if (operation_create(*conn, op.p, "restore", spec->vault, spec->item, job, c->now_us, NULL,
	    e) != 0 || job_submit(*conn, spec, c->now_us, NULL, e) != 0 || db_commit(conn, e) != 0)
		return -1;
	job_engine_wake(c->world->engine);
	return api_accepted(c, status, results, e);
}

static int start(struct api_call *c, struct db_conn **conn, const struct restore_input *in,
    const struct crr_point *p, struct restore_plan *plan, struct err *e)
{
	auto_json json_t *args = NULL, *internal = NULL;
	const char *item = crr_job_text(c, p->item.id, p->region);
	struct job_spec spec = { .kind = "restore", .operation = "CrossRegionRestore",
		.item = item, .cancellable = true, .tasks = restore_tasks(plan->kind) };

	if (item == NULL)
		return err_nomem(e);
	if (item_check_free(*conn, item, spec.operation, e) != 0 ||
	    restore_arguments(c, in, plan, &args, e) != 0 ||
	    jset(args, "source", json_pack("{s:s}", "region", p->region), e) != 0 ||
	    fill_bags(c, plan, &internal, e) != 0)
		return -1;
	spec.args = args;
	spec.bag = plan->bag;
	spec.internal_bag = internal;
	return submit_job(c, conn, p, &spec, e);
}

int crr_restore(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_crr_point struct crr_point p = { 0 };
	auto_restore_plan struct restore_plan plan = { 0 };
	struct restore_input in;

	/* The copy is read before the database's one writer is taken. */
	if (crr_begin(c, &p.region, e) != 0 || open_token(c, &p, e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	restore_input_fill(c, conn, &p.item, &p.point, NULL, &in);
	in.region = p.region;
	in.path = REQUEST;
	if (judge(c, &in, &plan, e) != 0)
		return -1;
	return start(c, &conn, &in, &p, &plan, e);
}
