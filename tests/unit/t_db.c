/* t_db.c - transactions, statements, the pool, and what the database refuses. */
#include "t.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db/db.h"

struct place {
	char dir[64], path[96];
	struct db *db;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err e = { 0 };

	assert_non_null(p);
	strcpy(p->dir, "/tmp/t_db.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->path, sizeof(p->path), "%s/control.db", p->dir);
	OK(db_open(p->path, &p->db, &e));
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	const char *suffix[] = { "", "-wal", "-shm" };

	db_close(p->db);
	for (size_t i = 0; i < ARRAY_LEN(suffix); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s", p->path, suffix[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void put(struct db *db, const char *key, const char *value)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	OK(db_write_begin(db, &c, &e));
	OK(db_exec(c, &e, "INSERT INTO fact (key, value) VALUES ($1, $2)", "ss", key, value));
	OK(db_commit(&c, &e));
	assert_null(c);
}

static int64_t count(struct db_conn *c)
{
	struct err e = { 0 };
	auto_stmt struct db_stmt q = { 0 };

	OK(db_prepare(c, "SELECT count(*) FROM fact", &q, &e));
	assert_int_equal(db_step(&q, &e), 1);
	return db_col_int(&q, 0);
}

static void parameters_are_bound_by_their_number(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_stmt struct db_stmt q = { 0 };

	OK(db_read_begin(p->db, &c, &e));
	OK(db_prepare(c, "SELECT $2, $1, $3, $4, $5, $1", &q, &e));
	OK(db_bind_text(&q, 1, "one", &e));
	OK(db_bind_str(&q, 2, (struct str){ "two and more", 3 }, &e));
	OK(db_bind_int(&q, 3, INT64_MIN, &e));
	OK(db_bind_real(&q, 4, 0.5, &e));
	OK(db_bind_text(&q, 5, NULL, &e));
	assert_int_equal(db_step(&q, &e), 1);
	assert_string_equal(db_col_text(&q, 0), "two");
	assert_string_equal(db_col_text(&q, 1), "one");
	assert_true(db_col_int(&q, 2) == INT64_MIN);
	assert_true(db_col_real(&q, 3) == 0.5);
	assert_true(db_col_null(&q, 4));
	assert_false(db_col_null(&q, 5));
	assert_int_equal(db_step(&q, &e), 0);
	FAILS(db_bind_int(&q, 6, 0, &e), ERR_BUG);
}

static void a_reader_sees_one_snapshot(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	OK(db_read_begin(p->db, &c, &e));
	put(p->db, "k", "v");
	assert_int_equal(count(c), 0);
	OK(db_commit(&c, &e));
	OK(db_read_begin(p->db, &c, &e));
	assert_int_equal(count(c), 1);
	FAILS(db_exec(c, &e, "DELETE FROM fact", ""), ERR_DENIED);
}

static void rollback_leaves_no_trace(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	OK(db_write_begin(p->db, &c, &e));
	assert_int_equal(db_exec(c, &e, "INSERT INTO fact (key, value) VALUES ($1, $2)", "ss", "a",
	    "b"), 1);
	assert_int_equal(count(c), 1);
	db_rollback(&c);
	assert_null(c);
	OK(db_write_begin(p->db, &c, &e));
	assert_int_equal(count(c), 0);
}

static void a_second_row_of_one_key_is_a_conflict(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	put(p->db, "k", "v");
	OK(db_write_begin(p->db, &c, &e));
	FAILS(db_exec(c, &e, "INSERT INTO fact (key, value) VALUES ('k', 'w')", ""), ERR_CONFLICT);
	FAILS(db_exec(c, &e, "INSERT INTO fact (key, value) VALUES ('l', NULL)", ""), ERR_INVALID);
	FAILS(db_exec(c, &e, "no such statement", ""), ERR_BUG);
	OK(db_commit(&c, &e));	/* the transaction goes on after a refused statement */
}

static void statements_of_one_text_may_nest(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_stmt struct db_stmt outer = { 0 }, inner = { 0 };
	const char *sql = "SELECT key FROM fact ORDER BY key";

	put(p->db, "a", "");
	put(p->db, "b", "");
	OK(db_read_begin(p->db, &c, &e));
	OK(db_prepare(c, sql, &outer, &e));
	assert_int_equal(db_step(&outer, &e), 1);
	OK(db_prepare(c, sql, &inner, &e));
	assert_int_equal(db_step(&inner, &e), 1);
	assert_int_equal(db_step(&inner, &e), 1);
	assert_string_equal(db_col_text(&outer, 0), "a");
	assert_string_equal(db_col_text(&inner, 0), "b");
}

static void a_statement_ends_with_its_transaction(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_stmt struct db_stmt q = { 0 };

	put(p->db, "a", "");
	OK(db_write_begin(p->db, &c, &e));
	OK(db_prepare(c, "SELECT key FROM fact", &q, &e));
	assert_int_equal(db_step(&q, &e), 1);
	OK(db_commit(&c, &e));
	assert_null(db_col_text(&q, 0));
	FAILS(db_step(&q, &e), ERR_BUG);
}

static void more_texts_than_the_cache_holds_still_work(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	OK(db_read_begin(p->db, &c, &e));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 150; i++) {
			auto_stmt struct db_stmt q = { 0 };
			char sql[32];

			(void)snprintf(sql, sizeof(sql), "SELECT %d", i);
			OK(db_prepare(c, sql, &q, &e));
			assert_int_equal(db_step(&q, &e), 1);
			assert_int_equal(db_col_int(&q, 0), i);
		}
	}
}

