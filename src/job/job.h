/* job.h - long work as rows: claim, lease, steps, checkpoint, progress, cancel.
 *
 * A job is a row.  A worker claims it (lease), runs its kind's steps one after
 * the other and makes "next step" and the job's state durable after each.
 * Steps are safe to run again after a crash at any point.  At start, jobs
 * whose lease holder is gone are resumed, not failed.  On failure or
 * cancellation the steps that may have had an effect are undone, newest
 * first; then `ended` runs in the transaction that closes the job. */
#ifndef JOB_JOB_H
#define JOB_JOB_H

#include "base/base.h"
#include "base/clock.h"
#include "db/db.h"
#include "json/json.h"

#define JOB_IN_PROGRESS "InProgress"
#define JOB_COMPLETED "Completed"
#define JOB_WARNINGS "CompletedWithWarnings"
#define JOB_FAILED "Failed"
#define JOB_CANCELLING "Cancelling"
#define JOB_CANCELLED "Cancelled"

/* ---- the job as a step sees it ---- */
struct job;

const char *job_id(const struct job *j);
const char *job_vault(const struct job *j);	/* ARM ids */
const char *job_item(const struct job *j);
int64_t job_start_us(const struct job *j);
const json_t *job_args(const struct job *j);	/* as submitted; borrowed */

/* Free for the kind's use; made durable by job_save() and after each step. */
json_t *job_state(struct job *j);

/* True once somebody asked to cancel.  Steps ask it at least once per chunk batch. */
bool job_cancel_asked(const struct job *j);

/* Progress of the whole job in bytes; reaches the row once a second.  Any thread. */
void job_progress(struct job *j, int64_t done, int64_t total);

/* Tasks are what clients see in extendedInfo.tasksList; idempotent. */
must_check int job_task_start(struct job *j, const char *task, struct err *e);
must_check int job_task_end(struct job *j, const char *task, const char *details, struct err *e);
/* taskExecutionDetails of a task under way; reaches the row with the next job_save(). */
must_check int job_task_details(struct job *j, const char *task, const char *details,
    struct err *e);

/* extendedInfo.propertyBag; a NULL value is a JSON null. */
must_check int job_bag_set(struct job *j, const char *key, const char *value, struct err *e);

/* Turns the final status Completed into CompletedWithWarnings with this in errorDetails. */
must_check int job_warn(struct job *j, const struct err *why, struct err *e);

must_check int job_save(struct job *j, struct err *e);

/* ---- kinds ---- */
struct job_step {
	const char *name;	/* stored in rows: renaming one needs a migration */
	int (*run)(struct job *j, void *world, struct err *e);
	int (*undo)(struct job *j, void *world, struct err *e);	/* NULL: nothing to take back */
};

struct job_kind {
	const char *name;	/* stored in rows */
	const struct job_step *steps;
	unsigned step_count;
	/* In the transaction that closes the job; may be NULL. `cause` NULL if it went well. */
	int (*ended)(struct job *j, struct db_conn *c, const char *status, const struct err *cause,
	    void *world, struct err *e);
};

/* ---- engine ---- */
struct job_engine;
struct job_engine_opts {
	struct db *db;
	const struct clock *clock;
	void *world;		/* handed to every step */
	const struct job_kind *const *kinds;	/* NULL-terminated */
	unsigned workers;
	int64_t lease_us;	/* 0: 60 s; renewed by the engine while a job runs */
	/* For the log: "claimed", "over", "failed", "cancelled", "undo failed", "cannot …"; `id`
	 * and `why` may be NULL.  Any thread.  May be NULL. */
	void (*report)(void *world, const char *event, const char *id, const struct err *why);
};
must_check int job_engine_start(const struct job_engine_opts *o, struct job_engine **ret,
    struct err *e);
/* Running jobs stop at their next look at cancellation and stay InProgress in the
 * rows: the next start resumes them. */
void job_engine_stop(struct job_engine *en);
void job_engine_wake(struct job_engine *en);	/* after a commit that submitted or cancelled */

/* ---- rows ---- */
struct job_spec {
	const char *id;		/* NULL: a new GUID */
	const char *kind;
	const char *vault, *item;	/* ARM ids */
	const char *operation;	/* "Backup", "Restore", "ConfigureBackup", … */
	const char *friendly_name, *container_name, *activity_id;
	bool cancellable;
	int priority;		/* of those that wait, the highest comes first; usually 0 */
	const char *operation_id;	/* operation row to close, or NULL */
	bool operation_ends_with_job;	/* else it succeeds when the job is claimed */
	const json_t *args;	/* borrowed */
	const json_t *bag, *internal_bag;	/* borrowed, may be NULL */
	const char *const *tasks;	/* NULL-terminated, shown as NotStarted from the beginning; may be NULL */
};
/* `ret_id` (GUID_SIZE bytes) may be NULL. */
must_check int job_submit(struct db_conn *c, const struct job_spec *s, int64_t now_us, char *ret_id,
    struct err *e);

struct job_row {
	char *id, *kind, *vault, *item, *operation, *status, *friendly_name, *container_name,
	    *activity_id, *step;	/* step: name of the next one, "" when over */
	bool cancellable;
	int64_t start_us, end_us;	/* end_us 0 while running */
	int64_t done, total;	/* bytes */
	double percent;		/* 1.0 … 99.0, 100.0 when over */
	/* tasks and errors are arrays in the form clients see: {taskId, startTime, endTime,
	 * duration, status, taskExecutionDetails?, taskType} and {errorCode, errorTitle,
	 * errorString, recommendations}. */
	json_t *args, *tasks, *bag, *internal_bag, *errors;
};
void job_row_done(struct job_row *r);
#define auto_job_row cleanup_with(job_row_done)

must_check int job_get(struct db_conn *c, const char *id, struct job_row *ret, struct err *e); /* 1 0 -1 */

struct job_query {		/* NULL or 0: no restriction; texts compare without case */
	const char *vault, *item, *status, *operation, *id;
	int64_t from_us, to_us;	/* on start time, inclusive */
	const char *after;	/* continuation: a job_cursor() */
	unsigned limit;
};
typedef int job_row_fn(void *arg, struct job_row *r, struct err *e);
/* Newest first. */
must_check int job_list(struct db_conn *c, const struct job_query *q, job_row_fn *fn, void *arg,
    struct err *e);
char *job_cursor(const struct job_row *r);	/* malloc'd */

/* The running job of an item that excludes others: 1 and *ret filled, 0 none, -1. */
must_check int job_running_on(struct db_conn *c, const char *item, struct job_row *ret,
    struct err *e);

/* Ask to cancel: status becomes Cancelling.  ERR_NOT_FOUND; ERR_CONFLICT when
 * it is over or of a kind that cannot be cancelled. */
must_check int job_cancel(struct db_conn *c, const char *id, struct err *e);

#endif
