/* handle.c - a job as its steps see it, and how it gets into its row. */
#include "job/handle.h"

#include "base/clock.h"

const char *job_id(const struct job *j)
{
	return j->row.id;
}

const char *job_vault(const struct job *j)
{
	return j->row.vault;
}

const char *job_item(const struct job *j)
{
	return j->row.item;
}

int64_t job_start_us(const struct job *j)
{
	return j->row.start_us;
}

const json_t *job_args(const struct job *j)
{
	return j->row.args;
}

json_t *job_state(struct job *j)
{
	return j->state;
}

bool job_cancel_asked(const struct job *j)
{
	return j->cancel || j->lost || j->engine->stop;
}

void job_progress(struct job *j, int64_t done, int64_t total)
{
	j->done = done;
	j->total = total;
}

static int64_t now_of(const struct job *j)
{
	return clock_now_us(j->engine->opts.clock);
}

/* ---- tasks ---- */

static json_t *task_find(struct job *j, const char *task)
{
	json_t *t;
	size_t i;

	json_array_foreach(j->row.tasks, i, t)
		if (strcmp(jstr(t, "taskId", ""), task) == 0)
			return t;
	return NULL;
}

static json_t *task_add(struct job *j, const char *task)
{
	json_t *t = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "taskId", task, "startTime", "",
	    "endTime", "0001-01-01T00:00:00", "duration", "PT0S", "status", "NotStarted",
	    "taskType", "Normal");

	return json_array_append_new(j->row.tasks, t) == 0 ? t : NULL;
}

static bool task_is(const json_t *t, const char *status)
{
	return strcmp(jstr(t, "status", ""), status) == 0;
}

int job_task_start(struct job *j, const char *task, struct err *e)
{
	json_t *t = task_find(j, task);
	char text[TIME_TEXT_MAX];

	if (t == NULL)
		t = task_add(j, task);
	if (t == NULL)
		return err_nomem(e);
	if (!task_is(t, "NotStarted"))
		return 0;
	if (jset(t, "startTime", json_string(time_iso(now_of(j), text)), e) != 0 ||
	    jset(t, "status", json_string("InProgress"), e) != 0)
		return -1;
	return job_save(j, e);
}

static int task_close(struct job *j, json_t *t, const char *status, struct err *e)
{
	int64_t now_us = now_of(j), start_us = now_us;
	char text[TIME_TEXT_MAX];

	(void)time_parse_iso(str_c(jstr(t, "startTime", "")), &start_us);
	if (jset(t, "endTime", json_string(time_iso(now_us, text)), e) != 0)
		return -1;
	if (now_us < start_us)
		start_us = now_us;	/* the clock was set back */
	if (jset(t, "duration", json_string(time_duration(now_us - start_us, text)), e) != 0)
		return -1;
	return jset(t, "status", json_string(status), e);
}

int job_task_details(struct job *j, const char *task, const char *details, struct err *e)
{
	json_t *t = task_find(j, task);

	return t == NULL ? 0 : jset(t, "taskExecutionDetails", json_string(details), e);
}

int job_task_end(struct job *j, const char *task, const char *details, struct err *e)
{
	json_t *t = task_find(j, task);

	if (t == NULL)
		return err_set(e, ERR_BUG, "ending task '%s': it was never started", task);
	if (task_is(t, "Completed"))
		return 0;
	if (details != NULL && jset(t, "taskExecutionDetails", json_string(details), e) != 0)
		return -1;
	return task_close(j, t, "Completed", e) != 0 ? -1 : job_save(j, e);
}

void job_tasks_close(struct job *j, const char *status)
{
	struct err ignored;
	json_t *t;
	size_t i;

	/* Out of memory leaves a task InProgress in a job that is over: only a blemish. */
	json_array_foreach(j->row.tasks, i, t)
		if (task_is(t, "InProgress"))
			(void)task_close(j, t, status, &ignored);
}

int job_bag_set(struct job *j, const char *key, const char *value, struct err *e)
{
	return jset(j->row.bag, key, value != NULL ? json_string(value) : json_null(), e);
}

