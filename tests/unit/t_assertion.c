/* t_assertion.c - what client assertions say, and how often one may be used. */
#include "t.h"

#include "auth/assertion.h"

#define NOW_US INT64_C(1715676532000000)	/* Tue, 14 May 2024 08:48:52 GMT */

static void an_assertion_is_used_so_often(void **state)
{
	struct replay *r;
	struct err e;

	(void)state;
	OK(replay_new(2, &r, &e));
	assert_int_equal(replay_use(r, STR("a"), 100, 1, &e), 1);
	assert_int_equal(replay_use(r, STR("a"), 100, 2, &e), 1);
	assert_int_equal(replay_use(r, STR("a"), 100, 99, &e), 0);
	assert_int_equal(replay_use(r, STR("b"), 100, 99, &e), 1);
	/* it has expired, and is refused for that elsewhere */
	assert_int_equal(replay_use(r, STR("a"), 200, 100, &e), 1);
	replay_free(r);
}

/* Full of what is still valid it forgets nothing, but takes nothing new. */
static void what_is_remembered_is_bounded(void **state)
{
	struct replay *r;
	struct err e;
	char text[16];

	(void)state;
	OK(replay_new(1, &r, &e));
	for (int i = 0; i < REPLAY_MAX; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(replay_use(r, str_c(text), 100 + (i == 7), 1, &e), 1);
	}
	FAILS(replay_use(r, STR("one more"), 100, 1, &e), ERR_BUSY);
	assert_int_equal(replay_use(r, STR("5"), 100, 1, &e), 0);
	assert_int_equal(replay_use(r, STR("one more"), 200, 100, &e), 1);
	assert_int_equal(replay_use(r, STR("7"), 101, 100, &e), 0);
	replay_free(r);
}

static void times_may_be_fractions_and_have_leeway(void **state)
{
	static const struct {
		const char *claims;
		int64_t number;	/* 0: fine */
	} rows[] = {
		{ "{\"exp\":1715676533}", 0 }, { "{\"exp\":1715676532.25}", 0 },
		{ "{\"exp\":1715676233}", 0 }, { "{\"exp\":1715676232}", 700024 },
		{ "{\"exp\":1715676900,\"nbf\":1715676832}", 0 },
		{ "{\"exp\":1715676900,\"nbf\":1715676833}", 700024 },
		{ "{}", 50027 }, { "{\"exp\":\"1715676533\"}", 50027 }, { "{\"exp\":1e300}", 50027 },
		{ "{\"exp\":-1}", 50027 }, { "{\"exp\":1715676533,\"nbf\":[]}", 50027 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct assertion_fault f = { 0 };
		auto_json json_t *claims = NULL;
		int64_t until_us;
		struct err e;

		OK(jparse(str_c(rows[i].claims), &claims, &e));
		assert_int_equal(assertion_times_ok(claims, NOW_US, &until_us, &f),
		    rows[i].number == 0);
		assert_int_equal(f.number, rows[i].number);
	}
}

static void an_audience_is_a_text_or_one_of_several(void **state)
{
	static const struct {
		const char *claims;
		bool want;
	} rows[] = {
		{ "{\"aud\":\"https://A/x\"}", true }, { "{\"aud\":[\"b\",\"https://a/x\"]}", true },
		{ "{\"aud\":\"https://a/\"}", false }, { "{\"aud\":[]}", false },
		{ "{\"aud\":[1,{}]}", false }, { "{}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json json_t *claims = NULL;
		struct err e;

		OK(jparse(str_c(rows[i].claims), &claims, &e));
		assert_int_equal(assertion_audience_ok(claims, "https://a/x"), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_assertion_is_used_so_often),
		cmocka_unit_test(what_is_remembered_is_bounded),
		cmocka_unit_test(times_may_be_fractions_and_have_leeway),
		cmocka_unit_test(an_audience_is_a_text_or_one_of_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
