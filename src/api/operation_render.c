/* operation_render.c - see operation_render.h. */
#include "api/operation_render.h"

#define NO_TIME "0001-01-01T00:00:00"

static bool running(const struct operation *o)
{
	return strcmp(o->status, OP_IN_PROGRESS) == 0;
}

static int set_text(char **field, const char *text, struct err *e)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return err_nomem(e);
	free(*field);
	*field = copy;
	return 0;
}

/* The row says only that cancelling was asked for; the job says how it went. */
static int follow_job(struct db_conn *conn, struct operation *o, struct err *e)
{
	auto_job_row struct job_row job = { 0 };
	int r;

	if (strcmp(o->kind, "cancel") != 0 || !running(o) || o->job_id == NULL)
		return 0;
	r = job_get(conn, o->job_id, &job, e);
	if (r < 0 || (r > 0 && job.end_us == 0))
		return r < 0 ? -1 : 0;
	if (r == 0 || strcmp(job.status, JOB_CANCELLED) == 0)
		return set_text(&o->status, OP_SUCCEEDED, e);
	if (set_text(&o->error_code, "UserErrorJobNotInCancelableState", e) != 0 ||
	    set_text(&o->error_message, "The job isn't in a cancelable state: it ended before it "
	    "could be cancelled.", e) != 0)
		return -1;
	return set_text(&o->status, OP_FAILED, e);
}

int operation_find(struct api_call *c, struct db_conn *conn, const char *id, struct operation *ret,
    struct err *e)
{
	auto_operation struct operation o = { 0 };
	int r = operation_get(conn, id, &o, e);

	if (r < 0)
		return -1;
	if (r == 0 || !arm_id_same(str_c(o.vault), str_c(c->vault.id)))
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The operation '%.80s' was not found in vault '%.80s'.", id, c->vault.name);
	if (follow_job(conn, &o, e) != 0)
		return -1;
	*ret = o;
	o = (struct operation){ 0 };
	return 0;
}

static json_t *properties(const struct operation *o)
{
	if (strcmp(o->kind, "validate") == 0)
		return json_pack("{s:s, s:O?}", "objectType",
		    "OperationStatusValidateOperationExtendedInfo", "validateOperationResponse",
		    jat(o->result, "validateOperationResponse"));
	if (o->job_id != NULL && strcmp(o->kind, "cancel") != 0)
		return json_pack("{s:s, s:s}", "objectType", "OperationStatusJobExtendedInfo",
		    "jobId",
		    o->job_id);
	return NULL;
}

json_t *operation_json(const struct operation *o)
{
	char start[TIME_TEXT_MAX];
	auto_json json_t *out = NULL;
	struct err e;

	(void)time_iso(o->start_us, start);
	/* The service gives a finished operation its start as end, and so do we. */
	out = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", o->id, "name", o->id, "status",
	    o->status,
	    "startTime", start, "endTime", running(o) ? NO_TIME : start);
	if (out == NULL || running(o))
		return TAKE(out);
	if (jset(out, "properties", properties(o), &e) != 0)
		return NULL;
	if (o->error_code != NULL && jset(out, "error", json_pack("{s:s, s:s}", "code",
	    o->error_code,
	    "message", o->error_message != NULL ? o->error_message : ""), &e) != 0)
		return NULL;
	return TAKE(out);
}

int operation_answer_status(struct api_call *c, const char *id, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };

	if (db_read_begin(c->world->db, &conn, e) != 0 || operation_find(c, conn, id, &o, e) != 0)
		return -1;
	if (running(&o) && api_async_headers(c, NULL, NULL, e) != 0)
		return -1;
	return api_json(c, 200, operation_json(&o), e);
}

/* Error codes are static texts in struct err, so the stored one is answered directly. */
static int answer_failure(struct api_call *c, const struct operation *o, struct err *e)
{
	const char *code = o->error_code != NULL ? o->error_code : "OperationCanceled";
	const char *message = o->error_message != NULL ? o->error_message : o->status;

	http_res_header(c->res, "x-ms-failure-cause", "service");
	return api_json(c, 400, json_pack("{s:{s:s, s:s, s:n, s:n, s:n}}", "error", "code", code,
	    "message", message, "target", "details", "innerError"), e);
}

int operation_answer_unfinished(struct api_call *c, const struct operation *o, const char *path,
    bool with_body, struct err *e)
{
	if (strcmp(o->status, OP_SUCCEEDED) == 0)
		return 0;
	if (!running(o))
		return answer_failure(c, o, e) != 0 ? -1 : 1;
	if (with_body) {
		if (api_async_headers(c, NULL, path, e) != 0 ||
		    api_json(c, 202, json_object(), e) != 0)
			return -1;
		return 1;
	}
	return api_accepted(c, NULL, path, e) != 0 ? -1 : 1;
}
