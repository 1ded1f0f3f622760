/* handle.h - inside src/job: a job in the hands of a worker. */
#ifndef JOB_HANDLE_H
#define JOB_HANDLE_H

#include <pthread.h>

#include "job/job.h"

struct job {
	struct job *next;		/* in the engine's list of running jobs */
	struct job_engine *engine;
	const struct job_kind *kind;	/* NULL: the row names one that this program does not know */
	struct job_row row;
	char *operation_id;		/* owned; NULL for none */
	bool operation_ends_with_job;
	json_t *state;
	unsigned step;			/* the next to run; while undoing, one past the next to undo */
	unsigned touched;		/* steps that may have had an effect */
	bool undoing;
	bool closing;			/* inside the closing transaction: nothing else may write */
	struct err cause;		/* kind ERR_NONE while all is well */
	char *cause_code;		/* owned; cause.code points here after a restart */
	_Atomic bool cancel;		/* somebody asked */
	_Atomic bool lost;		/* another engine holds the lease now */
	_Atomic int64_t done, total;
	int64_t done_saved, total_saved;	/* touched by the ticker only */
};

struct job_engine {
	struct job_engine_opts opts;
	char holder[128];		/* tells our leases from others' */
	pthread_t *worker;		/* [worker_count] */
	unsigned worker_count;
	pthread_t ticker;
	bool has_ticker;
	pthread_mutex_t mu;		/* guards `wakes` and `ticker_stop` */
	pthread_cond_t woken;
	unsigned wakes;
	bool ticker_stop;
	_Atomic bool stop;
	pthread_mutex_t running_mu;	/* guards `running`; taken before a connection, never after */
	struct job *running;
};

/* lease.c */
void job_holder_name(char ret[128]);
/* Leases of processes that are gone end now. */
must_check int job_leases_drop_dead(struct db *db, struct err *e);
/* 1 and *ret (owned) if there was something to do, 0, -1. */
must_check int job_claim(struct job_engine *en, struct job **ret, struct err *e);
void job_free(struct job *j);
/* Hand the job back, to be taken up again at once. */
must_check int job_release(struct job *j, struct err *e);

/* run.c: takes the job as far as it goes */
void job_run(struct job *j);

/* handle.c */
const char *job_step_name(const struct job *j);	/* as the row has it: "" for none */
must_check int job_write(struct job *j, struct db_conn *c, struct err *e);
void job_tasks_close(struct job *j, const char *status);
must_check int job_error_add(json_t *errors, const struct err *why, struct err *e);
const char *job_error_title(const struct err *why);

/* job.c */
#define JOB_ROW_COLUMNS \
	"id, kind, vault, item, operation, status, friendly_name, container_name, activity_id, " \
	"step, cancellable, start_us, end_us, done, total, args, tasks, bag, internal_bag, errors"
#define JOB_ROW_COLUMN_COUNT 20
must_check int job_row_read(struct db_stmt *q, struct job_row *ret, struct err *e);

/* operation.c */
/* A copy of the column, NULL if it is null; false out of memory. */
bool job_take_text(struct db_stmt *q, unsigned col, char **ret);
must_check int operation_set_job(struct db_conn *c, const char *id, const char *job,
    struct err *e);

static inline void job_report(const struct job_engine *en, const char *event, const char *id,
    const struct err *why)
{
	if (en->opts.report != NULL)
		en->opts.report(en->opts.world, event, id, why);
}

#endif
