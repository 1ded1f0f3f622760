/* t_limits.c - token buckets on a clock that the test holds: their arithmetic, their bounded table,
 * what sign-ins make of them, what calls do. */
#include "t.h"

#include <pthread.h>
#include <stdlib.h>

#include "api/api.h"
#include "auth/buckets.h"
#include "auth/sign_in.h"

#define READS "x-ms-ratelimit-remaining-subscription-reads"
#define NOW_US INT64_C(1715680000000000)
#define SECOND INT64_C(1000000)
#define SUB "11111111-2222-4333-8444-555555555555"

static struct buckets *make(int64_t size, int64_t refill)
{
	struct buckets *b = NULL;
	struct err e;

	OK(buckets_new(size, refill, &b, &e));
	return b;
}

/* How many tokens can be taken at once. */
static int64_t drain(struct buckets *b, const char *key, int64_t now_us)
{
	struct bucket_state state;
	struct err e;
	int64_t n = 0;
	int r;

	do {
		OK(r = buckets_take(b, str_c(key), now_us, &state, &e));
		n += r;
		assert_int_equal(state.left == 0, state.wait_us > 0);
	} while (r > 0);
	return n;
}

static void a_bucket_empties_and_fills(void **state)
{
	struct buckets *b = make(250, 25);
	struct bucket_state s;
	struct err e;

	(void)state;
	OK(buckets_take(b, STR("a"), NOW_US, &s, &e));
	assert_int_equal(s.left, 249);
	assert_int_equal(drain(b, "a", NOW_US), 249);
	assert_int_equal(buckets_look(b, STR("a"), NOW_US, &s, &e), 0);
	assert_int_equal(s.wait_us, SECOND / 25);
	assert_int_equal(buckets_take(b, STR("a"), NOW_US + s.wait_us - 1, &s, &e), 0);
	assert_int_equal(s.wait_us, 1);
	assert_int_equal(buckets_take(b, STR("a"), NOW_US + SECOND / 25, &s, &e), 1);
	assert_int_equal(drain(b, "a", NOW_US + SECOND / 25 + SECOND), 25);
	assert_int_equal(drain(b, "a", NOW_US + 1000 * SECOND), 250);
	assert_int_equal(drain(b, "b", NOW_US), 250);	/* each key has its own */
	buckets_free(b);
	buckets_free(NULL);
}

static void a_clock_that_jumps_does_no_harm(void **state)
{
	struct buckets *b = make(10, 1);
	struct bucket_state s;
	struct err e;

	(void)state;
	assert_int_equal(drain(b, "a", NOW_US), 10);
	assert_int_equal(buckets_take(b, STR("a"), NOW_US - 3600 * SECOND, &s, &e), 0);
	assert_int_equal(buckets_take(b, STR("a"), INT64_MAX - 1, &s, &e), 1);
	assert_int_equal(s.left, 9);
	assert_int_equal(buckets_take(b, STR("a"), 0, &s, &e), 1);
	assert_int_equal(s.left, 8);
	buckets_free(b);
}

/* Many thousand keys once each: those that were emptied before are still known for the most part,
 * for the places of fuller ones are given up first. */
static void a_flood_of_keys_neither_refuses_nor_frees(void **state)
{
	struct buckets *b = make(10, 1);
	struct bucket_state s;
	struct err e;
	char key[32];
	int forgotten = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "empty %d", i);
		assert_int_equal(drain(b, key, NOW_US), 10);
	}
	for (int i = 0; i < 5 * BUCKETS_MAX; i++) {
		(void)snprintf(key, sizeof(key), "flood %d", i);
		assert_int_equal(buckets_take(b, str_c(key), NOW_US, &s, &e), 1);
	}
	for (int i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "empty %d", i);
		forgotten += buckets_look(b, str_c(key), NOW_US, &s, &e);
	}
	assert_in_range(forgotten, 0, 1);
	buckets_free(b);
}

static void *take_often(void *arg)
{
	struct bucket_state s;
	struct err e;
	intptr_t n = 0;

	for (int i = 0; i < 1000; i++)
		n += buckets_take(arg, STR("a"), NOW_US, &s, &e);
	return (void *)n;
}

static void threads_share_a_bucket(void **state)
{
	struct buckets *b = make(1500, 1);
	pthread_t thread[4];
	intptr_t total = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_often, b), 0);
	for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
		void *n;

		assert_int_equal(pthread_join(thread[i], &n), 0);
		total += (intptr_t)n;
	}
	assert_int_equal(total, 1500);
	buckets_free(b);
}

/* ---- sign-ins ---- */

static struct sign_ins *sign_ins(int64_t tries, int64_t wrong)
{
	const struct sign_in_limits l = { tries, 1, wrong, 1 };
	struct sign_ins *s = NULL;
	struct err e;

	OK(sign_ins_new(&l, &s, &e));
	return s;
}

/* Tries; whether it was let through. */
static bool try(struct sign_ins *s, const char *remote, const char *client, const char *secret,
    bool right)
{
	const struct sign_in t = { remote, client, secret };
	int64_t wait_us = 0;
	struct err e;
	int r;

	OK(r = sign_ins_begin(s, &t, NOW_US, &wait_us, &e));
	assert_int_equal(r == 0, wait_us > 0);
	if (r > 0)
		OK(sign_ins_end(s, &t, right, NOW_US, &e));
	return r > 0;
}

