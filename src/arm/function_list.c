/* function_list.c - functions of the template language on lists, objects and parts of texts.  See
 * template_state.h. */
#include "arm/template_state.h"

#include "arm/text.h"

static int64_t text_length(const char *p)
{
	int64_t n = 0;

	for (; *p != '\0'; n++)
		p += text_utf8_len(str_c(p));
	return n;
}

/* Elements, members or characters; -1 for what has none. */
static int64_t count_of(const json_t *v)
{
	if (json_is_string(v))
		return text_length(json_string_value(v));
	if (json_is_array(v))
		return (int64_t)json_array_size(v);
	return json_is_object(v) ? (int64_t)json_object_size(v) : -1;
}

static int length(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	int64_t n = count_of(json_array_get(args, 0));

	(void)t;
	if (n < 0)
		return function_wrong(0, "a string, an array or an object", e);
	*ret = json_integer(n);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int empty(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const json_t *v = json_array_get(args, 0);

	(void)t;
	if (count_of(v) < 0 && !json_is_null(v))
		return function_wrong(0, "a string, an array or an object", e);
	*ret = json_boolean(count_of(v) <= 0);
	return 0;
}

/* The elements or characters from `from` up to `to`. */
static int part(const json_t *v, int64_t from, int64_t to, json_t **ret, struct err *e)
{
	auto_json json_t *out = NULL;
	const char *p, *start = NULL;

	if (json_is_array(v)) {
		out = json_array();
		for (int64_t i = from; i < to; i++)
			if (json_array_append(out, json_array_get(v, (size_t)i)) != 0)
				return err_nomem(e);
	} else {
		p = json_string_value(v);
		for (int64_t i = 0; i < to; i++, p += text_utf8_len(str_c(p)))
			if (i == from)
				start = p;
		out = json_stringn(
		    start != NULL ? start : p, start != NULL ? (size_t)(p - start) : 0);
	}
	if (out == NULL)
		return err_nomem(e);
	*ret = TAKE(out);
	return 0;
}

/* A list or text, and a number that is cut to 0 .. its length. */
static int read_part(const json_t *args, int64_t *ret_n, int64_t *ret_count, struct err *e)
{
	const json_t *v = json_array_get(args, 0);
	int64_t n;

	if (!json_is_array(v) && !json_is_string(v))
		return function_wrong(0, "a string or an array", e);
	if (function_int(args, 1, &n, e) != 0)
		return -1;
	*ret_count = count_of(v);
	*ret_n = n < 0 ? 0 : n > *ret_count ? *ret_count : n;
	return 0;
}

static int take(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	int64_t n, count;

	(void)t;
	return read_part(args, &n, &count, e) != 0 ? -1 :
	    part(json_array_get(args, 0), 0, n, ret, e);
}

static int skip(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	int64_t n, count;

	(void)t;
	return read_part(args, &n, &count, e) != 0 ? -1 :
	    part(json_array_get(args, 0), n, count, ret, e);
}

static int at_end(const json_t *args, bool last, json_t **ret, struct err *e)
{
	const json_t *v = json_array_get(args, 0);
	int64_t n = count_of(v), at = last ? n - 1 : 0;

	if (!json_is_array(v) && !json_is_string(v))
		return function_wrong(0, "a string or an array", e);
	if (json_is_string(v))
		return part(v, n > 0 ? at : 0, n > 0 ? at + 1 : 0, ret, e);
	*ret = n > 0 ? json_incref(json_array_get(v, (size_t)at)) : json_null();
	return 0;
}

static int first(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return at_end(args, false, ret, e);
}

static int last(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return at_end(args, true, ret, e);
}

static bool holds(const json_t *list, const json_t *v)
{
	json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
		if (json_equal(x, v))
			return true;
	return false;
}

static int contains(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const json_t *in = json_array_get(args, 0), *v = json_array_get(args, 1);
	bool is;

	(void)t;
	if (json_is_array(in))
		is = holds(in, v);
	else if (!json_is_string(v))
		return function_wrong(1, "a string", e);
	else if (json_is_object(in))
		is = template_member(in, json_string_value(v)) != NULL;
	else if (json_is_string(in))
		is = strstr(json_string_value(in), json_string_value(v)) != NULL;
	else
		return function_wrong(0, "a string, an array or an object", e);
	*ret = json_boolean(is);
	return 0;
}

#define LIST_MAX 10000

/* Each element is compared with all before it, which costs. */
static int join_lists(struct template *t, const json_t *args, json_t *out, struct err *e)
{
	json_t *v, *x;
	size_t i, k;

	json_array_foreach(args, i, v) {
		if (!json_is_array(v))
			return function_wrong(i, "an array", e);
		json_array_foreach(v, k, x) {
			t->budget -= (int64_t)json_array_size(out) / 8;
			if (json_array_size(out) == LIST_MAX || t->budget < 0)
				return template_wrong(e, "the lists are too long");
			if (!holds(out, x) && json_array_append(out, x) != 0)
				return err_nomem(e);
		}
	}
	return 0;
}

static int join_objects(const json_t *args, json_t *out, struct err *e)
{
	json_t *v, *copy;
	size_t i;

	json_array_foreach(args, i, v) {
		if (!json_is_object(v))
			return function_wrong(i, "an object", e);
		/* Merging goes on inside of what was put there: never inside of the arguments. */
		copy = json_deep_copy(v);
		if (copy == NULL || json_object_update_recursive(out, copy) != 0) {
			json_decref(copy);
			return err_nomem(e);
		}
		json_decref(copy);
	}
	return 0;
}

static int union_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	bool lists = json_is_array(json_array_get(args, 0));
	auto_json json_t *out = lists ? json_array() : json_object();

	if (out == NULL)
		return err_nomem(e);
	if ((lists ? join_lists(t, args, out, e) : join_objects(args, out, e)) != 0)
		return -1;
	*ret = TAKE(out);
	return 0;
}

