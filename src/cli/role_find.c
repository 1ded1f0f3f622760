/* role_find.c - what the words of `holdfast role` mean; see role_find.h. */
#include "cli/role_find.h"

struct search {
	const char *text;
	struct principal found;
	unsigned count;
};

static int match(void *arg, const struct principal *p, struct err *e)
{
	struct search *s = arg;
	struct str text = str_c(s->text);

	(void)e;
	if (str_ieq(text, str_c(p->object_id)) || str_ieq(text, str_c(p->client_id)) ||
	    strcmp(s->text, p->name) == 0) {
		s->found = *p;
		s->count++;
	}
	return 0;
}

int role_find_principal(struct db_conn *c, const char *text, struct principal *ret, struct err *e)
{
	struct search s = { .text = text };

	if (principal_list(c, match, &s, e) < 0)
		return -1;
	if (s.count == 0)
		return err_set(e, ERR_NOT_FOUND, "no principal has the id or name '%.130s'", text);
	if (s.count > 1)
		return err_set(e, ERR_INVALID, "%u principals are called '%.130s': give the object id",
		    s.count, text);
	*ret = s.found;
	return 0;
}

int role_find_role(const char *text, const struct role **ret, struct err *e)
{
	*ret = role_find(str_c(text));
	return *ret != NULL ? 0 : err_set(e, ERR_NOT_FOUND, "there is no role '%.130s': it is one of "
	    "Owner, Contributor, Reader, Backup Contributor, Backup Operator, Backup Reader", text);
}

int role_find_scope(struct db_conn *c, struct arena *a, const char *subscription, const char *text,
    const char **ret, struct err *e)
{
	auto_resource struct resource r = { 0 };
	const char *top = arena_fmt(a, "/subscriptions/%s", subscription), *id;
	int found;

	if (top == NULL)
		return err_nomem(e);
	if (text == NULL || str_ieq(str_c(text), str_c(top))) {
		*ret = top;
		return 0;
	}
	id = *text == '/' ? text : arena_fmt(a, "%s/resourceGroups/%s", top, text);
	if (id == NULL)
		return err_nomem(e);
	found = resource_get(c, id, &r, e);
	if (found <= 0)
		return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "scope '%.400s' is not there", id);
	*ret = arena_dup(a, r.id);
	return *ret != NULL ? 0 : err_nomem(e);
}