static void guessing_slows_down_nobody_else(void **state)
{
	struct sign_ins *s = sign_ins(0, 3);

	(void)state;
	assert_true(try(s, "10.0.0.1", "app", "good", true));
	for (int i = 0; i < 3; i++)
		assert_true(try(s, "10.0.0.1", "app", "bad", false));
	assert_false(try(s, "10.0.0.1", "app", "bad", false));
	assert_false(try(s, "10.0.0.1", "APP", "other", true));	/* ids have no case */
	assert_true(try(s, "10.0.0.1", "app", "good", true));	/* its owner, from there */
	assert_true(try(s, "10.0.0.2", "app", "other", true));	/* and from elsewhere */
	assert_true(try(s, "10.0.0.1", "app2", "good", true));
	assert_true(try(s, "10.0.0.1", "app", NULL, false));	/* assertions are not guessed */
	sign_ins_free(s);
	sign_ins_free(NULL);
}

static void a_secret_that_ended_is_a_wrong_one(void **state)
{
	struct sign_ins *s = sign_ins(0, 1);

	(void)state;
	assert_true(try(s, "10.0.0.1", "app", "old", true));
	assert_true(try(s, "10.0.0.1", "app", "old", false));
	assert_false(try(s, "10.0.0.1", "app", "old", false));
	sign_ins_free(s);
}

static void an_address_has_so_many_tries(void **state)
{
	struct sign_ins *s = sign_ins(3, 0);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(try(s, "2001:db8::1", i == 0 ? "a" : "b", i == 1 ? NULL : "x", i == 0));
	assert_false(try(s, "2001:db8::1", "c", "x", true));
	assert_false(try(s, "2001:db8::ffff:1", "c", "x", true));	/* the same network */
	assert_true(try(s, "2001:db8:0:1::1", "c", "x", true));
	assert_true(try(s, "::ffff:10.0.0.1", "c", "y", true));	/* IPv4 has no networks */
	assert_true(try(s, "::ffff:10.0.0.2", "c", "y", true));
	assert_true(try(s, "2001:db8::1", "a", "x", true));	/* proved before */
	sign_ins_free(s);
}

/* ---- calls ---- */

static struct throttle *throttle(int64_t reads)
{
	const struct settings n = { .reads = { reads, 1 }, .writes = { 2, 1 }, .deletes = { 0, 1 } };
	struct throttle *t = NULL;
	struct err e;

	OK(throttle_new(&n, &t, &e));
	return t;
}

/* A call's answer: 200 or 429. */
static int call(struct throttle *t, const char *method, const char *who, struct http_res *res)
{
	struct world world = { .subscription = SUB };
	struct api api = { .world = &world, .throttle = t };
	const struct http_req req = { .method = method };
	struct api_call c = { .api = &api, .world = &world, .http = &req, .res = res,
		.now_us = NOW_US };
	struct err e = { 0 };
	int r;

	(void)snprintf(c.who.object_id, sizeof(c.who.object_id), "%s", who);
	r = throttle_call(&c, &e);
	http_res_done(res);
	throttle_headers(&c);
	if (r == 0)
		return 200;
	assert_string_equal(arm_error_code(&e), "SubscriptionRequestsThrottled");
	CONTAINS(e.msg, SUB);
	assert_string_equal(http_res_find(res, "Retry-After"), "1");
	return arm_error_status(&e);
}

static void each_principal_has_its_own_calls(void **state)
{
	struct throttle *t = throttle(3);
	struct http_res res = { .file_fd = -1 };

	(void)state;
	assert_int_equal(call(t, "GET", "one", &res), 200);
	assert_string_equal(http_res_find(&res, READS), "2");
	assert_string_equal(http_res_find(&res, "x-ms-ratelimit-remaining-subscription-global-reads"),
	    "44");
	assert_int_equal(call(t, "HEAD", "one", &res), 200);
	assert_int_equal(call(t, "GET", "one", &res), 200);
	assert_int_equal(call(t, "GET", "one", &res), 429);
	assert_string_equal(http_res_find(&res, READS), "0");
	assert_int_equal(call(t, "GET", "two", &res), 200);
	assert_string_equal(http_res_find(&res, READS), "2");
	assert_int_equal(call(t, "POST", "one", &res), 200);
	assert_string_equal(http_res_find(&res, "x-ms-ratelimit-remaining-subscription-writes"), "1");
	assert_int_equal(call(t, "PATCH", "one", &res), 200);
	assert_int_equal(call(t, "PUT", "one", &res), 429);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(call(t, "DELETE", "one", &res), 200);	/* 0: no limit */
	assert_null(http_res_find(&res, "x-ms-ratelimit-remaining-subscription-deletes"));
	http_res_done(&res);
	throttle_free(t);
	throttle_free(NULL);
}

static void all_together_have_fifteen_times_as_many(void **state)
{
	struct throttle *t = throttle(2);
	struct http_res res = { .file_fd = -1 };
	char who[16];

	(void)state;
	assert_int_equal(call(t, "GET", "p0", &res), 200);
	for (int i = 1; i < 15; i++) {
		(void)snprintf(who, sizeof(who), "p%d", i);
		for (int k = 0; k < 3; k++)	/* what is refused takes nothing from others */
			assert_int_equal(call(t, "GET", who, &res), k < 2 ? 200 : 429);
	}
	assert_int_equal(call(t, "GET", "p0", &res), 200);
	assert_int_equal(call(t, "GET", "p15", &res), 429);
	http_res_done(&res);
	throttle_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_empties_and_fills),
		cmocka_unit_test(a_clock_that_jumps_does_no_harm),
		cmocka_unit_test(a_flood_of_keys_neither_refuses_nor_frees),
		cmocka_unit_test(threads_share_a_bucket),
		cmocka_unit_test(guessing_slows_down_nobody_else),
		cmocka_unit_test(a_secret_that_ended_is_a_wrong_one),
		cmocka_unit_test(an_address_has_so_many_tries),
		cmocka_unit_test(each_principal_has_its_own_calls),
		cmocka_unit_test(all_together_have_fifteen_times_as_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