static void *write_many(void *arg)
{
	struct db *db = arg;

	for (int i = 0; i < 20; i++) {
		char key[40];

		(void)snprintf(key, sizeof(key), "%lx-%d", (unsigned long)pthread_self(), i);
		put(db, key, "v");
	}
	return NULL;
}

static void *read_many(void *arg)
{
	struct db *db = arg;
	int64_t last = 0;

	for (int i = 0; i < 30; i++) {
		struct err e = { 0 };
		auto_conn struct db_conn *c = NULL;
		int64_t now;

		OK(db_read_begin(db, &c, &e));
		now = count(c);
		assert_true(now >= last);
		last = now;
	}
	return NULL;
}

/* More readers than the pool has connections: some wait, none fails. */
static void threads_share_the_pool_and_the_writer(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	pthread_t t[24];

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, i < 4 ? write_many : read_many,
		    p->db), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	OK(db_read_begin(p->db, &c, &e));
	assert_int_equal(count(c), 80);
}

static void data_outlives_the_program_and_is_private(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	struct stat st;

	put(p->db, "k", "v");
	db_close(p->db);
	p->db = NULL;
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	OK(db_open(p->path, &p->db, &e));
	OK(db_read_begin(p->db, &c, &e));
	assert_int_equal(count(c), 1);
}

static void a_newer_schema_and_foreign_files_are_refused(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	struct db *db;
	sqlite3 *h;
	FILE *f;

	assert_int_equal(sqlite3_open(p->path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "PRAGMA user_version=1000", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(h);
	FAILS(db_open(p->path, &db, &e), ERR_INVALID);
	CONTAINS(e.msg, "1000");
	CONTAINS(e.msg, p->path);
	db_close(p->db);
	p->db = NULL;
	f = fopen(p->path, "w");
	assert_non_null(f);
	for (int i = 0; i < 300; i++)
		(void)fputs("this is not a database\n", f);
	(void)fclose(f);
	FAILS(db_open(p->path, &db, &e), ERR_CORRUPT);
	FAILS(db_open("/nonexistent/control.db", &db, &e), ERR_NOT_FOUND);
}

/* As a database was before principals had several credentials: the one that there was counts. */
static void the_secret_of_the_first_schema_is_kept(void **state)
{
	struct place *p = *state;
	auto_conn struct db_conn *c = NULL;
	auto_stmt struct db_stmt q = { 0 };
	struct err e = { 0 };
	sqlite3 *h;

	db_close(p->db);
	p->db = NULL;
	assert_int_equal(sqlite3_open(p->path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "DROP TABLE credential; DROP TABLE role_assignment;"
	    "ALTER TABLE job DROP COLUMN priority;"
	    "ALTER TABLE principal ADD COLUMN secret TEXT NOT NULL DEFAULT '';"
	    "INSERT INTO principal VALUES ('c', 'o', 'admin', 'Owner', 'hash');"
	    "PRAGMA user_version=1", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(h);
	OK(db_open(p->path, &p->db, &e));
	OK(db_read_begin(p->db, &c, &e));
	OK(db_prepare(c, "SELECT p.name, k.kind, k.secret, k.expires_us FROM principal p"
	    " JOIN credential k ON k.client_id = p.client_id", &q, &e));
	assert_int_equal(db_step(&q, &e), 1);
	assert_string_equal(db_col_text(&q, 0), "admin");
	assert_string_equal(db_col_text(&q, 1), "secret");
	assert_string_equal(db_col_text(&q, 2), "hash");
	assert_int_equal(db_col_int(&q, 3), 0);
	assert_int_equal(db_step(&q, &e), 0);
}

/* Another program (`holdfast token`, beside the server) opens and closes the database. */
static void another_program_may_come_and_go(void **state)
{
	struct place *p = *state;
	char wal[128];
	int status = -1;
	pid_t pid;

	put(p->db, "before", "1");
	(void)snprintf(wal, sizeof(wal), "%s-wal", p->path);
	assert_int_equal(access(wal, F_OK), 0);
	pid = fork();
	if (pid == 0) {
		(void)execl("/proc/self/exe", "t_db", "--visit", p->path, (char *)NULL);
		_exit(9);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(wal, F_OK), 0);	/* the visitor did not take itself for the last */
	put(p->db, "after", "1");
}

static int visit(const char *path)
{
	struct db *db = NULL;
	struct err e;

	if (db_open(path, &db, &e) != 0)
		return 1;
	put(db, "visit", "1");
	db_close(db);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parameters_are_bound_by_their_number, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_sees_one_snapshot, setup, teardown),
		cmocka_unit_test_setup_teardown(rollback_leaves_no_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_row_of_one_key_is_a_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(statements_of_one_text_may_nest, setup, teardown),
		cmocka_unit_test_setup_teardown(a_statement_ends_with_its_transaction, setup, teardown),
		cmocka_unit_test_setup_teardown(more_texts_than_the_cache_holds_still_work, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(another_program_may_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_share_the_pool_and_the_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(data_outlives_the_program_and_is_private, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(the_secret_of_the_first_schema_is_kept, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_newer_schema_and_foreign_files_are_refused, setup,
		    teardown),
	};

	if (argc == 3 && strcmp(argv[1], "--visit") == 0)
		return visit(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
