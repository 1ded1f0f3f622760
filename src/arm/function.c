/* function.c - finding a function of the template language, and reading its arguments.  See
 * template_state.h. */
#include "arm/template_state.h"

const struct function *function_find(const char *name)
{
	static const struct function *const tables[] = { text_functions, list_functions,
		logic_functions, scope_functions };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct function *f = tables[i]; f->name != NULL; f++)
			if (str_ieq(str_c(f->name), str_c(name)))
				return f;
	return NULL;
}

int function_wrong(size_t i, const char *want, struct err *e)
{
	return template_wrong(e, "argument %zu: %s is expected", i + 1, want);
}

int function_text(const json_t *args, size_t i, const char **ret, struct err *e)
{
	const json_t *v = json_array_get(args, i);

	if (!json_is_string(v))
		return function_wrong(i, "a string", e);
	*ret = json_string_value(v);
	return 0;
}

int function_int(const json_t *args, size_t i, int64_t *ret, struct err *e)
{
	const json_t *v = json_array_get(args, i);

	if (!json_is_integer(v))
		return function_wrong(i, "a whole number", e);
	*ret = json_integer_value(v);
	return 0;
}

int function_bool(const json_t *args, size_t i, bool *ret, struct err *e)
{
	const json_t *v = json_array_get(args, i);

	if (!json_is_boolean(v))
		return function_wrong(i, "true or false", e);
	*ret = json_is_true(v);
	return 0;
}

int function_show(const json_t *v, struct buf *ret, struct err *e)
{
	if (json_is_string(v)) {
		buf_add(ret, json_string_value(v), json_string_length(v));
		return buf_ok(ret, e);
	}
	if (json_is_boolean(v)) {
		buf_adds(ret, json_is_true(v) ? "True" : "False");
		return buf_ok(ret, e);
	}
	return json_is_null(v) ? 0 : jdump(v, ret, e);
}
