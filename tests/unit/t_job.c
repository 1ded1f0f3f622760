/* t_job.c - the engine: order, crashes, cancellation, undo, leases, progress; and job rows.
 *
 * The steps of the test kind write their names to a file, so that what ran is known even of a
 * process that died.  "crash DIR" runs the same program as that process. */
#include "t.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "job/job.h"
#include "job/operation.h"

#define VAULT "/subscriptions/S/resourceGroups/G/providers/P/vaults/V"
#define ITEM VAULT "/items/I"

struct world {
	char dir[64], log[96], path[96];
	struct db *db;
	struct job_engine *engine;
};

static void note(struct job *j, struct world *w, const char *what)
{
	auto_close int fd = open(w->log, O_WRONLY | O_APPEND | O_CREAT, 0600);

	(void)j;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, what, strlen(what)), (ssize_t)strlen(what));
}

static bool wants(struct job *j, const char *what)
{
	return strstr(jstr(job_args(j), "do", ""), what) != NULL;
}

static void nap(void)
{
	(void)nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
}

static int step_one(struct job *j, void *world, struct err *e)
{
	note(j, world, "one ");
	if (job_task_start(j, "Take Snapshot", e) != 0 || job_bag_set(j, "VM Name", "vm1", e) != 0 ||
	    job_bag_set(j, "Nothing", NULL, e) != 0)
		return -1;
	return jset(job_state(j), "seen", json_integer(jint(job_state(j), "seen", 0) + 1), e);
}

static int step_two(struct job *j, void *world, struct err *e)
{
	note(j, world, "two ");
	if (wants(j, "progress"))
		job_progress(j, 50, 200);
	while (wants(j, "wait") && !job_cancel_asked(j))
		nap();
	if (wants(j, "wait"))
		return err_set(e, ERR_CANCELLED, "waiting");
	if (wants(j, "warn") && job_warn(j, &(struct err){ .kind = ERR_IO, .msg = "look here" },
	    e) != 0)
		return -1;
	return job_task_end(j, "Take Snapshot", "1 GB", e);
}

static int step_three(struct job *j, void *world, struct err *e)
{
	note(j, world, "three ");
	assert_int_equal(jint(job_state(j), "seen", 0), 1);
	if (wants(j, "fail"))
		return err_code(e, ERR_NO_SPACE, "UserErrorVmNotFoundV2", "copying: disk full");
	return 0;
}

static int undo_one(struct job *j, void *world, struct err *e)
{
	(void)e;
	note(j, world, "-one ");
	return 0;
}

static int undo_two(struct job *j, void *world, struct err *e)
{
	note(j, world, "-two ");
	return wants(j, "badundo") ? err_set(e, ERR_IO, "file is stuck") : 0;
}

static int undo_three(struct job *j, void *world, struct err *e)
{
	(void)e;
	note(j, world, "-three ");
	return 0;
}

static int ended(struct job *j, struct db_conn *c, const char *status, const struct err *cause,
    void *world, struct err *e)
{
	assert_true((cause == NULL) == (strcmp(status, JOB_COMPLETED) == 0 ||
	    strcmp(status, JOB_WARNINGS) == 0));
	note(j, world, status);
	return db_exec(c, e, "INSERT INTO fact (key, value) VALUES ($1, $2)", "ss", job_id(j),
	    status) < 0 ? -1 : 0;
}

static const struct job_step steps[] = {
	{ "one", step_one, undo_one },
	{ "two", step_two, undo_two },
	{ "three", step_three, undo_three },
};
static const struct job_kind test_kind = { "test", steps, ARRAY_LEN(steps), ended };
static const struct job_kind *const kinds[] = { &test_kind, NULL };

static struct job_engine *engine(struct world *w, struct db *db, unsigned workers, int64_t lease_us)
{
	struct err e = { 0 };
	struct job_engine *en = NULL;
	struct job_engine_opts o = { .db = db, .clock = &clock_system, .world = w, .kinds = kinds,
		.workers = workers, .lease_us = lease_us };

	OK(job_engine_start(&o, &en, &e));
	return en;
}

