/* json.c - see json.h. */
#include "json/json.h"

#include <errno.h>

/* jansson takes some failures of its own allocations for bad text ("invalid token"), so that sound
 * text would be reported as damaged: we look for ourselves. */
static _Thread_local bool is_out_of_memory;

static void *alloc(size_t n)
{
	void *p = malloc(n);

	is_out_of_memory |= p == NULL;
	return p;
}

__attribute__((constructor)) static void watch_memory(void)
{
	json_set_alloc_funcs(alloc, free);
}

int jparse(struct str text, json_t **ret, struct err *e)
{
	json_error_t why;
	json_t *j;

	is_out_of_memory = false;
	j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
	if (j == NULL && is_out_of_memory)
		return err_nomem(e);
	if (j == NULL)
		return err_set(e, ERR_INVALID, "JSON line %d column %d: %s", why.line, why.column,
		    why.text);
	*ret = j;
	return 0;
}

static int add_bytes(const char *p, size_t n, void *arg)
{
	buf_add(arg, p, n);
	return 0;
}

int jdump(const json_t *j, struct buf *b, struct err *e)
{
	if (j == NULL || json_dump_callback(j, add_bytes, b, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		return err_set(e, ERR_IO, "writing JSON: out of memory");
	return buf_ok(b, e);
}

static const char *type_name(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "null";
	}
}

/* Walks to `path`.  1 found, 0 absent, -1 if something on the way is not an
 * object (only when `e` is given; without it that counts as absent). */
static int walk(const json_t *j, const char *path, json_t **ret, struct err *e)
{
	const json_t *at = j;
	const char *p = path;

	for (;;) {
		const char *dot = strchr(p, '.');
		size_t n = dot != NULL ? (size_t)(dot - p) : strlen(p);

		if (at == NULL || json_is_null(at))
			return 0;
		if (!json_is_object(at)) {
			if (e == NULL)
				return 0;
			return err_set(e, ERR_INVALID, "%.*s: expected an object, got %s",
			    p > path ? (int)(p - path - 1) : 4, p > path ? path : "body",
			    type_name(at));
		}
		at = json_object_getn(at, p, n);
		if (dot == NULL)
			break;
		p = dot + 1;
	}
	if (at == NULL || json_is_null(at))
		return 0;
	*ret = (json_t *)(uintptr_t)at;
	return 1;
}

json_t *jat(const json_t *j, const char *path)
{
	json_t *v = NULL;

	return walk(j, path, &v, NULL) == 1 ? v : NULL;
}

static int wrong(const char *path, const char *want, const json_t *got, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s: expected %s, got %s", path, want, type_name(got));
}

int jget_str(const json_t *j, const char *path, const char **ret, struct err *e)
{
	json_t *v = NULL;
	int r = walk(j, path, &v, e);

	if (r != 1)
		return r;
	if (!json_is_string(v))
		return wrong(path, "a string", v, e);
	*ret = json_string_value(v);
	return 1;
}

int jget_obj(const json_t *j, const char *path, json_t **ret, struct err *e)
{
	json_t *v = NULL;
	int r = walk(j, path, &v, e);

	if (r != 1)
		return r;
	if (!json_is_object(v))
		return wrong(path, "an object", v, e);
	*ret = v;
	return 1;
}

int jget_arr(const json_t *j, const char *path, json_t **ret, struct err *e)
{
	json_t *v = NULL;
	int r = walk(j, path, &v, e);

	if (r != 1)
		return r;
	if (!json_is_array(v))
		return wrong(path, "an array", v, e);
	*ret = v;
	return 1;
}

int jget_bool(const json_t *j, const char *path, bool *ret, struct err *e)
{
	json_t *v = NULL;
	int r = walk(j, path, &v, e);

	if (r != 1)
		return r;
	if (!json_is_boolean(v))
		return wrong(path, "true or false", v, e);
	*ret = json_is_true(v);
	return 1;
}

int jget_int(const json_t *j, const char *path, int64_t *ret, struct err *e)
{
	json_t *v = NULL;
	int r = walk(j, path, &v, e);

	if (r != 1)
		return r;
	if (json_is_string(v)) {
		const char *s = json_string_value(v);
		char *end;
		long long n;

		errno = 0;
		n = strtoll(s, &end, 10);
		if (errno != 0 || end == s || *end != '\0' || s[0] == ' ')
			return wrong(path, "an integer", v, e);
		*ret = n;
		return 1;
	}
	if (!json_is_integer(v))
		return wrong(path, "an integer", v, e);
	*ret = json_integer_value(v);
	return 1;
}

int jneed_str(const json_t *j, const char *path, const char **ret, struct err *e)
{
	int r = jget_str(j, path, ret, e);

	if (r == 0)
		return err_set(e, ERR_INVALID, "%s: required, but missing", path);
	return r < 0 ? -1 : 0;
}

const char *jstr(const json_t *j, const char *path, const char *otherwise)
{
	json_t *v = jat(j, path);

	return json_is_string(v) ? json_string_value(v) : otherwise;
}

int64_t jint(const json_t *j, const char *path, int64_t otherwise)
{
	json_t *v = jat(j, path);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool jbool(const json_t *j, const char *path, bool otherwise)
{
	json_t *v = jat(j, path);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

int jset(json_t *obj, const char *key, json_t *value, struct err *e)
{
	if (value == NULL)
		return 0;
	return json_object_set_new(obj, key, value) == 0 ? 0 : err_nomem(e);
}
