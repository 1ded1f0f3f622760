/* lease.c - who works on a job: claiming, and telling the dead from the busy. */
#include <fcntl.h>
#include <stdio.h>

#include "base/codec.h"
#include "job/handle.h"
#include "job/operation.h"

#define BOOT_ID_SIZE 37

/* A name is "boot id:pid:start time of the process:random": a reused pid, or the same pid
 * after a reboot, is somebody else. */

static void boot_id(char ret[BOOT_ID_SIZE])
{
	auto_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, BOOT_ID_SIZE - 1);

	ret[n < 0 ? 0 : n] = '\0';
}

/* Start time of a process in clock ticks: 1, 0 if there is no such process (any more), -1 if
 * the kernel does not tell. */
static int process_start(long pid, unsigned long long *ret)
{
	char path[64], text[1024], *after, state;
	auto_close int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return access("/proc/self/stat", R_OK) == 0 ? 0 : -1;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	after = strrchr(text, ')');	/* the name before it may hold anything */
	if (after == NULL || sscanf(after + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
	    " %*d %*d %*d %*d %*d %*d %llu", &state, ret) != 2)
		return -1;
	return state == 'Z' || state == 'X' ? 0 : 1;
}

void job_holder_name(char ret[128])
{
	char boot[BOOT_ID_SIZE];
	unsigned long long start = 0;

	boot_id(boot);
	(void)process_start((long)getpid(), &start);
	(void)snprintf(ret, 128, "%s:%ld:%llu:%016llx", boot, (long)getpid(), start,
	    (unsigned long long)random_u64());
}

static bool holder_gone(const char *holder)
{
	unsigned long long start, now = 0;
	char boot[BOOT_ID_SIZE], theirs[BOOT_ID_SIZE];
	long pid;
	int found;

	if (sscanf(holder, "%36[^:]:%ld:%llu:", theirs, &pid, &start) != 3)
		return false;
	boot_id(boot);
	if (strcmp(boot, theirs) != 0)
		return true;
	found = process_start(pid, &now);
	return found == 0 || (found > 0 && now != start);
}

static int drop_dead_of(struct db_conn *c, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (db_prepare(c, "SELECT DISTINCT lease_holder FROM job WHERE end_us = 0 AND"
	    " lease_end_us > 0", &q, e) != 0)
		return -1;
	while ((rc = db_step(&q, e)) > 0) {
		auto_free char *holder = strdup(str_c(db_col_text(&q, 0)).p);

		if (holder == NULL)
			return err_nomem(e);
		if (holder_gone(holder) && db_exec(c, e, "UPDATE job SET lease_end_us = 0 WHERE"
		    " lease_holder = $1 AND end_us = 0", "s", holder) < 0)
			return -1;
	}
	return rc;
}

int job_leases_drop_dead(struct db *db, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (db_write_begin(db, &c, e) != 0 || drop_dead_of(c, e) != 0)
		return -1;
	return db_commit(&c, e);
}

/* ---- claiming ---- */

void job_free(struct job *j)
{
	if (j == NULL)
		return;
	job_row_done(&j->row);
	json_decref(j->state);
	free(j->operation_id);
	free(j->cause_code);
	free(j);
}

static void job_free_p(struct job **j)
{
	job_free(*j);
}

static int read_cause(struct db_stmt *q, unsigned col, struct job *j, struct err *e)
{
	enum err_kind kind = (enum err_kind)db_col_int(q, col);

	if (!job_take_text(q, col + 1, &j->cause_code))
		return err_nomem(e);
	if (kind != ERR_NONE)
		(void)err_code(&j->cause, kind, j->cause_code, "%s", str_c(db_col_text(q, col + 2)).p);
	return 0;
}

static const struct job_kind *kind_of(const struct job_engine *en, const char *name)
{
	for (size_t i = 0; en->opts.kinds[i] != NULL; i++)
		if (strcmp(en->opts.kinds[i]->name, name) == 0)
			return en->opts.kinds[i];
	return NULL;
}

/* Where the job stands in its kind's table of steps. */
static void find_step(struct job *j, bool is_resumed)
{
	const struct job_kind *k = j->kind;
	unsigned at = 0;

	if (k == NULL) {
		(void)err_set(&j->cause, ERR_BUG, "this program knows no job of kind '%s'",
		    j->row.kind);
		j->undoing = true;
		return;
	}
	while (at < k->step_count && strcmp(k->steps[at].name, j->row.step) != 0)
		at++;
	if (!is_resumed) {
		j->step = 0;
	} else if (j->undoing) {
		j->step = at < k->step_count ? at + 1 : 0;
	} else if (at < k->step_count || j->row.step[0] == '\0') {
		j->step = at;
		j->touched = at < k->step_count ? at + 1 : at;
	} else {
		(void)err_set(&j->cause, ERR_BUG, "a %s job has no step '%s'", k->name, j->row.step);
		j->undoing = true;
	}
}

