/* role_assign.c - one role assignment: PUT, GET, DELETE.  See role_api.h. */
#include "api/role_api.h"

#include <stdio.h>

#include "auth/role.h"
#include "base/codec.h"

/* A scope's resource must be there; below the first level not everything is a row. */
static int check_scope(struct db_conn *conn, struct api_call *c, const char *scope, struct err *e)
{
	auto_resource struct resource r = { 0 };
	struct arm_id id;
	const char *top;
	int found;

	if (arm_id_parse(str_c(scope), &id, e) != 0)
		return -1;
	if (id.group.n == 0)
		return 0;
	if (id.depth > 1)
		id.depth = 1;
	top = arm_id_canonical(&c->arena, &id);
	if (top == NULL)
		return err_nomem(e);
	found = resource_get(conn, top, &r, e);
	if (found == 0 && id.depth == 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceGroupNotFound",
		    "Resource group '" STR_F "' could not be found.", STR_A(id.group));
	return found < 0 ? -1 : found == 0 ? api_not_found(top, e) : 0;
}

static int missing(const char *path, struct err *e)
{
	return err_code(e, ERR_INVALID, "InvalidCreateRoleAssignmentRequest",
	    "The role assignment creation request is not valid: %s is required, but missing.", path);
}

static int read_body(struct api_call *c, const char **ret_role, const char **ret_principal,
    struct err *e)
{
	const char *type = jstr(c->body, "properties.principalType", NULL);

	*ret_role = jstr(c->body, "properties.roleDefinitionId", NULL);
	*ret_principal = jstr(c->body, "properties.principalId", NULL);
	if (*ret_role == NULL)
		return missing("properties.roleDefinitionId", e);
	if (*ret_principal == NULL)
		return missing("properties.principalId", e);
	if (jat(c->body, "properties.condition") != NULL)
		return err_code(e, ERR_INVALID, "InvalidCreateRoleAssignmentRequest",
		    "properties.condition: role assignments with conditions are not supported.");
	if (type != NULL && !str_ieq(str_c(type), STR("ServicePrincipal")))
		return err_code(e, ERR_INVALID, "UnmatchedPrincipalType",
		    "The PrincipalId '%.40s' has type 'ServicePrincipal', which is different from "
		    "specified PrincipalType '%.40s'.", *ret_principal, type);
	return 0;
}

/* What the request says, as a row. */
static int read_request(struct api_call *c, struct db_conn *conn, struct assignment *ret,
    struct err *e)
{
	const char *role_text, *principal;
	const struct role *role;
	struct principal p;
	int found;

	if (!guid_valid(str_c(c->param[1])))
		return err_code(e, ERR_INVALID, "InvalidRoleAssignmentId",
		    "The role assignment ID '%.100s' is not valid. The role assignment ID must be a "
		    "GUID.", c->param[1]);
	if (role_scope(c, &ret->scope, e) != 0 || read_body(c, &role_text, &principal, e) != 0 ||
	    check_scope(conn, c, ret->scope, e) != 0)
		return -1;
	role = role_find(str_c(role_text));
	if (role == NULL)
		return err_code(e, ERR_NOT_FOUND, "RoleDefinitionDoesNotExist",
		    "The specified role definition with ID '%.200s' does not exist.", role_text);
	found = role_principal(conn, principal, &p, e);
	if (found == 0)
		return err_code(e, ERR_INVALID, "PrincipalNotFound",
		    "Principal %.40s does not exist in the directory %s. Check that you have the "
		    "correct principal ID, which is the object id and not the application id.",
		    principal, c->world->tenant);
	if (found < 0)
		return -1;
	(void)snprintf(ret->name, sizeof(ret->name), "%s",
	    arena_lower(&c->arena, str_c(c->param[1])));
	(void)snprintf(ret->object_id, sizeof(ret->object_id), "%s", p.object_id);
	(void)snprintf(ret->role, sizeof(ret->role), "%s", role->id);
	(void)snprintf(ret->created_by, sizeof(ret->created_by), "%s", c->who.object_id);
	ret->created_us = c->now_us;
	return 0;
}

/* Who got or lost which role belongs in the audit log. */
static int tell(struct api_call *c, const struct assignment *a, struct err *e)
{
	const struct role *role = role_find(str_c(a->role));

	c->audit_detail = json_pack("{s:s, s:s}", "principalId", a->object_id, "role",
	    role != NULL ? role->name : a->role);
	return c->audit_detail != NULL ? 0 : err_nomem(e);
}

int role_assignment_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	struct assignment a = { .scope = "" };
	int made;

	if (db_write_begin(c->world->db, &conn, e) != 0 || read_request(c, conn, &a, e) != 0)
		return -1;
	if (tell(c, &a, e) != 0)
		return -1;
	made = assignment_put(conn, &a, e);
	if (made < 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, made > 0 ? 201 : 200, role_assignment_json(c, &a), e);
}

struct found {
	struct api_call *c;
	struct assignment row;	/* scope is the arena's, "" while nothing is found */
};

static int take_named(void *arg, const struct assignment *a, struct err *e)
{
	struct found *f = arg;

	if (!str_ieq(str_c(a->name), str_c(f->c->param[1])) ||
	    !arm_id_same(str_c(a->scope), str_c(f->c->scope)))
		return 0;
	f->row = *a;
	f->row.scope = arena_dup(&f->c->arena, a->scope);
	return f->row.scope != NULL ? 1 : err_nomem(e);
}

/* 1: a row; 2: the role that a principal was made with; 0; -1. */
static int find(struct api_call *c, struct db_conn *conn, struct assignment *ret, struct err *e)
{
	struct assignment_query q = { .object_id = NULL };
	struct found f = { .c = c };
	struct principal p;
	int found;

	if (role_scope(c, &q.scope, e) != 0)
		return -1;
	found = assignment_list(conn, &q, take_named, &f, e);
	if (found != 0) {
		*ret = f.row;
		return found;
	}
	found = role_principal(conn, c->param[1], &p, e);
	if (found <= 0)
		return found;
	return role_built_in(c, &p, ret) && arm_id_same(str_c(ret->scope), str_c(q.scope)) ? 2 : 0;
}

int role_assignment_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	struct assignment a;
	int found;

	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = find(c, conn, &a, e);
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "RoleAssignmentNotFound",
		    "The role assignment '%.100s' is not found.", c->param[1]);
	return found < 0 ? -1 : api_json(c, 200, role_assignment_json(c, &a), e);
}

int role_assignment_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	struct assignment a;
	int found;

	if (db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = find(c, conn, &a, e);
	if (found <= 0)
		return found < 0 ? -1 : api_empty(c, 204);
	if (found == 2)
		return err_code(e, ERR_CONFLICT, "RoleAssignmentCannotBeDeleted",
		    "The role assignment '%s' is the role that principal '%s' was made with; it goes "
		    "with the principal.", a.name, a.object_id);
	if (tell(c, &a, e) != 0 || assignment_delete(conn, a.name, a.scope, e) < 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, role_assignment_json(c, &a), e);
}
