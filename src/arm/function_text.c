/* function_text.c - functions of the template language that make texts.  See template_state.h. */
#include "arm/template_state.h"

#include <errno.h>
#include <stdio.h>

#include "arm/text.h"
#include "base/codec.h"

static int answer(const struct buf *b, json_t **ret, struct err *e)
{
	if (buf_ok(b, e) != 0)
		return -1;
	*ret = json_stringn(buf_str(b).p, b->n);
	return *ret != NULL ? 0 : err_nomem(e);
}

/* Texts one behind the other, or the elements of lists. */
static int concat(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	auto_json json_t *list = json_array();
	bool lists = json_is_array(json_array_get(args, 0));
	json_t *v;
	size_t i;

	(void)t;
	json_array_foreach(args, i, v) {
		if (json_is_array(v) != lists || json_is_object(v) || json_is_null(v))
			return function_wrong(
			    i, lists ? "an array" : "a string, a number or a boolean", e);
		if (lists ? json_array_extend(list, v) != 0 : function_show(v, &b, e) != 0)
			return err_nomem(e);
	}
	if (!lists)
		return answer(&b, ret, e);
	*ret = TAKE(list);
	return 0;
}

/* "{0}" is the first value; "{{" and "}}" are braces. */
static int format(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const char *p;

	(void)t;
	if (function_text(args, 0, &p, e) != 0)
		return -1;
	for (; *p != '\0'; p++) {
		char *end;
		unsigned long i;

		if ((*p != '{' && *p != '}') || p[0] == p[1]) {
			buf_add(&b, p, 1);
			p += *p == '{' || *p == '}';
			continue;
		}
		i = strtoul(p + 1, &end, 10);
		if (*p != '{' || p[1] < '0' || p[1] > '9' || *end != '}')
			return template_wrong(e, "the format may hold '{0}', '{1}' and so on; "
			    "alignment and number formats are not supported here");
		if (i >= json_array_size(args) - 1)
			return template_wrong(e, "there is no value for '{%lu}'", i);
		if (function_show(json_array_get(args, i + 1), &b, e) != 0)
			return -1;
		if (b.n > TEMPLATE_BUDGET)
			return template_wrong(e, "the result is too large");
		p = end;
	}
	return answer(&b, ret, e);
}

static int change_case(const json_t *args, char from, char to, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const char *p;

	if (function_text(args, 0, &p, e) != 0)
		return -1;
	for (; *p != '\0'; p++) {
		char c = *p >= from && *p <= from + 25 ? (char)(*p - from + to) : *p;

		buf_add(&b, &c, 1);
	}
	return answer(&b, ret, e);
}

static int to_lower(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return change_case(args, 'A', 'a', ret, e);
}

static int to_upper(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)t;
	return change_case(args, 'a', 'A', ret, e);
}