static void submit_spec(struct world *w, const char *kind, const char *what, bool ends_op,
    int priority, char id[GUID_SIZE])
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_json json_t *args = json_pack("{s:s}", "do", what);
	char op[64];
	int64_t now = clock_now_us(&clock_system);

	OK(db_write_begin(w->db, &c, &e));
	OK(operation_create(c, NULL, "test", VAULT, ITEM, NULL, now, op, &e));
	OK(job_submit(c, &(struct job_spec){ .kind = kind, .vault = VAULT, .item = ITEM,
	    .operation = "Backup", .friendly_name = "vm1", .cancellable = true, .operation_id = op,
	    .operation_ends_with_job = ends_op, .args = args,
	    .priority = priority,
	    .tasks = (const char *const[]){ "Take Snapshot", "Transfer data to vault", NULL } }, now,
	    id, &e));
	OK(db_exec(c, &e, "INSERT INTO fact (key, value) VALUES ($1 || 'op', $2)", "ss", id, op));
	OK(db_commit(&c, &e));
	if (w->engine != NULL)
		job_engine_wake(w->engine);
}

static void submit_kind(struct world *w, const char *kind, const char *what, bool ends_op,
    char id[GUID_SIZE])
{
	submit_spec(w, kind, what, ends_op, 0, id);
}

static void submit(struct world *w, const char *what, bool ends_op, char id[GUID_SIZE])
{
	submit_kind(w, "test", what, ends_op, id);
}

static struct job_row row_of(struct world *w, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	struct job_row r = { 0 };

	OK(db_read_begin(w->db, &c, &e));
	assert_int_equal(job_get(c, id, &r, &e), 1);
	return r;
}

static struct operation operation_of(struct world *w, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_stmt struct db_stmt q = { 0 };
	struct operation o = { 0 };

	OK(db_read_begin(w->db, &c, &e));
	OK(db_prepare(c, "SELECT value FROM fact WHERE key = $1 || 'op'", &q, &e));
	OK(db_bind_text(&q, 1, id, &e));
	assert_int_equal(db_step(&q, &e), 1);
	assert_int_equal(operation_get(c, db_col_text(&q, 0), &o, &e), 1);
	return o;
}

static struct job_row wait_end(struct world *w, const char *id)
{
	for (int i = 0; i < 4000; i++) {
		struct job_row r = row_of(w, id);

		if (r.end_us != 0)
			return r;
		job_row_done(&r);
		nap();
	}
	fail_msg("job %s does not end", id);
	return (struct job_row){ 0 };
}

static void wait_log(struct world *w, const char *text)
{
	for (int i = 0; i < 4000; i++) {
		struct err e = { 0 };
		auto_buf struct buf b = { 0 };

		if (access(w->log, F_OK) == 0 && fs_read_all(w->log, 1 << 20, &b, &e) == 0 &&
		    b.p != NULL && strcmp(b.p, text) == 0)
			return;
		nap();
	}
	fail_msg("the log never becomes '%s'", text);
}

static void assert_log(struct world *w, const char *text)
{
	struct err e = { 0 };
	auto_buf struct buf b = { 0 };

	OK(fs_read_all(w->log, 1 << 20, &b, &e));
	assert_string_equal(b.p, text);
}

static void paths(struct world *w, const char *dir)
{
	(void)snprintf(w->dir, sizeof(w->dir), "%s", dir);
	(void)snprintf(w->path, sizeof(w->path), "%s/control.db", dir);
	(void)snprintf(w->log, sizeof(w->log), "%s/log", dir);
}

static int setup_dir(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char dir[] = "/tmp/t_job.XXXXXX";

	assert_non_null(w);
	assert_non_null(mkdtemp(dir));
	paths(w, dir);
	*state = w;
	return 0;
}

