/* t_base.c - the vocabulary: errors, strings, buffers, times, codecs, queue, files. */
#include "t.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/queue.h"

static void err_grows_from_inside_out(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_sys(&e, ENOSPC, "writing '%s'", "/x"), -1);
	assert_int_equal(e.kind, ERR_NO_SPACE);
	(void)err_in(&e, "backing up '%s'", "vm1");
	assert_string_equal(e.msg, "backing up 'vm1': writing '/x': No space left on device");
	(void)err_set(&e, ERR_IO, "again: %s", e.msg);
	CONTAINS(e.msg, "again: backing up");
	(void)err_set(&e, ERR_INVALID, "%0900d end", 0);
	(void)err_in(&e, "disk");
	CONTAINS(e.msg, "0 end");	/* short context, long cause: nothing is lost */
	(void)err_in(&e, "%0600d", 1);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

static void str_compares_without_case(void **state)
{
	(void)state;
	assert_true(str_ieq(STR("ResourceGroups"), STR("resourcegroups")));
	assert_false(str_ieq(STR("a"), STR("ab")));
	assert_true(str_istarts(STR("VM;x"), STR("vm;")));
}

static void times_as_text(void **state)
{
	char t[TIME_TEXT_MAX];
	int64_t us = 0;

	(void)state;
	assert_true(time_parse_iso(STR("2024-05-14T08:48:52.7025690Z"), &us));
	assert_string_equal(time_iso(us, t), "2024-05-14T08:48:52.702569Z");
	assert_string_equal(time_iso_seconds(us, t), "2024-05-14T08:48:52Z");
	assert_string_equal(time_us_english(us, t), "5/14/2024 8:48:52 AM");
	assert_string_equal(time_http(us, t), "Tue, 14 May 2024 08:48:52 GMT");
	assert_string_equal(time_compact(us, t), "20240514T084852Z");
	assert_string_equal(time_dashed(us, t), "20240514-084852");
	assert_string_equal(time_us_english(us - 48 * 60000000LL - 8 * 3600000000LL, t),
	    "5/14/2024 12:00:52 AM");
	assert_string_equal(time_duration(0, t), "PT0S");
	assert_string_equal(time_duration(68770000, t), "PT1M8.77S");
	assert_string_equal(time_duration(3600000000LL, t), "PT1H");
	assert_true(time_parse_iso(STR("2024-05-14T10:48:52+02:00"), &us));
	assert_string_equal(time_iso(us, t), "2024-05-14T08:48:52Z");
}

static void times_refused(void **state)
{
	static const char *const bad[] = { "", "yesterday", "2024-02-30T00:00:00Z", "2024-1-1T00:00:00Z",
		"2024-01-01T24:00:00Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00Zx", "2024-13-01T00:00:00Z" };
	int64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(time_parse_iso(str_c(bad[i]), &us));
}

static void filter_dates(void **state)
{
	int64_t a = 0, b = 0;

	(void)state;
	assert_true(time_parse_filter(STR("2024-05-01 12:00:00 AM"), &a));
	assert_true(time_parse_iso(STR("2024-05-01T00:00:00Z"), &b));
	assert_int_equal(a, b);
	assert_true(time_parse_filter(STR("2024-05-01 12:30:00 PM"), &a));
	assert_true(time_parse_iso(STR("2024-05-01T12:30:00Z"), &b));
	assert_int_equal(a, b);
	assert_true(time_parse_filter(STR("2024-05-01"), &a));
	assert_false(time_parse_filter(STR("2024-05-01 13:00:00 PM"), &a));
	assert_false(time_parse_filter(STR("2024-05-01 "), &a));
}

static void codecs_round_trip(void **state)
{
	unsigned char raw[70], back[70];
	char hex[HEX_SIZE(70)];

	(void)state;
	for (size_t n = 0; n < sizeof(raw); n++) {
		auto_buf struct buf b = { 0 }, u = { 0 }, d = { 0 }, du = { 0 };

		random_bytes(raw, n);
		hex_encode(raw, n, hex);
		assert_int_equal(hex_decode(str_c(hex), back, sizeof(back)), (int)n);
		assert_memory_equal(raw, back, n);
		base64_encode(&b, raw, n);
		base64url_encode(&u, raw, n);
		assert_int_equal(base64_decode(buf_str(&b), &d), 0);
		assert_int_equal(base64_decode(buf_str(&u), &du), 0);
		assert_int_equal(d.n, n);
		assert_int_equal(du.n, n);
		if (n > 0) {
			assert_memory_equal(d.p, raw, n);
			assert_memory_equal(du.p, raw, n);
		}
	}
	assert_int_equal(hex_decode(STR("abc"), back, 2), -1);
	assert_int_equal(hex_decode(STR("zz"), back, 2), -1);
}

