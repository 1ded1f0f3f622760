/* t_audit.c - the audit log: what is appended, and what comes out again. */
#include "t.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "auth/audit.h"
#include "base/buf.h"
#include "base/fs.h"
#include "cli/audit_read.h"

#define NOVEMBER_US INT64_C(1795478400000000)	/* 2026-11-24T00:00:00Z */
#define DAY_US INT64_C(86400000000)
#define APP "00000000-0000-4000-8000-000000000001"
#define OID "00000000-0000-4000-8000-000000000002"

static char dir[64], logs[80];

static int set_up(void **state)
{
	(void)state;
	memcpy(dir, "/tmp/t_audit.XXXXXX", sizeof("/tmp/t_audit.XXXXXX"));
	assert_non_null(mkdtemp(dir));
	(void)snprintf(logs, sizeof(logs), "%s/audit", dir);
	return 0;
}

static int tear_down(void **state)
{
	struct err e;

	(void)state;
	OK(fs_remove_tree(dir, &e));
	return 0;
}

static void append(int64_t t_us, const char *action, const char *scope, int status)
{
	const struct audit_entry entry = { .time_us = t_us, .client_id = APP, .object_id = OID,
		.method = "PUT", .action = action, .scope = scope, .status = status };
	auto_close int fd = -1;
	struct err e;

	OK(audit_open(logs, t_us, &fd, &e));
	OK(audit_append(fd, &entry, &e));
}

static int take(void *arg, const json_t *line, struct str text, struct err *e)
{
	struct buf *b = arg;

	(void)text;
	(void)e;
	buf_addf(b, "%s %d;", jstr(line, "action", ""), (int)jint(line, "status", 0));
	return 0;
}

static void reads(const struct audit_filter *f, const char *want)
{
	auto_buf struct buf b = { 0 };
	struct err e;

	buf_adds(&b, ":");
	OK(audit_read(dir, f, take, &b, &e));
	assert_string_equal(b.p, want);
}

static void lines_come_back_in_order_and_by_filter(void **state)
{
	(void)state;
	append(NOVEMBER_US + 8 * DAY_US, "a/b/write", "/s", 201);
	append(NOVEMBER_US, "a/b/delete", "/s", 403);
	append(NOVEMBER_US + DAY_US, "a/c/write", "/s", 200);
	reads(&(struct audit_filter){ 0 }, ":a/b/delete 403;a/c/write 200;a/b/write 201;");
	reads(&(struct audit_filter){ .since_us = NOVEMBER_US + DAY_US },
	    ":a/c/write 200;a/b/write 201;");
	reads(&(struct audit_filter){ .since_us = NOVEMBER_US + 9 * DAY_US }, ":");
	reads(&(struct audit_filter){ .action = "A/B/*" }, ":a/b/delete 403;a/b/write 201;");
	reads(&(struct audit_filter){ .principal = OID, .action = "*/delete" }, ":a/b/delete 403;");
	reads(&(struct audit_filter){ .principal = "cli" }, ":");
}

static void a_month_is_a_file_for_its_owner_only(void **state)
{
	char path[128];
	struct stat st;

	(void)state;
	append(NOVEMBER_US, "a/b/write", "/s", 201);
	append(NOVEMBER_US + 8 * DAY_US, "a/b/write", "/s", 201);
	(void)snprintf(path, sizeof(path), "%s/2026-12.jsonl", logs);
	assert_int_equal(stat(path, &st), 0);
	(void)snprintf(path, sizeof(path), "%s/2026-11.jsonl", logs);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_blocks * 512 > st.st_size + 65536);	/* room for more is there already */
}

static void a_line_is_short_whatever_it_tells(void **state)
{
	auto_buf struct buf scope = { 0 };
	char path[128];
	struct stat st;

	(void)state;
	for (int i = 0; i < 4000; i++)
		buf_adds(&scope, "\xc3\xa9");
	append(NOVEMBER_US, "a/b/write", scope.p, 404);
	(void)snprintf(path, sizeof(path), "%s/2026-11.jsonl", logs);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 2000, 4000);
	reads(&(struct audit_filter){ 0 }, ":a/b/write 404;");
}

static void a_torn_line_hides_no_other(void **state)
{
	char path[128];
	int fd;

	(void)state;
	append(NOVEMBER_US, "a/b/write", "/s", 201);
	(void)snprintf(path, sizeof(path), "%s/2026-11.jsonl", logs);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "{\"time\"\n", 8), 8);
	append(NOVEMBER_US, "a/c/write", "/s", 200);
	assert_int_equal(write(fd, "{\"ti", 4), 4);
	assert_int_equal(close(fd), 0);
	reads(&(struct audit_filter){ 0 }, ":a/b/write 201;a/c/write 200;");
}

static void what_cannot_be_opened_is_told(void **state)
{
	struct err e;
	int fd = -1;

	(void)state;
	OK(fs_write_atomic(logs, "x", 1, 0600, &e));
	FAILS(audit_open(logs, NOVEMBER_US, &fd, &e), ERR_IO);
	CONTAINS(e.msg, "2026-11.jsonl'");
	assert_int_equal(fd, -1);
	FAILS(audit_open("/dev/full/audit", NOVEMBER_US, &fd, &e), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come_back_in_order_and_by_filter, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(a_month_is_a_file_for_its_owner_only, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(a_line_is_short_whatever_it_tells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_torn_line_hides_no_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_opened_is_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
