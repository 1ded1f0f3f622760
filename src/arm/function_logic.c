/* function_logic.c - functions of the template language on truth and numbers.  if() is in
 * template_value.c, as it works out only one of its arguments.  See template_state.h. */
#include "arm/template_state.h"

#include <errno.h>

static int equals(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	(void)e;
	*ret = json_boolean(json_equal(json_array_get(args, 0), json_array_get(args, 1)));
	return 0;
}

static int not_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	bool v;

	(void)t;
	if (function_bool(args, 0, &v, e) != 0)
		return -1;
	*ret = json_boolean(!v);
	return 0;
}

/* Whether all are `wanted`, else what the others are. */
static int all_are(const json_t *args, bool wanted, json_t **ret, struct err *e)
{
	bool v, all = true;

	for (size_t i = 0; i < json_array_size(args); i++) {
		if (function_bool(args, i, &v, e) != 0)
			return -1;
		all &= v == wanted;
	}
	*ret = json_boolean(all == wanted);
	return 0;
}

static int and_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return all_are(args, true, ret, e);
}

static int or_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return all_are(args, false, ret, e);
}

static int bool_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const json_t *v = json_array_get(args, 0);
	struct str text = str_c(json_string_value(v));

	(void)t;
	if (json_is_boolean(v))
		*ret = json_boolean(json_is_true(v));
	else if (json_is_integer(v))
		*ret = json_boolean(json_integer_value(v) != 0);
	else if (str_ieq(text, STR("true")) || str_eq(text, STR("1")))
		*ret = json_true();
	else if (str_ieq(text, STR("false")) || str_eq(text, STR("0")))
		*ret = json_false();
	else
		return function_wrong(0, "a boolean, a number, 'true' or 'false'", e);
	return 0;
}

static int int_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const json_t *v = json_array_get(args, 0);
	const char *text = json_string_value(v);
	long long n;
	char *end;

	(void)t;
	if (json_is_integer(v)) {
		*ret = json_integer(json_integer_value(v));
		return *ret != NULL ? 0 : err_nomem(e);
	}
	errno = 0;
	n = text != NULL ? strtoll(text, &end, 10) : 0;
	if (text == NULL || errno != 0 || end == text || *end != '\0' || text[0] == ' ')
		return function_wrong(0, "a number or a string of digits", e);
	*ret = json_integer(n);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int true_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	(void)args;
	(void)e;
	*ret = json_true();
	return 0;
}

static int false_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	(void)args;
	(void)e;
	*ret = json_false();
	return 0;
}

static int null_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	(void)args;
	(void)e;
	*ret = json_null();
	return 0;
}

static int two_numbers(const json_t *args, int64_t v[2], struct err *e)
{
	return function_int(args, 0, &v[0], e) != 0 ? -1 : function_int(args, 1, &v[1], e);
}

static int number(bool overflowed, int64_t n, json_t **ret, struct err *e)
{
	if (overflowed)
		return template_wrong(e, "the result is no whole number of 64 bits");
	*ret = json_integer(n);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int add(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	int64_t v[2], n;
	bool over;

	(void)t;
	if (two_numbers(args, v, e) != 0)
		return -1;
	over = __builtin_add_overflow(v[0], v[1], &n);
	return number(over, n, ret, e);
}

static int sub(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	int64_t v[2], n;
	bool over;

	(void)t;
	if (two_numbers(args, v, e) != 0)
		return -1;
	over = __builtin_sub_overflow(v[0], v[1], &n);
	return number(over, n, ret, e);
}

static int mul(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	int64_t v[2], n;
	bool over;

	(void)t;
	if (two_numbers(args, v, e) != 0)
		return -1;
	over = __builtin_mul_overflow(v[0], v[1], &n);
	return number(over, n, ret, e);
}

/* Quotient or remainder, rounded toward zero. */
static int divide(const json_t *args, bool remainder, json_t **ret, struct err *e)
{
	int64_t v[2];

	if (two_numbers(args, v, e) != 0)
		return -1;
	if (v[1] == 0)
		return template_wrong(e, "division by zero");
	if (v[1] == -1 && v[0] == INT64_MIN)
		return number(!remainder, 0, ret, e);
	return number(false, remainder ? v[0] % v[1] : v[0] / v[1], ret, e);
}

static int div_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return divide(args, false, ret, e);
}

static int mod_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return divide(args, true, ret, e);
}

const struct function logic_functions[] = {
	{ "equals", 2, 2, equals },
	{ "not", 1, 1, not_of },
	{ "and", 2, -1, and_of },
	{ "or", 2, -1, or_of },
	{ "bool", 1, 1, bool_of },
	{ "int", 1, 1, int_of },
	{ "true", 0, 0, true_of },
	{ "false", 0, 0, false_of },
	{ "null", 0, 0, null_of },
	{ "add", 2, 2, add },
	{ "sub", 2, 2, sub },
	{ "mul", 2, 2, mul },
	{ "div", 2, 2, div_of },
	{ "mod", 2, 2, mod_of },
	{ 0 },
};
