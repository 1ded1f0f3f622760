/* role_api.c - role definitions, and what the calls of roles share.  See role_api.h. */
#include "api/role_api.h"

#include <stdio.h>

#include "auth/role.h"
#include "base/clock.h"

const char *role_definition_id(struct api_call *c, const char *role)
{
	return arena_fmt(&c->arena, "/subscriptions/%s/providers/" TYPE_ROLE_DEFINITION "/%s",
	    c->world->subscription, role);
}

int role_scope(struct api_call *c, const char **ret, struct err *e)
{
	struct arm_id id;
	const char *scope;

	if (arm_id_parse(str_c(c->scope), &id, e) != 0)
		return -1;
	scope = arm_id_canonical(&c->arena, &id);
	if (scope == NULL)
		return err_nomem(e);
	*ret = scope;
	return 0;
}

json_t *role_assignment_json(struct api_call *c, const struct assignment *a)
{
	const char *id = arena_fmt(&c->arena, "%s/providers/" TYPE_ROLE_ASSIGNMENT "/%s", a->scope,
	    a->name);
	const char *role = role_definition_id(c, a->role);
	char text[TIME_TEXT_MAX];
	const char *when = a->created_us != 0 ? time_iso(a->created_us, text) : NULL;

	if (id == NULL || role == NULL)
		return NULL;
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:n, s:n, s:s?, s:s?, s:s?, s:s?, s:n, s:n}, s:s, s:s, "
	    "s:s}", "properties", "roleDefinitionId", role, "principalId", a->object_id,
	    "principalType", "ServicePrincipal", "scope", a->scope, "condition", "conditionVersion",
	    "createdOn", when, "updatedOn", when, "createdBy",
	    a->created_by[0] != '\0' ? a->created_by : NULL, "updatedBy",
	    a->created_by[0] != '\0' ? a->created_by : NULL, "delegatedManagedIdentityResourceId",
	    "description", "id", id, "type", TYPE_ROLE_ASSIGNMENT, "name", a->name);
}

bool role_built_in(struct api_call *c, const struct principal *p, struct assignment *ret)
{
	const struct role *role = role_find(str_c(p->role));

	if (role == NULL)
		return false;
	*ret = (struct assignment){ .scope = arena_fmt(&c->arena, "/subscriptions/%s",
	    c->world->subscription) };
	(void)snprintf(ret->name, sizeof(ret->name), "%s", p->object_id);
	(void)snprintf(ret->object_id, sizeof(ret->object_id), "%s", p->object_id);
	(void)snprintf(ret->role, sizeof(ret->role), "%s", role->id);
	return ret->scope != NULL;
}

struct search {
	const char *object_id;
	struct principal *ret;
};

static int take_same(void *arg, const struct principal *p, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (!str_ieq(str_c(p->object_id), str_c(s->object_id)))
		return 0;
	*s->ret = *p;
	return 1;
}

int role_principal(struct db_conn *conn, const char *object_id, struct principal *ret,
    struct err *e)
{
	struct search s = { object_id, ret };

	return principal_list(conn, take_same, &s, e);
}

static json_t *texts(const char *const *list)
{
	auto_json json_t *out = json_array();

	for (; *list != NULL; list++)
		if (json_array_append_new(out, json_string(*list)) != 0)
			return NULL;
	return TAKE(out);
}

static json_t *definition_json(struct api_call *c, const struct role *r)
{
	const char *id = role_definition_id(c, r->id);

	if (id == NULL)
		return NULL;
	return json_pack("{s:{s:s, s:s, s:s, s:[s], s:[{s:o, s:o, s:[], s:[]}]}, s:s, s:s, s:s}",
	    "properties", "roleName", r->name, "type", "BuiltInRole", "description",
	    r->description, "assignableScopes", "/", "permissions", "actions", texts(r->actions),
	    "notActions", texts(r->not_actions), "dataActions", "notDataActions", "id", id, "type",
	    TYPE_ROLE_DEFINITION, "name", r->id);
}

static int definition_list(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "roleName", "type", NULL };
	const char *text = arm_query_get(&c->query, "$filter"), *name, *type;
	auto_json json_t *rows = json_array();
	struct arm_filter f = { .count = 0 };

	if (text != NULL && str_ieq(str_c(text), STR("atScopeAndBelow()")))
		text = NULL;	/* every role may be assigned everywhere */
	if (arm_filter_parse(&c->arena, text, keys, &f, e) != 0)
		return -1;
	name = arm_filter_get(&f, "roleName");
	type = arm_filter_get(&f, "type");
	for (const struct role *r = roles; r->name != NULL; r++) {
		if ((name != NULL && !str_ieq(str_c(name), str_c(r->name))) ||
		    (type != NULL && !str_ieq(str_c(type), STR("BuiltInRole"))))
			continue;
		if (json_array_append_new(rows, definition_json(c, r)) != 0)
			return err_nomem(e);
	}
	return api_list(c, TAKE(rows), NULL, e);
}

static int definition_get(struct api_call *c, struct err *e)
{
	const struct role *r = role_find(str_c(c->param[1]));

	if (r == NULL)
		return err_code(e, ERR_NOT_FOUND, "RoleDefinitionDoesNotExist",
		    "The specified role definition with ID '%.100s' does not exist.", c->param[1]);
	return api_json(c, 200, definition_json(c, r), e);
}

#define SCOPE "{scope*}/providers/"
#define ASSIGNMENTS SCOPE TYPE_ROLE_ASSIGNMENT

const struct api_route role_routes[] = {
	{ "GET", SCOPE TYPE_ROLE_DEFINITION, definition_list, API_MEMBER,
	    TYPE_ROLE_DEFINITION "/read" },
	{ "GET", SCOPE TYPE_ROLE_DEFINITION "/{role}", definition_get, API_MEMBER,
	    TYPE_ROLE_DEFINITION "/read" },
	{ "GET", ASSIGNMENTS, role_assignment_list, 0, TYPE_ROLE_ASSIGNMENT "/read" },
	{ "GET", ASSIGNMENTS "/{name}", role_assignment_get, 0, TYPE_ROLE_ASSIGNMENT "/read" },
	{ "PUT", ASSIGNMENTS "/{name}", role_assignment_put, API_BODY,
	    TYPE_ROLE_ASSIGNMENT "/write" },
	{ "DELETE", ASSIGNMENTS "/{name}", role_assignment_delete, 0,
	    TYPE_ROLE_ASSIGNMENT "/delete" },
	{ NULL },
};
