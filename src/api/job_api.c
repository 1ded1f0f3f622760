/* job_api.c - backupJobs: list, read, cancel. */
#include "api/job_list.h"
#include "api/job_render.h"
#include "api/job_export.h"
#include "api/operation_render.h"

#define VAULT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}"
#define JOBS VAULT "/backupJobs"
#define ACTION TYPE_VAULT "/backupJobs"

static int jobs_get(struct api_call *c, struct err *e)
{
	auto_json json_t *rows = NULL;
	const char *cursor = NULL;
	struct job_query q;
	bool none;

	if (job_query_read(c, &q, &none, e) != 0 || api_cursor(c, &q.after, e) != 0)
		return -1;
	if (none)
		return api_list(c, json_array(), NULL, e);
	if (job_rows(c, &q, ARM_PAGE_SIZE, false, &rows, &cursor, e) != 0)
		return -1;
	return api_list(c, TAKE(rows), cursor, e);
}

static int one_job_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_job_row struct job_row j = { 0 };

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    job_find(c, conn, c->param[3], &j, e) != 0)
		return -1;
	return api_json(c, 200, job_json(job_arm_id(c, &j), &j, c->version, c->now_us, true), e);
}

static int ask_cancel(struct db_conn *conn, const struct job_row *j, struct err *e)
{
	if (job_cancel(conn, j->id, e) == 0)
		return 0;
	if (e->kind != ERR_CONFLICT)
		return -1;
	if (!j->cancellable)
		return err_http(e, ERR_CONFLICT, 400, "UserErrorJobCancellationNotSupported",
		    "Cancellation isn't supported for this job type\r\nJob '%s' is of type '%s'.",
		    j->id,
		    j->operation);
	return err_http(e, ERR_CONFLICT, 400, "UserErrorJobNotInCancelableState",
	    "The job isn't in a cancelable state\r\nJob '%s' is %s.", j->id, j->status);
}

static int job_cancel_post(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_job_row struct job_row j = { 0 };
	const char *id, *async, *location;
	char op[64];

	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    job_find(c, conn, c->param[3], &j, e) != 0 || ask_cancel(conn, &j, e) != 0)
		return -1;
	id = job_arm_id(c, &j);
	if (id == NULL)
		return err_nomem(e);
	if (operation_create(conn, NULL, "cancel", c->vault.id, id, j.id, c->now_us, op, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	job_engine_wake(c->world->engine);
	async = arena_fmt(&c->arena, "%s/operationsStatus/%s", id, op);
	location = arena_fmt(&c->arena, "%s/operationResults/%s", id, op);
	return async == NULL || location == NULL ? err_nomem(e) :
	    api_accepted(c, async, location, e);
}

/* The job in these paths is not looked at: a client puts the fabric's name in its place. */
static int job_operation_status(struct api_call *c, struct err *e)
{
	return operation_answer_status(c, c->param[4], e);
}

static int job_operation_results(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	const char *path;
	int r;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[4], &o, e) != 0)
		return -1;
	path = arena_fmt(&c->arena, "%s/backupJobs/%s/operationResults/%s", c->vault.id,
	    o.job_id != NULL ? o.job_id : c->param[3], o.id);
	r = path == NULL ? err_nomem(e) : operation_answer_unfinished(c, &o, path, false, e);
	return r != 0 ? (r < 0 ? -1 : 0) : api_empty(c, 204);
}

const struct api_route job_routes[] = {
	{ "GET", JOBS, jobs_get, API_RS | API_VAULT, ACTION "/read" },
	{ "GET", JOBS "/{job}", one_job_get, API_RS | API_VAULT, ACTION "/read" },
	{ "POST", JOBS "/{job}/cancel", job_cancel_post, API_RS | API_VAULT,
	    ACTION "/cancel/action" },
	{ "GET", JOBS "/{job}/operationsStatus/{op}", job_operation_status, API_RS | API_VAULT,
	    ACTION "/operationsStatus/read" },
	{ "GET", JOBS "/{job}/operationResults/{op}", job_operation_results, API_RS | API_VAULT,
	    ACTION "/operationResults/read" },
	{ "POST", VAULT "/backupJobsExport", job_export_post, API_RS | API_VAULT,
	    TYPE_VAULT "/backupJobsExport/action" },
	{ "GET", JOBS "/operationResults/{op}", job_export_results, API_RS | API_VAULT,
	    ACTION "/operationResults/read" },
	{ "GET", VAULT "/backupJobsExport/{op}", job_export_file,
	    API_RS | API_NO_TOKEN | API_NO_VERSION, NULL },	/* finds its vault itself */
	{ NULL },
};
