/* assignment.c - see assignment.h. */
#include "model/assignment.h"

#include <stdio.h>

#include "base/arena.h"

#define COLUMNS "name, object_id, role, scope, created_us, created_by"

static int read_text(struct db_stmt *q, unsigned col, char ret[40], struct err *e)
{
	int n = snprintf(ret, 40, "%s", db_col_text(q, col));

	return n >= 0 && n < 40 ? 0
	    : err_set(e, ERR_CORRUPT, "reading a role assignment: column %u is too long", col);
}

static int read_row(struct db_stmt *q, struct assignment *ret, struct err *e)
{
	if (read_text(q, 0, ret->name, e) != 0 || read_text(q, 1, ret->object_id, e) != 0 ||
	    read_text(q, 2, ret->role, e) != 0 || read_text(q, 5, ret->created_by, e) != 0)
		return -1;
	ret->scope = db_col_text(q, 3);
	ret->created_us = db_col_int(q, 4);
	return 0;
}

/* The row that is in the way of `a`: one of its name, or one that says the same. */
static int explain(struct db_conn *c, const struct assignment *a, const char *key, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	struct assignment old = { .scope = "" };
	bool same;
	int rc;

	if (db_prepare(c, "SELECT " COLUMNS ", scope_key = $1 AND object_id = $2 AND role = $3"
	    " FROM role_assignment WHERE name = $4 OR"
	    " (object_id = $2 AND scope_key = $1 AND role = $3) ORDER BY name = $4 DESC", &q, e) != 0 ||
	    db_bind_text(&q, 1, key, e) != 0 || db_bind_text(&q, 2, a->object_id, e) != 0 ||
	    db_bind_text(&q, 3, a->role, e) != 0 || db_bind_text(&q, 4, a->name, e) != 0)
		return -1;
	rc = db_step(&q, e);
	if (rc <= 0 || read_row(&q, &old, e) != 0)
		return rc < 0 ? -1 : err_set(e, ERR_BUG, "role assignment '%s' is not there", a->name);
	same = db_col_int(&q, 6) != 0;
	if (strcmp(old.name, a->name) == 0)
		return same ? 0 : err_code(e, ERR_CONFLICT, "RoleAssignmentUpdateNotPermitted",
		    "Tenant ID, application ID, principal ID, and scope are not allowed to be "
		    "updated: role assignment '%s' says something else.", old.name);
	return err_code(e, ERR_CONFLICT, "RoleAssignmentExists",
	    "The role assignment already exists. The ID of the existing role assignment is '%s'.",
	    old.name);
}

int assignment_put(struct db_conn *c, const struct assignment *a, struct err *e)
{
	auto_arena struct arena mem = { 0 };
	const char *key = arena_lower(&mem, str_c(a->scope));
	int made;

	if (key == NULL)
		return err_nomem(e);
	made = db_exec(c, e, "INSERT INTO role_assignment (name, object_id, role, scope, scope_key,"
	    " created_us, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
	    "sssssis", a->name, a->object_id, a->role, a->scope, key, a->created_us, a->created_by);
	return made != 0 ? made : explain(c, a, key, e);
}

int assignment_delete(struct db_conn *c, const char *name, const char *scope, struct err *e)
{
	auto_arena struct arena mem = { 0 };
	const char *key = arena_lower(&mem, str_c(scope)), *low = arena_lower(&mem, str_c(name));

	if (key == NULL || low == NULL)
		return err_nomem(e);
	return db_exec(c, e, "DELETE FROM role_assignment WHERE name = $1 AND scope_key = $2", "ss",
	    low, key);
}

/* Ids above `key` are its beginnings that end before a '/'; '0' is the character after '/', so the
 * range holds exactly what starts "<key>/". */
static const char list_sql[] =
    "SELECT " COLUMNS " FROM role_assignment WHERE"
    " (scope_key = $1 OR substr($1, 1, length(scope_key) + 1) = scope_key || '/'"
    " OR ($2 = 1 AND scope_key > ($1 || '/') AND scope_key < ($1 || '0')))"
    " AND ($3 = '' OR object_id = $3) ORDER BY scope_key, name";

int assignment_list(struct db_conn *c, const struct assignment_query *query, assignment_fn *fn,
    void *arg, struct err *e)
{
	auto_arena struct arena mem = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	const char *key = arena_lower(&mem, str_c(query->scope));
	const char *who = arena_lower(&mem, str_c(query->object_id));
	int rc;

	if (key == NULL || who == NULL)
		return err_nomem(e);
	if (db_prepare(c, list_sql, &q, e) != 0 || db_bind_text(&q, 1, key, e) != 0 ||
	    db_bind_int(&q, 2, query->below, e) != 0 || db_bind_text(&q, 3, who, e) != 0)
		return -1;
	while ((rc = db_step(&q, e)) > 0) {
		struct assignment a = { .scope = "" };

		if (read_row(&q, &a, e) != 0)
			return -1;
		rc = fn(arg, &a, e);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int assignment_roles(struct db_conn *c, const char *client_id, const char *object_id,
    assignment_role_fn *fn, void *arg, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (db_prepare(c, "SELECT role, '' FROM principal WHERE client_id = $1 UNION ALL"
	    " SELECT role, scope_key FROM role_assignment WHERE object_id = $2", &q, e) != 0 ||
	    db_bind_text(&q, 1, client_id, e) != 0 || db_bind_text(&q, 2, object_id, e) != 0)
		return -1;
	while ((rc = db_step(&q, e)) > 0) {
		rc = fn(arg, db_col_text(&q, 0), db_col_text(&q, 1), e);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int assignment_forget(struct db_conn *c, const char *key, struct err *e)
{
	return db_exec(c, e, "DELETE FROM role_assignment WHERE scope_key = $1 OR"
	    " (scope_key > ($1 || '/') AND scope_key < ($1 || '0'))", "s", key) < 0 ? -1 : 0;
}