static int setup(void **state)
{
	struct err e = { 0 };
	struct world *w;

	assert_int_equal(setup_dir(state), 0);
	w = *state;
	OK(db_open(w->path, &w->db, &e));
	w->engine = engine(w, w->db, 2, 0);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	job_engine_stop(w->engine);
	db_close(w->db);
	(void)unlink(w->log);
	assert_int_equal(unlink(w->path), 0);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

/* ---- one job ---- */

static void steps_run_in_order_and_rows_tell(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };
	auto_operation struct operation o = { 0 };
	json_t *task;

	submit(w, "", false, id);
	r = wait_end(w, id);
	o = operation_of(w, id);
	assert_log(w, "one two three Completed");
	assert_string_equal(r.status, JOB_COMPLETED);
	assert_string_equal(r.step, "");
	assert_true(r.percent == 100.0);
	assert_true(r.end_us >= r.start_us);
	assert_int_equal(json_array_size(r.errors), 0);
	assert_string_equal(jstr(r.bag, "VM Name", ""), "vm1");
	assert_true(json_is_null(json_object_get(r.bag, "Nothing")));
	task = json_array_get(r.tasks, 0);
	assert_string_equal(jstr(task, "taskId", ""), "Take Snapshot");
	assert_string_equal(jstr(task, "status", ""), "Completed");
	assert_string_equal(jstr(task, "taskType", ""), "Normal");
	assert_string_equal(jstr(task, "taskExecutionDetails", ""), "1 GB");
	assert_int_equal(jstr(task, "duration", "")[0], 'P');
	assert_string_equal(jstr(json_array_get(r.tasks, 1), "status", ""), "NotStarted");
	assert_string_equal(o.status, OP_SUCCEEDED);
	assert_string_equal(o.job_id, id);
}

static void a_failure_undoes_newest_first(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };
	auto_operation struct operation o = { 0 };
	json_t *error;

	submit(w, "fail", true, id);
	r = wait_end(w, id);
	o = operation_of(w, id);
	assert_log(w, "one two three -three -two -one Failed");
	assert_string_equal(r.status, JOB_FAILED);
	assert_int_equal(json_array_size(r.errors), 1);
	error = json_array_get(r.errors, 0);
	assert_int_equal(jint(error, "errorCode", 0), 400136);
	assert_string_equal(jstr(error, "errorTitle", ""), "UserErrorVmNotFoundV2");
	assert_string_equal(jstr(error, "errorString", ""), "copying: disk full");
	assert_int_equal(json_array_size(json_object_get(error, "recommendations")), 1);
	assert_string_equal(o.status, OP_FAILED);
	assert_string_equal(o.error_code, "UserErrorVmNotFoundV2");
	assert_string_equal(o.error_message, "copying: disk full");
	assert_true(o.end_us != 0);
}

static void a_failing_undo_is_told_and_stops_no_other(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };

	submit(w, "fail badundo", true, id);
	r = wait_end(w, id);
	assert_log(w, "one two three -three -two -one Failed");
	assert_int_equal(json_array_size(r.errors), 2);
	CONTAINS(jstr(json_array_get(r.errors, 1), "errorString", ""), "undoing step 'two'");
	CONTAINS(jstr(json_array_get(r.errors, 1), "errorString", ""), "file is stuck");
}

static void a_warning_changes_the_final_status(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };

	submit(w, "warn", true, id);
	r = wait_end(w, id);
	assert_string_equal(r.status, JOB_WARNINGS);
	assert_string_equal(jstr(json_array_get(r.errors, 0), "errorString", ""), "look here");
}

static void cancel(struct world *w, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	OK(db_write_begin(w->db, &c, &e));
	OK(job_cancel(c, id, &e));
	OK(db_commit(&c, &e));
	job_engine_wake(w->engine);
}

static void a_cancelled_job_leaves_nothing(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };
	auto_operation struct operation o = { 0 };

	submit(w, "wait", true, id);
	wait_log(w, "one two ");
	cancel(w, id);
	r = wait_end(w, id);
	o = operation_of(w, id);
	assert_log(w, "one two -two -one Cancelled");
	assert_string_equal(r.status, JOB_CANCELLED);
	assert_string_equal(jstr(json_array_get(r.errors, 0), "errorTitle", ""),
	    "UserErrorJobSuccessfullyCancelled");
	assert_string_equal(jstr(json_array_get(r.tasks, 0), "status", ""), "Cancelled");
	assert_string_equal(o.status, OP_CANCELED);
}