static int array_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	json_t *v = json_array_get(args, 0);

	(void)t;
	*ret = json_is_array(v) ? json_incref(v) : json_pack("[O]", v);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int create_array(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	*ret = json_copy((json_t *)(uintptr_t)args);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int create_object(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_object();
	const char *key;

	(void)t;
	if (json_array_size(args) % 2 != 0)
		return template_wrong(e, "names and values come in pairs");
	for (size_t i = 0; i < json_array_size(args); i += 2) {
		if (function_text(args, i, &key, e) != 0)
			return -1;
		if (json_object_set(out, key, json_array_get(args, i + 1)) != 0)
			return err_nomem(e);
	}
	if (out == NULL)
		return err_nomem(e);
	*ret = TAKE(out);
	return 0;
}

static int range(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_array();
	int64_t from, n;

	(void)t;
	if (function_int(args, 0, &from, e) != 0 || function_int(args, 1, &n, e) != 0)
		return -1;
	if (n < 0 || n > LIST_MAX || from < 0 || from > INT32_MAX)
		return template_wrong(e, "from 0 on, at most %d numbers", LIST_MAX);
	for (int64_t i = 0; i < n; i++)
		if (json_array_append_new(out, json_integer(from + i)) != 0)
			return err_nomem(e);
	if (out == NULL)
		return err_nomem(e);
	*ret = TAKE(out);
	return 0;
}

static int coalesce(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	json_t *v;
	size_t i;

	(void)t;
	(void)e;
	json_array_foreach(args, i, v)
		if (!json_is_null(v)) {
			*ret = json_incref(v);
			return 0;
		}
	*ret = json_null();
	return 0;
}

const struct function list_functions[] = {
	{ "length", 1, 1, length },
	{ "empty", 1, 1, empty },
	{ "first", 1, 1, first },
	{ "last", 1, 1, last },
	{ "take", 2, 2, take },
	{ "skip", 2, 2, skip },
	{ "contains", 2, 2, contains },
	{ "union", 1, -1, union_of },
	{ "array", 1, 1, array_of },
	{ "createArray", 0, -1, create_array },
	{ "createObject", 0, -1, create_object },
	{ "range", 2, 2, range },
	{ "coalesce", 1, -1, coalesce },
	{ 0 },
};
