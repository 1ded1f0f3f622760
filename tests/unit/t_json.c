/* t_json.c - typed getters and their error texts. */
#include "t.h"

#include "json/json.h"

static json_t *doc(const char *text)
{
	struct err e = { 0 };
	json_t *j = NULL;

	OK(jparse(str_c(text), &j, &e));
	return j;
}

static void getters_find_by_path(void **state)
{
	auto_json json_t *j = doc("{\"properties\":{\"n\":3,\"s\":\"x\",\"d\":\"42\",\"b\":true,\"z\":null,\"a\":[1]}}");
	const char *s = NULL;
	json_t *a = NULL;
	int64_t n = 0;
	bool b = false;
	struct err e;

	(void)state;
	assert_int_equal(jget_int(j, "properties.n", &n, &e), 1);
	assert_int_equal(n, 3);
	assert_int_equal(jget_int(j, "properties.d", &n, &e), 1);
	assert_int_equal(n, 42);
	assert_int_equal(jget_str(j, "properties.s", &s, &e), 1);
	assert_string_equal(s, "x");
	assert_int_equal(jget_bool(j, "properties.b", &b, &e), 1);
	assert_true(b);
	assert_int_equal(jget_arr(j, "properties.a", &a, &e), 1);
	assert_int_equal(jget_str(j, "properties.z", &s, &e), 0);
	assert_int_equal(jget_str(j, "properties.none.deeper", &s, &e), 0);
}

static void wrong_types_name_the_path(void **state)
{
	auto_json json_t *j = doc("{\"properties\":{\"luns\":\"x\",\"n\":1.5}}");
	const char *s;
	json_t *a;
	int64_t n;
	struct err e;

	(void)state;
	FAILS(jget_arr(j, "properties.luns", &a, &e), ERR_INVALID);
	assert_string_equal(e.msg, "properties.luns: expected an array, got a string");
	FAILS(jget_int(j, "properties.n", &n, &e), ERR_INVALID);
	FAILS(jget_int(j, "properties.luns", &n, &e), ERR_INVALID);
	FAILS(jget_str(j, "properties.luns.x", &s, &e), ERR_INVALID);
	assert_string_equal(e.msg, "properties.luns: expected an object, got a string");
	FAILS(jneed_str(j, "properties.gone", &s, &e), ERR_INVALID);
	assert_string_equal(e.msg, "properties.gone: required, but missing");
}

static void parser_is_strict(void **state)
{
	static const char *const bad[] = { "", "{", "{\"a\":1,\"a\":2}", "{} x", "{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}", "{'a':1}", "[1,]" };
	json_t *j;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		FAILS(jparse(str_c(bad[i]), &j, &e), ERR_INVALID);
}

static void relaxed_text_is_read_as_it_is_meant(void **state)
{
	auto_json json_t *want = doc("{\"template\":{\"a//b\":\"c/*d*/\\n\\te\\\"\"},\"n\":[1.5e-3,true]}");
	json_t *j = NULL;
	struct err e;

	(void)state;
	OK(jparse_relaxed(STR("{ template: // the file\n {\"a//b\": \"c/*d*/\n\te\\\"\"}, /* n */ n:[1.5e-3,true,],}"),
	    &j, &e));
	assert_true(json_equal(j, want));
	json_decref(j);
	FAILS(jparse_relaxed(STR("{a:\n/* \n */ nothing}"), &j, &e), ERR_INVALID);
	CONTAINS(e.msg, "line 3");
	FAILS(jparse_relaxed(STR("{\"a\":\"b"), &j, &e), ERR_INVALID);
	FAILS(jparse_relaxed(STR("{\"a\":\"b\\"), &j, &e), ERR_INVALID);
	FAILS(jparse_relaxed(STR("{/*"), &j, &e), ERR_INVALID);
	FAILS(jparse_relaxed(STR(""), &j, &e), ERR_INVALID);
}

static void dump_is_compact_and_in_order(void **state)
{
	auto_json json_t *j = doc("{ \"b\": 1, \"a\": [ true, null ] }");
	auto_buf struct buf b = { 0 };
	struct err e;

	(void)state;
	OK(jdump(j, &b, &e));
	assert_string_equal(b.p, "{\"b\":1,\"a\":[true,null]}");
	FAILS(jdump(NULL, &b, &e), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(getters_find_by_path),
		cmocka_unit_test(wrong_types_name_the_path),
		cmocka_unit_test(parser_is_strict),
		cmocka_unit_test(relaxed_text_is_read_as_it_is_meant),
		cmocka_unit_test(dump_is_compact_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