static void a_cancel_whose_undo_fails_is_a_failure(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };

	submit(w, "wait badundo", true, id);
	wait_log(w, "one two ");
	cancel(w, id);
	r = wait_end(w, id);
	assert_string_equal(r.status, JOB_FAILED);
	assert_int_equal(json_array_size(r.errors), 2);
}

static void what_cannot_be_cancelled_is_refused(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	char id[GUID_SIZE], other[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };
	auto_conn struct db_conn *c = NULL;

	submit(w, "", true, id);
	r = wait_end(w, id);
	OK(db_write_begin(w->db, &c, &e));
	FAILS(job_cancel(c, id, &e), ERR_CONFLICT);
	CONTAINS(e.msg, "The job isn't in a cancelable state");
	OK(job_submit(c, &(struct job_spec){ .kind = "test", .operation = "ConfigureBackup" }, 1,
	    other, &e));
	FAILS(job_cancel(c, other, &e), ERR_CONFLICT);
	CONTAINS(e.msg, "Cancellation isn't supported for this job type");
	FAILS(job_cancel(c, "no-such-job", &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, "no-such-job");
}

static void progress_reaches_the_row(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	bool seen = false;
	auto_job_row struct job_row r = { 0 };

	submit(w, "progress wait", true, id);
	for (int i = 0; i < 4000 && !seen; i++) {
		auto_job_row struct job_row now = row_of(w, id);

		assert_true(now.percent == 1.0 || now.percent == 25.0);
		seen = now.percent == 25.0 && now.done == 50 && now.total == 200;
		nap();
	}
	assert_true(seen);
	cancel(w, id);
	r = wait_end(w, id);
	assert_true(r.percent == 100.0);
}

static void an_unknown_kind_fails_clearly(void **state)
{
	struct world *w = *state;
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };

	submit_kind(w, "future", "", true, id);
	r = wait_end(w, id);
	assert_string_equal(r.status, JOB_FAILED);
	CONTAINS(jstr(json_array_get(r.errors, 0), "errorString", ""), "'future'");
}

/* ---- leases ---- */

static void stopping_leaves_the_job_to_the_next_start(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 }, end = { 0 };
	struct db_conn *c = NULL;

	submit(w, "wait", true, id);
	wait_log(w, "one two ");
	job_engine_stop(w->engine);
	w->engine = NULL;
	r = row_of(w, id);
	assert_string_equal(r.status, JOB_IN_PROGRESS);
	assert_string_equal(r.step, "two");
	assert_log(w, "one two ");
	OK(db_write_begin(w->db, &c, &e));
	OK(db_exec(c, &e, "UPDATE job SET args = '{}'", ""));
	OK(db_commit(&c, &e));
	w->engine = engine(w, w->db, 1, 0);
	end = wait_end(w, id);
	assert_log(w, "one two two three Completed");
	assert_string_equal(end.status, JOB_COMPLETED);
}

static void of_those_that_wait_the_highest_comes_first(void **state)
{
	struct world *w = *state;
	char id[3][GUID_SIZE];

	job_engine_stop(w->engine);
	w->engine = NULL;
	submit(w, "", true, id[0]);
	submit(w, "fail", true, id[1]);
	submit_spec(w, "test", "warn", true, 1, id[2]);
	w->engine = engine(w, w->db, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(id); i++) {
		auto_job_row struct job_row r = wait_end(w, id[i]);

		assert_int_not_equal(r.end_us, 0);
	}
	assert_log(w, "one two three " JOB_WARNINGS "one two three " JOB_COMPLETED
	    "one two three -three -two -one " JOB_FAILED);
}

static void a_lease_of_somebody_else_is_waited_for(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };
	struct db_conn *c = NULL;
	int64_t end_us = clock_now_us(&clock_system) + 1500000;

	job_engine_stop(w->engine);
	w->engine = NULL;
	submit(w, "", true, id);
	OK(db_write_begin(w->db, &c, &e));
	OK(db_exec(c, &e, "UPDATE job SET lease_holder = 'somebody', lease_end_us = $1, step = 'two',"
	    " state = '{\"seen\":1}'", "i", end_us));
	OK(db_commit(&c, &e));
	w->engine = engine(w, w->db, 2, 0);
	r = wait_end(w, id);
	assert_true(r.end_us >= end_us);
	assert_log(w, "two three Completed");
}

