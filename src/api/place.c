/* place.c - see place.h. */
#include "api/place.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

int place_wrong(const struct place *p, const char *key, struct err *e, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_INVALID, "%s%s%s: %s", p->path,
	    key != NULL && p->path[0] != '\0' ? "." : "", key != NULL ? key : "", what);
}

int place_missing(const struct place *p, const char *key, struct err *e)
{
	return place_wrong(p, key, e, "required, but missing");
}

int place_refuse(struct err *e)
{
	char why[sizeof(e->msg)];

	if (e->kind != ERR_INVALID || e->code != NULL)
		return -1;
	memcpy(why, e->msg, sizeof(why));
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: %.440s", why);
}

/* The getters' errors begin with the member's name: the path goes in front. */
static int relay(const struct place *p, int r, struct err *e)
{
	if (r < 0 && e->kind == ERR_INVALID && p->path[0] != '\0')
		return err_set(e, ERR_INVALID, "%s.%s", p->path, e->msg);
	return r;
}

static int need(const struct place *p, const char *key, int r, struct err *e)
{
	return r < 0 ? -1 : r == 0 ? place_missing(p, key, e) : 0;
}

int place_enter(const struct place *p, const char *key, struct place *ret, struct err *e)
{
	struct place inner = { 0 };
	json_t *at = NULL;
	int r = relay(p, jget_obj(p->at, key, &at, e), e);

	if (r <= 0)
		return r;
	inner.at = at;
	(void)snprintf(inner.path, sizeof(inner.path), "%.140s%s%.50s", p->path,
	    p->path[0] != '\0' ? "." : "", key);
	*ret = inner;
	return 1;
}

int place_need_enter(const struct place *p, const char *key, struct place *ret, struct err *e)
{
	return need(p, key, place_enter(p, key, ret, e), e);
}

int place_text(const struct place *p, const char *key, size_t max, const char **ret, struct err *e)
{
	const char *text = NULL;
	int r = relay(p, jget_str(p->at, key, &text, e), e);

	if (r <= 0)
		return r;
	if (strlen(text) > max)
		return place_wrong(p, key, e, "longer than %zu bytes", max);
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return place_wrong(p, key, e, "holds a control character");
	*ret = text;
	return 1;
}

int place_bool(const struct place *p, const char *key, bool *ret, struct err *e)
{
	return relay(p, jget_bool(p->at, key, ret, e), e);
}

int place_int(const struct place *p, const char *key, int64_t min, int64_t max, int64_t *ret,
    struct err *e)
{
	int64_t v = 0;
	int r = relay(p, jget_int(p->at, key, &v, e), e);

	if (r <= 0)
		return r;
	if (v < min || v > max)
		return place_wrong(p, key, e, "%lld is not in %lld to %lld", (long long)v,
		    (long long)min, (long long)max);
	*ret = v;
	return 1;
}

int place_need_int(const struct place *p, const char *key, int64_t min, int64_t max, int64_t *ret,
    struct err *e)
{
	return need(p, key, place_int(p, key, min, max, ret, e), e);
}

static const char *find_word(const char *const *words, const char *text)
{
	for (; *words != NULL; words++)
		if (str_ieq(str_c(*words), str_c(text)))
			return *words;
	return NULL;
}

static int no_such_word(const struct place *p, const char *key, const char *text,
    const char *const *words, struct err *e)
{
	char known[200] = "";
	size_t used = 0;

	for (; *words != NULL; words++) {
		int n = snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? ", " : "",
		    *words);

		if (n < 0 || (size_t)n >= sizeof(known) - used)
			break;
		used += (size_t)n;
	}
	return place_wrong(p, key, e, "'%.60s' is not one of %s", text, known);
}

int place_word(const struct place *p, const char *key, const char *const *words, const char **ret,
    struct err *e)
{
	const char *text = NULL, *word;
	int r = relay(p, jget_str(p->at, key, &text, e), e);

	if (r <= 0)
		return r;
	word = find_word(words, text);
	if (word == NULL)
		return no_such_word(p, key, text, words, e);
	*ret = word;
	return 1;
}

int place_need_word(const struct place *p, const char *key, const char *const *words,
    const char **ret, struct err *e)
{
	return need(p, key, place_word(p, key, words, ret, e), e);
}

static bool holds(const json_t *list, const char *word)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (strcmp(json_string_value(v), word) == 0)
			return true;
	return false;
}

static int add_word(const struct place *p, const char *key, size_t i, const json_t *v,
    const char *const *words, json_t *out, struct err *e)
{
	char member[80];
	const char *word;

	(void)snprintf(member, sizeof(member), "%.50s[%zu]", key, i);
	if (!json_is_string(v))
		return place_wrong(p, member, e, "expected a string");
	word = find_word(words, json_string_value(v));
	if (word == NULL)
		return no_such_word(p, member, json_string_value(v), words, e);
	if (holds(out, word))
		return place_wrong(p, member, e, "'%s' is listed twice", word);
	return json_array_append_new(out, json_string(word)) != 0 ? err_nomem(e) : 0;
}

int place_words(const struct place *p, const char *key, const char *const *words, json_t **ret,
    struct err *e)
{
	auto_json json_t *out = json_array();
	json_t *list = NULL, *v;
	size_t i;
	int r = relay(p, jget_arr(p->at, key, &list, e), e);

	if (r <= 0 || json_array_size(list) == 0)
		return r < 0 ? -1 : 0;
	if (out == NULL)
		return err_nomem(e);
	json_array_foreach(list, i, v)
		if (add_word(p, key, i, v, words, out, e) != 0)
			return -1;
	*ret = TAKE(out);
	return 1;
}

int place_need_words(const struct place *p, const char *key, const char *const *words,
    json_t **ret, struct err *e)
{
	return need(p, key, place_words(p, key, words, ret, e), e);
}

static int read_time(const struct place *p, const char *key, const char *text, json_t **ret,
    struct err *e)
{
	char canonical[TIME_TEXT_MAX];
	json_t *value;
	int64_t at;

	if (!time_parse_iso(str_c(text), &at))
		return place_wrong(p, key, e, "'%.60s' is not a date and time like "
		    "2018-01-24T10:00:00Z", text);
	value = json_string(time_iso(at, canonical));
	if (value == NULL)
		return err_nomem(e);
	*ret = value;
	return 1;
}

int place_time(const struct place *p, const char *key, json_t **ret, struct err *e)
{
	const char *text = NULL;
	int r = relay(p, jget_str(p->at, key, &text, e), e);

	return r <= 0 ? r : read_time(p, key, text, ret, e);
}

int place_times(const struct place *p, const char *key, json_t **ret, struct err *e)
{
	json_t *list = NULL, *value = NULL, *out;
	char member[80];
	int r = relay(p, jget_arr(p->at, key, &list, e), e);

	if (r <= 0 || json_array_size(list) == 0)
		return r < 0 ? -1 : 0;
	if (json_array_size(list) > 1)
		return place_wrong(p, key, e, "%zu times are given, one is allowed",
		    json_array_size(list));
	(void)snprintf(member, sizeof(member), "%.50s[0]", key);
	if (!json_is_string(json_array_get(list, 0)))
		return place_wrong(p, member, e, "expected a string");
	if (read_time(p, member, json_string_value(json_array_get(list, 0)), &value, e) < 0)
		return -1;
	out = json_pack("[o]", value);
	if (out == NULL)
		return err_nomem(e);
	*ret = out;
	return 1;
}
