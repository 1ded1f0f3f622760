/* id.c - reading and comparing resource ids.  See id.h. */
#include "arm/id.h"

#include "arm/text.h"

/* The next non-empty segment of `rest`, which moves past it. */
static bool next_segment(struct str *rest, struct str *ret)
{
	size_t n = 0;

	while (rest->n > 0 && rest->p[0] == '/') {
		rest->p++;
		rest->n--;
	}
	if (rest->n == 0)
		return false;
	while (n < rest->n && rest->p[n] != '/')
		n++;
	*ret = (struct str){ rest->p, n };
	rest->p += n;
	rest->n -= n;
	return true;
}

static int bad_id(struct str text, const char *why, struct err *e)
{
	struct str shown = { text.p, text.n < 300 ? text.n : 300 };

	if (!text_plain(shown))
		shown = STR("");
	return err_code(e, ERR_INVALID, "LinkedInvalidPropertyId",
	    "'" STR_F "' is not a resource id: %s", STR_A(shown), why);
}

static int parse_parts(struct str text, struct str *rest, struct arm_id *id, struct err *e)
{
	struct str type, name;

	while (next_segment(rest, &type)) {
		if (id->depth == ARM_DEPTH_MAX)
			return bad_id(text, "too many levels", e);
		if (!next_segment(rest, &name))
			return bad_id(text, "a type is not followed by a name", e);
		id->part[id->depth].type = type;
		id->part[id->depth++].name = name;
	}
	return id->depth > 0 ? 0 : bad_id(text, "no type follows the provider", e);
}

int arm_id_parse(struct str text, struct arm_id *ret, struct err *e)
{
	struct arm_id id = { 0 };
	struct str rest = text, word;
	bool more;

	if (text.n == 0 || text.p[0] != '/')
		return bad_id(text, "it does not start with '/'", e);
	if (!text_plain(text))
		return bad_id(text, "it holds control characters or is not UTF-8", e);
	if (!next_segment(&rest, &word) || !str_ieq(word, STR("subscriptions")) ||
	    !next_segment(&rest, &id.subscription))
		return bad_id(text, "it does not start with '/subscriptions/<id>'", e);
	more = next_segment(&rest, &word);
	if (more && str_ieq(word, STR("resourceGroups"))) {
		if (!next_segment(&rest, &id.group))
			return bad_id(text, "the resource group is missing", e);
		more = next_segment(&rest, &word);
	}
	if (more) {
		if (!str_ieq(word, STR("providers")))
			return bad_id(text, "'providers' is missing", e);
		if (!next_segment(&rest, &id.provider))
			return bad_id(text, "the provider is missing", e);
		if (parse_parts(text, &rest, &id, e) != 0)
			return -1;
	}
	*ret = id;
	return 0;
}

bool arm_id_is(const struct arm_id *id, const char *type)
{
	struct str rest = str_c(type), word;

	if (!next_segment(&rest, &word) || !str_ieq(word, id->provider))
		return false;
	for (unsigned i = 0; i < id->depth; i++)
		if (!next_segment(&rest, &word) || !str_ieq(word, id->part[i].type))
			return false;
	return !next_segment(&rest, &word);
}

bool arm_id_same(struct str a, struct str b)
{
	struct str x, y;

	for (;;) {
		bool more = next_segment(&a, &x);

		if (next_segment(&b, &y) != more)
			return false;
		if (!more)
			return true;
		if (!str_ieq(x, y))
			return false;
	}
}