static void a_job_that_was_taken_over_is_let_go(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	char id[GUID_SIZE];
	auto_job_row struct job_row r = { 0 };
	struct db_conn *c = NULL;

	submit(w, "wait progress", true, id);
	wait_log(w, "one two ");
	OK(db_write_begin(w->db, &c, &e));
	OK(db_exec(c, &e, "UPDATE job SET lease_holder = 'somebody', args = '{}'", ""));
	OK(db_commit(&c, &e));
	job_engine_stop(w->engine);
	w->engine = NULL;
	assert_log(w, "one two ");	/* neither finished nor undone by us */
	OK(db_write_begin(w->db, &c, &e));
	OK(db_exec(c, &e, "UPDATE job SET lease_end_us = 0", ""));
	OK(db_commit(&c, &e));
	w->engine = engine(w, w->db, 2, 0);
	r = wait_end(w, id);
	assert_string_equal(r.status, JOB_COMPLETED);
}

static void two_engines_run_no_job_twice(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	char id[20][GUID_SIZE];
	struct db *db2 = NULL;
	struct job_engine *other;
	auto_buf struct buf b = { 0 };

	OK(db_open(w->path, &db2, &e));
	other = engine(w, db2, 2, 0);
	for (size_t i = 0; i < ARRAY_LEN(id); i++) {
		submit(w, "", true, id[i]);
		job_engine_wake(other);
	}
	for (size_t i = 0; i < ARRAY_LEN(id); i++) {
		auto_job_row struct job_row r = wait_end(w, id[i]);

		assert_string_equal(r.status, JOB_COMPLETED);
	}
	job_engine_stop(other);
	db_close(db2);
	OK(fs_read_all(w->log, 1 << 20, &b, &e));
	assert_int_equal(b.n, ARRAY_LEN(id) * strlen("one two three Completed"));
}

/* ---- crashes: the program runs itself, to be killed ---- */

static int crash_main(const char *dir)
{
	struct world w = { 0 };
	struct err e = { 0 };
	char id[GUID_SIZE];
	struct job_row r;

	paths(&w, dir);
	OK(db_open(w.path, &w.db, &e));
	if (access(w.log, F_OK) != 0)
		submit(&w, getenv("T_JOB_DO"), true, id);
	{
		auto_conn struct db_conn *c = NULL;
		auto_stmt struct db_stmt q = { 0 };

		OK(db_read_begin(w.db, &c, &e));
		OK(db_prepare(c, "SELECT id FROM job", &q, &e));
		assert_int_equal(db_step(&q, &e), 1);
		(void)snprintf(id, sizeof(id), "%s", db_col_text(&q, 0));
	}
	w.engine = engine(&w, w.db, 1, 0);
	r = wait_end(&w, id);
	job_row_done(&r);
	job_engine_stop(w.engine);
	db_close(w.db);
	return 0;
}