static int trim(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const char *p;
	size_t n;

	(void)t;
	if (function_text(args, 0, &p, e) != 0)
		return -1;
	p += strspn(p, " \t\r\n");
	for (n = strlen(p); n > 0 && strchr(" \t\r\n", p[n - 1]) != NULL; n--)
		;
	*ret = json_stringn(p, n);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int replace(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const char *p, *old, *by, *hit;

	(void)t;
	if (function_text(args, 0, &p, e) != 0 || function_text(args, 1, &old, e) != 0 ||
	    function_text(args, 2, &by, e) != 0)
		return -1;
	if (old[0] == '\0')
		return function_wrong(1, "a string that is not empty", e);
	for (; (hit = strstr(p, old)) != NULL; p = hit + strlen(old)) {
		buf_add(&b, p, (size_t)(hit - p));
		buf_adds(&b, by);
		if (b.n > TEMPLATE_BUDGET)
			return template_wrong(e, "the result is too large");
	}
	buf_adds(&b, p);
	return answer(&b, ret, e);
}

/* Where the n-th character of the text begins, or NULL if it has not so many. */
static const char *character(const char *p, int64_t n)
{
	for (; n > 0 && *p != '\0'; n--)
		p += text_utf8_len(str_c(p));
	return n == 0 ? p : NULL;
}

static int substring(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	int64_t from, n = 0;
	const char *p, *end;

	(void)t;
	if (function_text(args, 0, &p, e) != 0 || function_int(args, 1, &from, e) != 0 ||
	    (json_array_size(args) == 3 && function_int(args, 2, &n, e) != 0))
		return -1;
	p = from >= 0 ? character(p, from) : NULL;
	if (p == NULL)
		return template_wrong(e, "the text has no character %lld", (long long)from);
	end = json_array_size(args) < 3 ? p + strlen(p) : n >= 0 ? character(p, n) : NULL;
	if (end == NULL)
		return template_wrong(e, "the text has no %lld characters from %lld on",
		    (long long)n, (long long)from);
	*ret = json_stringn(p, (size_t)(end - p));
	return *ret != NULL ? 0 : err_nomem(e);
}

/* Length of the delimiter at `p`, 0 if none is there. */
static size_t delimiter_at(const char *p, const json_t *delimiters)
{
	json_t *d;
	size_t i;

	json_array_foreach(delimiters, i, d)
		if (json_string_length(d) > 0 &&
		    strncmp(p, json_string_value(d), json_string_length(d)) == 0)
			return json_string_length(d);
	return 0;
}

static int split(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_array(), *delimiters = NULL;
	json_t *given = json_array_get(args, 1);
	const char *p, *from;
	size_t n;

	if (function_text(args, 0, &p, e) != 0)
		return -1;
	if (!json_is_string(given) && !json_is_array(given))
		return function_wrong(1, "a string or an array of strings", e);
	delimiters = json_is_array(given) ? json_incref(given) : json_pack("[O]", given);
	/* each place is compared with each of them, which costs */
	t->budget -= (int64_t)(strlen(p) * json_array_size(delimiters) / 8);
	if (t->budget < 0)
		return template_wrong(e, "the text and the delimiters are too large");
	for (from = p; *p != '\0'; p += n > 0 ? 0 : 1) {
		n = delimiter_at(p, delimiters);
		if (n == 0)
			continue;
		if (json_array_append_new(out, json_stringn(from, (size_t)(p - from))) != 0)
			return err_nomem(e);
		from = p += n;
	}
	if (delimiters == NULL || json_array_append_new(out, json_string(from)) != 0)
		return err_nomem(e);
	*ret = TAKE(out);
	return 0;
}

static int join(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const json_t *list = json_array_get(args, 0);
	const char *between;
	json_t *v;
	size_t i;

	(void)t;
	if (!json_is_array(list))
		return function_wrong(0, "an array", e);
	if (function_text(args, 1, &between, e) != 0)
		return -1;
	json_array_foreach(list, i, v) {
		buf_adds(&b, i > 0 ? between : "");
		if (function_show(v, &b, e) != 0)
			return -1;
		if (b.n > TEMPLATE_BUDGET)
			return template_wrong(e, "the result is too large");
	}
	return answer(&b, ret, e);
}

static int string_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };

	(void)t;
	return function_show(json_array_get(args, 0), &b, e) != 0 ? -1 : answer(&b, ret, e);
}

static int base64_of(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const char *p;

	(void)t;
	if (function_text(args, 0, &p, e) != 0)
		return -1;
	base64_encode(&b, p, strlen(p));
	return answer(&b, ret, e);
}

static int starts_with(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const char *p, *start;

	(void)t;
	if (function_text(args, 0, &p, e) != 0 || function_text(args, 1, &start, e) != 0)
		return -1;
	*ret = json_boolean(str_istarts(str_c(p), str_c(start)));
	return 0;
}

static int ends_with(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const char *p, *end;

	(void)t;
	if (function_text(args, 0, &p, e) != 0 || function_text(args, 1, &end, e) != 0)
		return -1;
	*ret = json_boolean(strlen(p) >= strlen(end) &&
	    str_ieq(str_c(p + strlen(p) - strlen(end)), str_c(end)));
	return 0;
}

const struct function text_functions[] = {
	{ "concat", 1, -1, concat },
	{ "format", 1, -1, format },
	{ "toLower", 1, 1, to_lower },
	{ "toUpper", 1, 1, to_upper },
	{ "trim", 1, 1, trim },
	{ "replace", 3, 3, replace },
	{ "substring", 2, 3, substring },
	{ "split", 2, 2, split },
	{ "join", 2, 2, join },
	{ "string", 1, 1, string_of },
	{ "base64", 1, 1, base64_of },
	{ "startsWith", 2, 2, starts_with },
	{ "endsWith", 2, 2, ends_with },
	{ 0 },
};
