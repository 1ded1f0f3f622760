/* route.c - see route.h.  Patterns are compared segment by segment without
 * case; "{x}" takes one segment, "{x*}" as the last one takes the rest, "{scope*}" as the first one
 * all, even none, that the others leave. */
#include "api/route.h"

#include <stdio.h>

#include "base/buf.h"

static bool next_segment(const char **at, struct str *ret)
{
	const char *p = *at;
	size_t n;

	if (*p == '\0')
		return false;
	n = strcspn(p, "/");
	*ret = (struct str){ p, n };
	*at = p + n + (p[n] == '/' ? 1 : 0);
	return true;
}

static const char *join(struct api_call *c, unsigned from, unsigned to)
{
	auto_buf struct buf b = { 0 };

	for (unsigned i = from; i < to; i++) {
		if (i > from)
			buf_adds(&b, "/");
		buf_add(&b, c->path.segment[i].p, c->path.segment[i].n);
	}
	return b.failed ? NULL : b.n > 0 ? arena_str(&c->arena, buf_str(&b)) : "";
}

static bool take_param(struct api_call *c, const char *value)
{
	if (value == NULL || c->param_count == API_PARAMS_MAX)
		return false;
	c->param[c->param_count++] = value;
	return true;
}

/* First segments that no account and no tenant can be. */
static bool fixed_word(struct str s)
{
	return str_ieq(s, STR("subscriptions")) || str_ieq(s, STR("providers")) ||
	    str_ieq(s, STR("tenants")) || str_ieq(s, STR("adfs")) || str_ieq(s, STR("metadata"));
}

#define SCOPE "{scope*}/"

/* Take the scope of a pattern that begins with one: how many segments that is, or -1. */
static int take_scope(const char **at, struct api_call *c)
{
	struct str ignored;
	unsigned others = 0;
	const char *rest;

	if (strncmp(*at, SCOPE, sizeof(SCOPE) - 1) != 0)
		return 0;
	*at += sizeof(SCOPE) - 1;
	rest = *at;
	while (next_segment(&rest, &ignored))
		others++;
	/* its text is put in once the rest has matched */
	if (others > c->path.count || !take_param(c, ""))
		return -1;
	return (int)(c->path.count - others);
}

static bool match(const char *pattern, struct api_call *c)
{
	const char *at = pattern;
	struct str want;
	int skipped;
	unsigned i;

	c->param_count = 0;
	skipped = take_scope(&at, c);
	if (skipped < 0)
		return false;
	i = (unsigned)skipped;
	if (at == pattern && pattern[0] == '{' && c->path.count > 0 && fixed_word(c->path.segment[0]))
		return false;
	while (next_segment(&at, &want)) {
		bool rest = want.n > 2 && want.p[0] == '{' && want.p[want.n - 2] == '*';

		if (i == c->path.count)
			return false;
		if (rest)
			return take_param(c, join(c, i, c->path.count));
		if (want.p[0] == '{') {
			if (!take_param(c, arena_str(&c->arena, c->path.segment[i])))
				return false;
		} else if (!str_ieq(want, c->path.segment[i])) {
			return false;
		}
		i++;
	}
	if (i != c->path.count)
		return false;
	if (skipped > 0)
		c->param[0] = join(c, 0, (unsigned)skipped);
	return c->param_count == 0 || c->param[0] != NULL;
}

int route_find(const struct api_route *const *tables, struct api_call *c, char *ret_allow,
    size_t allow_n)
{
	const char *method = strcmp(c->http->method, "HEAD") == 0 ? "GET" : c->http->method;
	size_t used = 0;

	ret_allow[0] = '\0';
	for (; *tables != NULL; tables++) {
		for (const struct api_route *r = *tables; r->method != NULL; r++) {
			bool same = strcmp(r->method, method) == 0;
			int n;

			/* A blob could be anywhere: its routes do not make a path known. */
			if (!same && (r->flags & API_RAW) != 0 && strstr(r->pattern, "*}") != NULL)
				continue;
			if (!same && used > 0 && strstr(ret_allow, r->method) != NULL)
				continue;
			if (!match(r->pattern, c))
				continue;
			if (same) {
				c->route = r;
				return 1;
			}
			n = snprintf(ret_allow + used, allow_n - used, "%s%s", used > 0 ? ", " : "",
			    r->method);
			if (n > 0 && (size_t)n < allow_n - used)
				used += (size_t)n;
		}
	}
	c->param_count = 0;
	return used > 0 ? -1 : 0;
}
