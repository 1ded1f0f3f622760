/* role.c - see role.h. */
#include "auth/role.h"

static const struct role *find_exact(struct str text)
{
	for (const struct role *r = roles; r->name != NULL; r++)
		if (str_ieq(text, str_c(r->name)) || str_ieq(text, str_c(r->id)))
			return r;
	return NULL;
}

const struct role *role_find(struct str text)
{
	const struct str marker = STR("/roleDefinitions/");

	for (size_t i = 0; i + marker.n < text.n; i++) {
		struct str rest = { text.p + i, text.n - i };

		if (str_istarts(rest, marker))
			return find_exact((struct str){ rest.p + marker.n, rest.n - marker.n });
	}
	return find_exact(text);
}

static bool same_letter(char a, char b)
{
	return str_ieq((struct str){ &a, 1 }, (struct str){ &b, 1 });
}

/* Only the last '*' is ever gone back to, so the work is at most pattern times action. */
bool role_pattern_matches(struct str pattern, struct str action)
{
	size_t p = 0, a = 0, star = SIZE_MAX, resume = 0;

	while (a < action.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			resume = a;
		} else if (p < pattern.n && same_letter(pattern.p[p], action.p[a])) {
			p++;
			a++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			a = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

static bool listed(const char *const *patterns, struct str action)
{
	for (; *patterns != NULL; patterns++)
		if (role_pattern_matches(str_c(*patterns), action))
			return true;
	return false;
}

bool role_allows(const struct role *r, const char *action)
{
	struct str name = str_c(action);

	return listed(r->actions, name) && !listed(r->not_actions, name);
}