#define CLAIM_COLUMNS JOB_ROW_COLUMNS \
	", operation_id, operation_ends_with_job, undoing, cause_kind, cause_code, cause_message," \
	" state, lease_holder"

static int read_job(struct job *j, struct db_stmt *q, struct err *e)
{
	unsigned col = JOB_ROW_COLUMN_COUNT;

	if (job_row_read(q, &j->row, e) != 0)
		return -1;
	if (!job_take_text(q, col, &j->operation_id))
		return err_nomem(e);
	j->operation_ends_with_job = db_col_int(q, col + 1) != 0;
	j->undoing = db_col_int(q, col + 2) != 0;
	if (read_cause(q, col + 3, j, e) != 0 ||
	    jparse(str_c(db_col_text(q, col + 6)), &j->state, e) != 0)
		return -1;
	j->kind = kind_of(j->engine, j->row.kind);
	find_step(j, str_c(db_col_text(q, col + 7)).n != 0);
	j->cancel = strcmp(j->row.status, JOB_CANCELLING) == 0;
	j->done = j->done_saved = j->row.done;
	j->total = j->total_saved = j->row.total;
	return 0;
}

static int take(struct job *j, struct db_conn *c, int64_t now_us, struct err *e)
{
	const struct job_engine *en = j->engine;

	if (db_exec(c, e, "UPDATE job SET lease_holder = $2, lease_end_us = $3, step = $4"
	    " WHERE id = $1", "ssis", j->row.id, en->holder, now_us + en->opts.lease_us,
	    job_step_name(j)) < 0)
		return -1;
	if (j->operation_id == NULL)
		return 0;
	if (operation_set_job(c, j->operation_id, j->row.id, e) != 0)
		return -1;
	/* Succeeded says "the job exists and is under way", not that it went well. */
	return j->operation_ends_with_job ? 0
	    : operation_finish(c, j->operation_id, OP_SUCCEEDED, NULL, NULL, now_us, e);
}

/* Asked before the writer's turn is taken: most looks find nothing. */
static int any_free(struct job_engine *en, int64_t now_us, struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	auto_stmt struct db_stmt q = { 0 };

	if (db_read_begin(en->opts.db, &c, e) != 0 ||
	    db_prepare(c, "SELECT 1 FROM job WHERE end_us = 0 AND lease_end_us <= $1 LIMIT 1", &q,
	    e) != 0 || db_bind_int(&q, 1, now_us, e) != 0)
		return -1;
	return db_step(&q, e);
}

static int claim_in(struct job_engine *en, struct db_conn *c, int64_t now_us, struct job **ret,
    struct err *e)
{
	cleanup_with(job_free_p) struct job *j = calloc(1, sizeof(*j));
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (j == NULL)
		return err_nomem(e);
	j->engine = en;
	if (db_prepare(c, "SELECT " CLAIM_COLUMNS " FROM job WHERE end_us = 0 AND lease_end_us <= $1"
	    " ORDER BY priority DESC, lease_end_us, start_us, id LIMIT 1", &q, e) != 0 ||
	    db_bind_int(&q, 1, now_us, e) != 0)
		return -1;
	rc = db_step(&q, e);
	if (rc <= 0)
		return rc;
	if (read_job(j, &q, e) != 0 || take(j, c, now_us, e) != 0)
		return -1;
	*ret = TAKE(j);
	return 1;
}

int job_claim(struct job_engine *en, struct job **ret, struct err *e)
{
	cleanup_with(job_free_p) struct job *j = NULL;
	auto_conn struct db_conn *c = NULL;
	int64_t now_us = clock_now_us(en->opts.clock);
	int rc = any_free(en, now_us, e);

	if (rc <= 0)
		return rc;
	if (db_write_begin(en->opts.db, &c, e) != 0)
		return -1;
	rc = claim_in(en, c, now_us, &j, e);
	if (rc <= 0)
		return rc;
	if (db_commit(&c, e) != 0)
		return -1;
	*ret = TAKE(j);
	return 1;
}

int job_release(struct job *j, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (db_write_begin(j->engine->opts.db, &c, e) != 0)
		return -1;
	if (db_exec(c, e, "UPDATE job SET lease_end_us = 0 WHERE id = $1 AND lease_holder = $2", "ss",
	    j->row.id, j->engine->holder) < 0)
		return -1;
	return db_commit(&c, e);
}