static int run_self(const struct world *w, const char *what, const char *failpoints)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setenv("T_JOB_DO", what, 1);
		if (failpoints != NULL)
			(void)setenv("HOLDFAST_FAILPOINTS", failpoints, 1);
		(void)execl("/proc/self/exe", "t_job", "crash", w->dir, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void crash_and_resume(struct world *w, const char *what, const char *failpoints,
    const char *before, const char *after, const char *final)
{
	struct err e = { 0 };
	int status = run_self(w, what, failpoints);
	auto_free char *all = NULL;

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	if (before[0] != '\0')
		assert_log(w, before);
	status = run_self(w, what, NULL);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(asprintf(&all, "%s%s", before, after) > 0);
	assert_log(w, all);
	OK(db_open(w->path, &w->db, &e));
	{
		auto_conn struct db_conn *c = NULL;
		auto_stmt struct db_stmt q = { 0 };

		OK(db_read_begin(w->db, &c, &e));
		OK(db_prepare(c, "SELECT status FROM job WHERE end_us > 0", &q, &e));
		assert_int_equal(db_step(&q, &e), 1);
		assert_string_equal(db_col_text(&q, 0), final);
	}
	db_close(w->db);
	w->db = NULL;
	(void)unlink(w->log);
	(void)unlink(w->path);
}

static int crash_teardown(void **state)
{
	struct world *w = *state;

	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static void a_killed_job_goes_on_where_it_was(void **state)
{
	static const struct {
		const char *failpoint, *before, *after;
	} rows[] = {
		{ "test/one/unsaved=kill", "one ", "one two three Completed" },
		{ "test/one/after=kill", "one ", "two three Completed" },
		{ "test/two/before=kill", "one ", "two three Completed" },
		{ "test/two/unsaved=kill", "one two ", "two three Completed" },
		{ "test/two/after=kill", "one two ", "three Completed" },
		{ "test/three/before=kill", "one two ", "three Completed" },
		{ "test/three/unsaved=kill", "one two three ", "three Completed" },
		{ "test/three/after=kill", "one two three ", "Completed" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		crash_and_resume(*state, "", rows[i].failpoint, rows[i].before, rows[i].after,
		    JOB_COMPLETED);
}

static void a_job_killed_while_undoing_goes_on_undoing(void **state)
{
	crash_and_resume(*state, "fail", "test/two/undo=kill", "one two three -three ",
	    "-two -one Failed", JOB_FAILED);
	crash_and_resume(*state, "fail", "test/three/undo=kill", "one two three ",
	    "-three -two -one Failed", JOB_FAILED);
}

static void a_failpoint_error_fails_the_step(void **state)
{
	struct world *w = *state;
	int status = run_self(w, "", "test/two/after=error");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_log(w, "one two -two -one Failed");
	(void)unlink(w->log);
	(void)unlink(w->path);
}

/* ---- rows ---- */

static void make_row(struct db_conn *c, const char *kind, const char *item, int64_t t_us,
    bool is_over)
{
	struct err e = { 0 };
	char id[GUID_SIZE];

	OK(job_submit(c, &(struct job_spec){ .kind = kind, .vault = VAULT, .item = item,
	    .operation = t_us % 2 != 0 ? "Restore" : "Backup" }, t_us, id, &e));
	if (is_over)
		OK(db_exec(c, &e, "UPDATE job SET end_us = 1, status = 'Completed' WHERE id = $1",
		    "s", id));
}

struct times {
	char text[256];
	char *cursor;
};

static int collect(void *arg, struct job_row *r, struct err *e)
{
	struct times *t = arg;
	char one[24];

	(void)e;
	(void)snprintf(one, sizeof(one), "%d ", (int)r->start_us);
	(void)strcat(t->text, one);
	free(t->cursor);
	t->cursor = job_cursor(r);
	return 0;
}

#define LISTS(expected, ...) \
	do { \
		struct times got_ = { 0 }; \
		OK(job_list(c, &(struct job_query){ __VA_ARGS__ }, collect, &got_, &e)); \
		assert_string_equal(got_.text, expected); \
		free(got_.cursor); \
	} while (0)

static void lists_filter_and_page(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_job_row struct job_row r = { 0 }, none = { 0 };
	struct times pages = { 0 };

	OK(db_write_begin(w->db, &c, &e));
	for (int64_t i = 1; i <= 6; i++)
		make_row(c, i == 3 ? "other" : "backup", i <= 3 ? ITEM : ITEM "2", i, i != 3 && i != 5);
	LISTS("6 5 4 3 2 1 ", .vault = VAULT);
	LISTS("6 5 4 3 2 1 ", .item = NULL);
	LISTS("3 2 1 ", .vault = "/SUBSCRIPTIONS/S/resourceGroups/G/providers/P/vaults/v",
	    .item = ITEM);
	LISTS("5 3 ", .vault = VAULT, .status = "INPROGRESS");
	LISTS("5 3 1 ", .vault = VAULT, .operation = "restore");
	LISTS("4 3 2 ", .vault = VAULT, .from_us = 2, .to_us = 4);
	LISTS("", .vault = "another");
	for (int i = 0; i < 4; i++) {
		auto_free char *after = pages.cursor != NULL ? strdup(pages.cursor) : NULL;

		OK(job_list(c, &(struct job_query){ .vault = VAULT, .limit = 2, .after = after },
		    collect, &pages, &e));
	}
	assert_string_equal(pages.text, "6 5 4 3 2 1 ");
	free(pages.cursor);
	FAILS(job_list(c, &(struct job_query){ .after = "x" }, collect, NULL, &e), ERR_INVALID);
	assert_int_equal(job_running_on(c, ITEM, &none, &e), 0);	/* "other" excludes nobody */
	assert_int_equal(job_running_on(c, ITEM "2", &r, &e), 1);
	assert_int_equal(r.start_us, 5);
}

static void operations_stay_as_they_ended(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_operation struct operation o = { 0 }, none = { 0 };
	auto_json json_t *result = json_pack("{s:i}", "n", 1);
	char id[64];

	OK(db_write_begin(w->db, &c, &e));
	OK(operation_create(c, "Abc;def", "export", VAULT, ITEM, NULL, 5, id, &e));
	assert_string_equal(id, "Abc;def");
	FAILS(operation_create(c, "abc;DEF", "export", VAULT, ITEM, NULL, 5, NULL, &e),
	    ERR_CONFLICT);
	OK(operation_finish(c, "ABC;def", OP_SUCCEEDED, NULL, result, 9, &e));
	OK(operation_finish(c, "ABC;def", OP_FAILED, &(struct err){ .kind = ERR_IO }, NULL, 10, &e));
	assert_int_equal(operation_get(c, "abc;def", &o, &e), 1);
	assert_string_equal(o.id, "Abc;def");
	assert_string_equal(o.status, OP_SUCCEEDED);
	assert_string_equal(o.scope, ITEM);
	assert_int_equal(o.start_us, 5);
	assert_int_equal(o.end_us, 9);
	assert_null(o.error_code);
	assert_int_equal(jint(o.result, "n", 0), 1);
	assert_int_equal(operation_get(c, "abc", &none, &e), 0);
}

static int setup_idle(void **state)
{
	struct world *w;

	assert_int_equal(setup(state), 0);
	w = *state;
	job_engine_stop(w->engine);
	w->engine = NULL;
	return 0;
}

#define WITH_ENGINE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define WITHOUT_ENGINE(t) cmocka_unit_test_setup_teardown(t, setup_idle, teardown)
#define WITH_CRASHES(t) cmocka_unit_test_setup_teardown(t, setup_dir, crash_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_ENGINE(steps_run_in_order_and_rows_tell),
		WITH_ENGINE(a_failure_undoes_newest_first),
		WITH_ENGINE(a_failing_undo_is_told_and_stops_no_other),
		WITH_ENGINE(a_warning_changes_the_final_status),
		WITH_ENGINE(a_cancelled_job_leaves_nothing),
		WITH_ENGINE(a_cancel_whose_undo_fails_is_a_failure),
		WITH_ENGINE(what_cannot_be_cancelled_is_refused),
		WITH_ENGINE(progress_reaches_the_row),
		WITH_ENGINE(an_unknown_kind_fails_clearly),
		WITH_ENGINE(stopping_leaves_the_job_to_the_next_start),
		WITH_ENGINE(of_those_that_wait_the_highest_comes_first),
		WITH_ENGINE(a_lease_of_somebody_else_is_waited_for),
		WITH_ENGINE(a_job_that_was_taken_over_is_let_go),
		WITH_ENGINE(two_engines_run_no_job_twice),
		WITH_CRASHES(a_killed_job_goes_on_where_it_was),
		WITH_CRASHES(a_job_killed_while_undoing_goes_on_undoing),
		WITH_CRASHES(a_failpoint_error_fails_the_step),
		WITHOUT_ENGINE(lists_filter_and_page),
		WITHOUT_ENGINE(operations_stay_as_they_ended),
	};

	if (argc == 3 && strcmp(argv[1], "crash") == 0)
		return crash_main(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