/* ---- errors ---- */

struct error_kind {
	const char *title;
	int code;
	const char *recommendation;
};

static const struct error_kind error_kinds[] = {
	{ "UserErrorVmNotFoundV2", 400136, "Please make sure that virtual machine exists or select "
	    "a different virtual machine." },
	{ "DiffCopyFailedToTransferData", 400052, "Make sure that the target has enough free space "
	    "and is writable, then retry the operation." },
	{ "UserErrorBackupOperationInProgress", 400001, "Please wait until the previous operation is "
	    "completed, and then retry." },
	{ "UserErrorRestoreOperationInProgress", 400001, "Please wait until the previous operation "
	    "is completed, and then retry." },
	{ "UserErrorJobSuccessfullyCancelled", 400001, NULL },
	{ "BackupOperationFailed", 400002, "Retry the operation. If the issue persists, look at the "
	    "server's log." },
};

const char *job_error_title(const struct err *why)
{
	if (why->code != NULL)
		return why->code;
	return why->kind == ERR_NO_SPACE ? "DiffCopyFailedToTransferData" : "CloudInternalError";
}

int job_error_add(json_t *errors, const struct err *why, struct err *e)
{
	const char *title = job_error_title(why), *advice = "Retry the operation.";
	int code = 400001;
	json_t *x;

	for (size_t i = 0; i < ARRAY_LEN(error_kinds); i++)
		if (strcmp(error_kinds[i].title, title) == 0) {
			code = error_kinds[i].code;
			advice = error_kinds[i].recommendation;
		}
	x = json_pack("{s:i,s:s,s:s,s:[s*]}", "errorCode", code, "errorTitle", title,
	    "errorString", why->msg, "recommendations", advice);
	return json_array_append_new(errors, x) == 0 ? 0 : err_nomem(e);
}

int job_warn(struct job *j, const struct err *why, struct err *e)
{
	return job_error_add(j->row.errors, why, e);
}

/* ---- the row ---- */

const char *job_step_name(const struct job *j)
{
	unsigned at = j->step;

	if (j->kind == NULL || (j->undoing && at == 0) || (!j->undoing && at >= j->kind->step_count))
		return "";
	return j->kind->steps[j->undoing ? at - 1 : at].name;
}

static int update(struct job *j, struct db_conn *c, const struct buf *text, struct err *e)
{
	const char *message = j->cause.kind != ERR_NONE ? j->cause.msg : NULL;

	return db_exec(c, e, "UPDATE job SET step = $3, undoing = $4, cause_kind = $5,"
	    " cause_code = $6, cause_message = $7, done = $8, total = $9, state = $10, tasks = $11,"
	    " bag = $12, errors = $13 WHERE id = $1 AND lease_holder = $2 AND end_us = 0",
	    "sssiissiissss", j->row.id, j->engine->holder, job_step_name(j), (int64_t)j->undoing,
	    (int64_t)j->cause.kind, j->cause.code, message, (int64_t)j->done, (int64_t)j->total,
	    text[0].p, text[1].p, text[2].p, text[3].p);
}

int job_write(struct job *j, struct db_conn *c, struct err *e)
{
	const json_t *document[] = { j->state, j->row.tasks, j->row.bag, j->row.errors };
	struct buf text[ARRAY_LEN(document)] = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(document); i++)
		rc = jdump(document[i], &text[i], e);
	if (rc == 0)
		rc = update(j, c, text, e);
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		buf_done(&text[i]);
	if (rc == 0) {
		j->lost = true;
		return err_set(e, ERR_BUSY, "saving job '%s': another worker has taken it over",
		    j->row.id);
	}
	return rc < 0 ? err_in(e, "saving job '%s'", j->row.id) : 0;
}

int job_save(struct job *j, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (j->closing)
		return 0;	/* the closing transaction writes it all */
	if (db_write_begin(j->engine->opts.db, &c, e) != 0 || job_write(j, c, e) != 0)
		return -1;
	return db_commit(&c, e);
}
