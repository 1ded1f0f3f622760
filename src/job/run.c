/* run.c - one job from where it stands to its end.
 *
 * running:  step 0 … n-1, each made durable          -> closing, or undoing
 * undoing:  touched steps, newest first, each durable -> closing
 * closing:  `ended`, status, operation, in one transaction
 * A job that cannot go on here (engine stopping, lease lost, database failing) is left as its
 * row says, and taken up again from there. */
#include <stdio.h>

#include "base/failpoint.h"
#include "job/handle.h"
#include "job/operation.h"

static int point(const struct job *j, const char *place, struct err *e)
{
	char name[160];

	(void)snprintf(name, sizeof(name), "%s/%s/%s", j->kind->name,
	    j->kind->steps[j->step].name, place);
	return failpoint(name, e);
}

static int run_step(struct job *j, struct err *e)
{
	const struct job_step *s = &j->kind->steps[j->step];

	if (point(j, "before", e) != 0)
		return -1;
	j->touched = j->step + 1;
	if (s->run(j, j->engine->opts.world, e) != 0 || point(j, "unsaved", e) != 0)
		return -1;
	j->step++;
	if (job_save(j, e) != 0)
		return -1;
	j->step--;
	if (point(j, "after", e) != 0)
		return -1;
	j->step++;
	return 0;
}

static bool must_leave(const struct job *j)
{
	return j->lost || (j->engine->stop && !j->cancel);
}

/* 0: all steps done.  -1: failed or cancelled, `e` says why. */
static int run_steps(struct job *j, struct err *e)
{
	while (j->step < j->kind->step_count) {
		if (j->cancel)
			return err_set(e, ERR_CANCELLED, "the job was cancelled");
		if (must_leave(j))
			return err_set(e, ERR_CANCELLED, "the engine stops");
		if (run_step(j, e) != 0)
			return -1;
	}
	return 0;
}

/* From now on the job goes backwards; true once that is durable. */
static bool turn_back(struct job *j, const struct err *why)
{
	struct err e = { 0 };

	j->cause = *why;
	if (why->kind == ERR_CANCELLED && j->cancel)
		(void)err_code(&j->cause, ERR_CANCELLED, "UserErrorJobSuccessfullyCancelled",
		    "The job was cancelled by the user.");
	else if (why->kind == ERR_CANCELLED)
		j->cause.kind = ERR_IO;		/* nobody asked: a failure like any other */
	j->undoing = true;
	j->step = j->touched;
	if (job_save(j, &e) == 0)
		return true;
	job_report(j->engine, "cannot turn back", j->row.id, &e);
	return false;
}

static bool go_forward(struct job *j)
{
	struct err e = { 0 };

	if (run_steps(j, &e) == 0)
		return true;
	if (j->lost || (must_leave(j) && e.kind == ERR_CANCELLED))
		return false;
	job_report(j->engine, j->cancel ? "cancelled" : "failed", j->row.id, &e);
	return turn_back(j, &e);
}

/* A step that cannot be undone does not keep older ones from being undone, but the job has
 * failed then, even if it was to be cancelled: Cancelled promises that nothing is left. */
static int undo_step(struct job *j, struct err *e)
{
	const struct job_step *s = &j->kind->steps[j->step];
	struct err why = { 0 };

	if (s->undo == NULL || (point(j, "undo", &why) == 0 &&
	    s->undo(j, j->engine->opts.world, &why) == 0))
		return 0;
	(void)err_in(&why, "undoing step '%s'", s->name);
	job_report(j->engine, "undo failed", j->row.id, &why);
	if (j->cause.kind == ERR_CANCELLED)
		j->cause.kind = ERR_IO;
	return job_error_add(j->row.errors, &why, e);
}

static bool go_back(struct job *j)
{
	struct err e = { 0 };

	while (j->step > 0) {
		j->step--;
		if (undo_step(j, &e) != 0 || job_save(j, &e) != 0) {
			job_report(j->engine, "cannot save", j->row.id, &e);
			return false;
		}
	}
	return true;
}

static const char *final_status(const struct job *j)
{
	if (j->cause.kind == ERR_NONE)
		return json_array_size(j->row.errors) == 0 ? JOB_COMPLETED : JOB_WARNINGS;
	return j->cause.kind == ERR_CANCELLED ? JOB_CANCELLED : JOB_FAILED;
}

static int add_cause(struct job *j, struct err *e)
{
	auto_json json_t *list = json_array();

	if (j->cause.kind == ERR_NONE)
		return 0;
	if (list == NULL)
		return err_nomem(e);
	if (job_error_add(list, &j->cause, e) != 0)
		return -1;
	if (json_array_extend(list, j->row.errors) != 0)
		return err_nomem(e);
	json_decref(j->row.errors);
	j->row.errors = TAKE(list);
	return 0;
}

static int finish_operation(struct job *j, struct db_conn *c, const char *status, int64_t now_us,
    struct err *e)
{
	const struct err *cause = j->cause.kind != ERR_NONE ? &j->cause : NULL;
	const char *word = OP_SUCCEEDED;

	if (j->operation_id == NULL || !j->operation_ends_with_job)
		return 0;
	if (cause != NULL)
		word = strcmp(status, JOB_CANCELLED) == 0 ? OP_CANCELED : OP_FAILED;
	return operation_finish(c, j->operation_id, word, cause, NULL, now_us, e);
}

static int close_in(struct job *j, struct db_conn *c, struct err *e)
{
	const char *status = final_status(j);
	int64_t now_us = clock_now_us(j->engine->opts.clock);

	if (j->kind != NULL && j->kind->ended != NULL && j->kind->ended(j, c, status,
	    j->cause.kind != ERR_NONE ? &j->cause : NULL, j->engine->opts.world, e) != 0)
		return -1;
	status = final_status(j);	/* `ended` may have warned */
	job_tasks_close(j, strcmp(status, JOB_FAILED) == 0 ? JOB_FAILED :
	    strcmp(status, JOB_CANCELLED) == 0 ? JOB_CANCELLED : JOB_COMPLETED);
	if (add_cause(j, e) != 0 || job_write(j, c, e) != 0 ||
	    finish_operation(j, c, status, now_us, e) != 0)
		return -1;
	return db_exec(c, e, "UPDATE job SET status = $2, end_us = $3, step = '', lease_end_us = 0"
	    " WHERE id = $1", "ssi", j->row.id, status, now_us) < 0 ? -1 : 0;
}

static int close_job(struct job *j, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	j->closing = true;
	if (db_write_begin(j->engine->opts.db, &c, e) != 0 || close_in(j, c, e) != 0)
		return -1;
	return db_commit(&c, e);
}

void job_run(struct job *j)
{
	struct err e = { 0 };

	if ((!j->undoing && !go_forward(j)) || (j->undoing && !go_back(j))) {
		/* Stopping hands the job over at once; after a failure the rest of the lease is
		 * the pause before the next attempt. */
		if (j->engine->stop && !j->lost && job_release(j, &e) != 0)
			job_report(j->engine, "cannot release", j->row.id, &e);
		return;
	}
	if (close_job(j, &e) != 0)
		job_report(j->engine, "cannot close", j->row.id, &e);
	else
		job_report(j->engine, "over", j->row.id, j->cause.kind != ERR_NONE ? &j->cause : NULL);
}
