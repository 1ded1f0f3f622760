/* assignment.h - who has which role where, as rows.
 *
 * A scope is the id of the subscription, of a resource group or of anything in one, in canonical
 * form (arm/id.h); what is assigned at a scope holds for it and all below it.  Deleting a resource
 * removes what is assigned at it and below.  The role that a principal's own row names holds for
 * the whole subscription and is no row here. */
#ifndef MODEL_ASSIGNMENT_H
#define MODEL_ASSIGNMENT_H

#include "base/base.h"
#include "db/db.h"

struct assignment {
	char name[40];		/* GUID, lower case */
	char object_id[40];	/* the principal's, lower case */
	char role[40];		/* GUID of the role, lower case */
	const char *scope;	/* borrowed: given to put, or until the list's function returns */
	int64_t created_us;
	char created_by[40];	/* object id of who assigned it, or "" for the command line */
};

/* ERR_CONFLICT: RoleAssignmentExists, the principal has this role at this scope under another name
 * (which the text tells); RoleAssignmentUpdateNotPermitted, the name is of an assignment that
 * says something else.  1: made; 0: it was there, just so. */
must_check int assignment_put(struct db_conn *c, const struct assignment *a, struct err *e);

/* 1 removed, 0 was not there, -1.  `name` and `scope` in any casing. */
must_check int assignment_delete(struct db_conn *c, const char *name, const char *scope,
    struct err *e);

/* What is assigned at `scope`, above it and, with `below`, below it; in order of scopes and names.
 * `object_id` NULL: to anyone.  Non-zero from `fn` stops and is returned. */
struct assignment_query {
	const char *scope, *object_id;
	bool below;
};
typedef int assignment_fn(void *arg, const struct assignment *a, struct err *e);
must_check int assignment_list(struct db_conn *c, const struct assignment_query *q,
    assignment_fn *fn, void *arg, struct err *e);

/* What one principal has: each role, by name or GUID, with the lower-cased scope it holds for, ""
 * for everything.  One query.  Non-zero from `fn` stops and is returned. */
typedef int assignment_role_fn(void *arg, const char *role, const char *scope, struct err *e);
must_check int assignment_roles(struct db_conn *c, const char *client_id, const char *object_id,
    assignment_role_fn *fn, void *arg, struct err *e);

/* Remove what is assigned at the resource `key` (lower-cased id) and below. */
must_check int assignment_forget(struct db_conn *c, const char *key, struct err *e);

#endif