static void guids(void **state)
{
	char g[GUID_SIZE];

	(void)state;
	assert_true(guid_valid(str_c(guid_new(g))));
	assert_int_equal(g[14], '4');
	assert_false(guid_valid(STR("00000000-0000-0000-0000-00000000000g")));
	assert_false(guid_valid(STR("short")));
}

static void percent(void **state)
{
	auto_buf struct buf b = { 0 }, c = { 0 };

	(void)state;
	assert_true(percent_decode(STR("a%3Bb%20c+"), &b));
	assert_string_equal(b.p, "a;b c+");
	assert_false(percent_decode(STR("%4"), &c));
	assert_false(percent_decode(STR("%zz"), &c));
	assert_false(percent_decode(STR("%00"), &c));
	buf_clear(&c);
	percent_encode(&c, STR("a;b/ c"));
	assert_string_equal(c.p, "a%3Bb%2F%20c");
}

static void arena_pieces_are_apart(void **state)
{
	auto_arena struct arena a = { 0 };
	char *x = arena_fmt(&a, "%d-%s", 7, "x"), *y = arena_lower(&a, STR("ABC"));
	char *big = arena_alloc(&a, 100000);

	(void)state;
	memset(big, 1, 100000);
	assert_string_equal(x, "7-x");
	assert_string_equal(y, "abc");
}

static void *producer(void *arg)
{
	for (uintptr_t i = 1; i <= 1000; i++)
		if (!queue_put(arg, (void *)i))
			return NULL;
	queue_close(arg);
	return NULL;
}

static void queue_keeps_order_and_drains(void **state)
{
	struct queue q;
	struct err e;
	pthread_t t;
	uintptr_t want = 1, got;

	(void)state;
	OK(queue_init(&q, 4, &e));
	assert_int_equal(pthread_create(&t, NULL, producer, &q), 0);
	while ((got = (uintptr_t)queue_get(&q)) != 0)
		assert_int_equal(got, want++);
	assert_int_equal(want, 1001);
	assert_false(queue_put(&q, &q));
	assert_int_equal(pthread_join(t, NULL), 0);
	queue_done(&q);
}

static void files_are_replaced_whole(void **state)
{
	char dir[] = "/tmp/holdfast-t-XXXXXX", path[64];
	auto_buf struct buf b = { 0 };
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/a/b", dir);
	OK(fs_mkdirs(path, 0755, &e));
	OK(fs_mkdirs(path, 0755, &e));
	(void)snprintf(path, sizeof(path), "%s/a/b/f", dir);
	OK(fs_write_atomic(path, "one", 3, 0600, &e));
	OK(fs_write_atomic(path, "three", 5, 0600, &e));
	OK(fs_read_all(path, 100, &b, &e));
	assert_string_equal(b.p, "three");
	FAILS(fs_read_all(path, 2, &b, &e), ERR_INVALID);
	CONTAINS(e.msg, path);
	FAILS(fs_read_all("/nonexistent/x", 2, &b, &e), ERR_NOT_FOUND);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

static void texts_are_cut_between_characters(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(utf8_copy(out, sizeof(out), "plain"), "plain");
	assert_string_equal(utf8_copy(out, sizeof(out), "12345678"), "1234567");
	assert_string_equal(utf8_copy(out, sizeof(out), "12345\xc3\xa9"), "12345\xc3\xa9");
	assert_string_equal(utf8_copy(out, sizeof(out), "123456\xc3\xa9"), "123456");
	assert_string_equal(utf8_copy(out, sizeof(out), "a\xc3"), "a?");
	assert_string_equal(utf8_copy(out, sizeof(out), "\xe2\x82\xac\xff"), "\xe2\x82\xac?");
	assert_string_equal(utf8_copy(out, sizeof(out), "\xed\xa0\x80"), "???");
	assert_string_equal(utf8_copy(out, sizeof(out), "\xf4\x90\x80\x80"), "????");
	assert_string_equal(utf8_copy(out, 1, "x"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_cut_between_characters),
		cmocka_unit_test(err_grows_from_inside_out),
		cmocka_unit_test(str_compares_without_case),
		cmocka_unit_test(times_as_text),
		cmocka_unit_test(times_refused),
		cmocka_unit_test(filter_dates),
		cmocka_unit_test(codecs_round_trip),
		cmocka_unit_test(guids),
		cmocka_unit_test(percent),
		cmocka_unit_test(arena_pieces_are_apart),
		cmocka_unit_test(queue_keeps_order_and_drains),
		cmocka_unit_test(files_are_replaced_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
