/* access.c - see access.h. */
#include "auth/access.h"

#include "model/assignment.h"

struct loading {
	struct arena *arena;
	struct access_grant *grants;
	size_t count, cap;
};

static int grow(struct loading *l, struct err *e)
{
	size_t cap = l->cap > 0 ? l->cap * 2 : 8;
	struct access_grant *more = arena_alloc(l->arena, cap * sizeof(*more));

	if (more == NULL)
		return err_nomem(e);
	if (l->count > 0)
		memcpy(more, l->grants, l->count * sizeof(*more));
	l->grants = more;
	l->cap = cap;
	return 0;
}

static int add(void *arg, const char *role, const char *scope, struct err *e)
{
	struct loading *l = arg;
	const struct role *known = role_find(str_c(role));
	const char *kept;

	if (known == NULL)
		return 0;
	if (l->count == l->cap && grow(l, e) != 0)
		return -1;
	kept = arena_dup(l->arena, scope);
	if (kept == NULL)
		return err_nomem(e);
	l->grants[l->count++] = (struct access_grant){ known, kept };
	return 0;
}

int access_load(struct db_conn *c, struct arena *a, const char *client_id, const char *object_id,
    struct access *ret, struct err *e)
{
	struct loading l = { .arena = a };

	if (assignment_roles(c, client_id, object_id, add, &l, e) < 0)
		return -1;
	*ret = (struct access){ l.grants, l.count };
	return 0;
}

/* Is `scope` at or below `top`? */
static bool within(struct str scope, struct str top)
{
	return str_istarts(scope, top) &&
	    (top.n == 0 || scope.n == top.n || scope.p[top.n] == '/');
}

bool access_allows(const struct access *a, const char *action, struct str scope)
{
	for (size_t i = 0; i < a->count; i++)
		if (within(scope, str_c(a->grants[i].scope)) &&
		    role_allows(a->grants[i].role, action))
			return true;
	return false;
}

bool access_near(const struct access *a, const char *action, struct str scope)
{
	for (size_t i = 0; i < a->count; i++) {
		struct str at = str_c(a->grants[i].scope);

		if ((within(scope, at) || within(at, scope)) &&
		    (action == NULL || role_allows(a->grants[i].role, action)))
			return true;
	}
	return false;
}
