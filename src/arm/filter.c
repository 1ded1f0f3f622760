/* filter.c - see filter.h. */
#include "arm/filter.h"

#include "base/clock.h"

#define CODE "BMSUserErrorInvalidInput"
#define PREFIX "Input provided for the call is invalid: $filter: "

struct reader {
	const char *p;
	struct arena *arena;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_';
}

static void skip_blanks(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t')
		r->p++;
}

static struct str take_word(struct reader *r)
{
	const char *start = r->p;

	while (is_word(*r->p))
		r->p++;
	return (struct str){ start, (size_t)(r->p - start) };
}

static int expected(const struct reader *r, const char *what, struct err *e)
{
	return err_code(e, ERR_INVALID, CODE, PREFIX "%s expected at '%.100s'", what, r->p);
}

static int take_quoted(struct reader *r, const char **ret, struct err *e)
{
	const char *start = ++r->p;
	char *out = arena_alloc(r->arena, strlen(start) + 1);
	size_t n = 0;

	if (out == NULL)
		return err_nomem(e);
	for (; *r->p != '\0'; r->p++) {
		if (*r->p == '\'') {
			if (r->p[1] != '\'') {
				r->p++;
				*ret = out;
				return 0;
			}
			r->p++;
		}
		out[n++] = *r->p;
	}
	return err_code(
	    e, ERR_INVALID, CODE, PREFIX "the value '%.100s' has no closing quote", start);
}

static int take_value(struct reader *r, const char **ret, struct err *e)
{
	struct reader start = *r;
	struct str word;
	const char *text;

	if (*r->p == '\'')
		return take_quoted(r, ret, e);
	word = take_word(r);
	if (!str_ieq(word, STR("true")) && !str_ieq(word, STR("false")))
		return expected(&start, "a quoted value", e);
	text = arena_str(r->arena, word);
	if (text == NULL)
		return err_nomem(e);
	*ret = text;
	return 0;
}

static const char *known_key(const char *const *keys, struct str key)
{
	for (; *keys != NULL; keys++)
		if (str_ieq(str_c(*keys), key))
			return *keys;
	return NULL;
}

static int take_clause(struct reader *r, const char *const *keys, struct arm_filter *f,
    struct err *e)
{
	struct reader start;
	struct str word;
	const char *key, *value = "";

	skip_blanks(r);
	start = *r;
	word = take_word(r);
	if (word.n == 0)
		return expected(&start, "a key", e);
	key = known_key(keys, word);
	if (key == NULL)
		return err_code(e, ERR_INVALID, CODE, PREFIX "the key '%.*s' is not known here",
		    word.n < 100 ? (int)word.n : 100, word.p);
	skip_blanks(r);
	start = *r;
	if (!str_ieq(take_word(r), STR("eq")))
		return expected(&start, "'eq'", e);
	skip_blanks(r);
	if (take_value(r, &value, e) != 0)
		return -1;
	if (arm_filter_get(f, key) != NULL)
		return err_code(e, ERR_INVALID, CODE, PREFIX "the key '%s' is given twice", key);
	if (value[0] == '\0')	/* no restriction */
		return 0;
	if (f->count == ARM_FILTER_MAX)
		return err_code(
		    e, ERR_INVALID, CODE, PREFIX "more than %d clauses", ARM_FILTER_MAX);
	f->clause[f->count].key = arena_dup(r->arena, key);
	if (f->clause[f->count].key == NULL)
		return err_nomem(e);
	f->clause[f->count++].value = value;
	return 0;
}

int arm_filter_parse(struct arena *a, const char *text, const char *const *keys,
    struct arm_filter *ret, struct err *e)
{
	struct reader r = { text != NULL ? text : "", a };
	struct arm_filter f = { 0 };

	skip_blanks(&r);
	while (*r.p != '\0') {
		struct reader start;

		if (take_clause(&r, keys, &f, e) != 0)
			return -1;
		skip_blanks(&r);
		if (*r.p == '\0')
			break;
		start = r;
		if (!str_ieq(take_word(&r), STR("and")) || (*r.p != ' ' && *r.p != '\t'))
			return expected(&start, "'and'", e);
		skip_blanks(&r);
		if (*r.p == '\0')
			return expected(&r, "a key", e);
	}
	*ret = f;
	return 0;
}

const char *arm_filter_get(const struct arm_filter *f, const char *key)
{
	for (unsigned i = 0; i < f->count; i++)
		if (str_ieq(str_c(f->clause[i].key), str_c(key)))
			return f->clause[i].value;
	return NULL;
}

int arm_filter_time(const struct arm_filter *f, const char *key, int64_t *ret_us, struct err *e)
{
	const char *value = arm_filter_get(f, key);

	if (value == NULL)
		return 0;
	if (!time_parse_filter(str_c(value), ret_us))
		return err_code(e, ERR_INVALID, CODE,
		    PREFIX "the value '%.100s' of '%s' is not a date of "
			   "the form 'yyyy-MM-dd hh:mm:ss AM'",
		    value, key);
	return 1;
}
