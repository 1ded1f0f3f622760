/* authorize.c - see authorize.h. */
#include "api/authorize.h"

#include <stdio.h>

#include "base/buf.h"

#define GROUP_ACTION "Microsoft.Resources/subscriptions/resourceGroups"

static bool is(const struct api_call *c, unsigned at, struct str word)
{
	return at < c->path.count && str_ieq(c->path.segment[at], word);
}

/* How many segments of the path are the scope's. */
static unsigned scope_length(const struct api_call *c)
{
	unsigned n = 2;

	if (is(c, n, STR("resourceGroups")) && n + 1 < c->path.count)
		n += 2;
	if (!is(c, n, STR("providers")) || is(c, n + 1, STR("Microsoft.Authorization")) ||
	    (is(c, n + 1, STR("Microsoft.Resources")) && is(c, n + 2, STR("tags"))) ||
	    n + 3 >= c->path.count)
		return n;
	n += 2;
	while (n + 1 < c->path.count && !is(c, n, STR("providers")))
		n += 2;
	return n;
}

int authorize_scope(struct api_call *c, struct err *e)
{
	auto_buf struct buf b = { 0 };
	unsigned n = 0;

	if (is(c, 0, STR("subscriptions")) && c->path.count > 1)
		n = scope_length(c);
	else
		buf_addf(&b, "/subscriptions/%s", c->world->subscription);
	for (unsigned i = 0; i < n; i++) {
		buf_adds(&b, "/");
		if (i == 0)
			buf_adds(&b, "subscriptions");
		else
			buf_add(&b, c->path.segment[i].p, c->path.segment[i].n);
	}
	c->scope = b.failed ? NULL : arena_str(&c->arena, buf_str(&b));
	return c->scope != NULL ? 0 : err_nomem(e);
}

int authorize_load(struct api_call *c, struct db_conn *conn, struct err *e)
{
	auto_conn struct db_conn *own = NULL;

	if (conn == NULL && db_read_begin(c->world->db, &own, e) != 0)
		return -1;
	return access_load(conn != NULL ? conn : own, &c->arena, c->who.client_id,
	    c->who.object_id, &c->access, e);
}

/* "{ns}/register/action" is of the provider that the path names. */
static int fill_action(struct api_call *c, struct err *e)
{
	const char *action = c->route->action;

	if (action != NULL && action[0] == '{')
		action = arena_fmt(&c->arena, "%s%s", c->param[1], strchr(action, '/'));
	else if (action == NULL)
		action = "";
	c->action = action;
	return action != NULL ? 0 : err_nomem(e);
}

static bool allowed(const struct api_call *c)
{
	struct str scope = str_c(c->scope);

	if (c->action[0] == '\0')
		return true;
	if ((c->route->flags & API_MEMBER) != 0)
		return access_near(&c->access, NULL, scope);
	if ((c->route->flags & API_FILTERED) != 0)
		return access_near(&c->access, c->action, scope);
	return access_allows(&c->access, c->action, scope);
}

int authorize_call(struct api_call *c, struct err *e)
{
	if (fill_action(c, e) != 0)
		return -1;
	if (allowed(c))
		return 0;
	return err_code(e, ERR_DENIED, "AuthorizationFailed",
	    "The client '%s' with object id '%s' does not have authorization to perform action "
	    "'%s' over scope '%.600s' or the scope is invalid. If access was recently granted, "
	    "please refresh your credentials.", c->who.client_id, c->who.object_id, c->action,
	    c->scope);
}

bool authorize_allows(const struct api_call *c, const char *action, const char *id)
{
	return access_allows(&c->access, action, str_c(id));
}

bool authorize_reads(const struct api_call *c, const struct resource *r)
{
	char action[256];
	int n = snprintf(action, sizeof(action), "%s/read",
	    strcmp(r->type, TYPE_GROUP) == 0 ? GROUP_ACTION : r->type);

	return n > 0 && (size_t)n < sizeof(action) && authorize_allows(c, action, r->id);
}

int authorize_linked(struct api_call *c, const char *action, const char *id, struct err *e)
{
	if (authorize_allows(c, action, id))
		return 0;
	return err_code(e, ERR_DENIED, "LinkedAuthorizationFailed",
	    "The client '%s' with object id '%s' has permission to perform action '%s' on scope "
	    "'%.300s'; however, it does not have permission to perform action '%s' on the linked "
	    "scope(s) '%.300s' or the linked scope(s) are invalid.", c->who.client_id,
	    c->who.object_id, c->action, c->scope, action, id);
}
