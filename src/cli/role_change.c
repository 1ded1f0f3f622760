/* role_change.c - holdfast role assign and remove.  See role.h. */
#include <stdio.h>

#include "base/codec.h"
#include "cli/offline.h"
#include "cli/record.h"
#include "cli/role.h"
#include "cli/role_find.h"
#include "model/assignment.h"

struct change {
	struct offline o;
	struct arena arena;
	struct db_conn *conn;
	struct principal who;
	const struct role *role;
	const char *scope;
	int audit_fd;
};

static void change_done(struct change *c)
{
	close_p(&c->audit_fd);
	db_rollback(&c->conn);
	arena_done(&c->arena);
	offline_done(&c->o);
}

static int begin(const struct role_args *args, struct change *c, struct err *e)
{
	if (offline_open(args->dir, &c->o, e) != 0 ||
	    record_begin(args->dir, &c->audit_fd, e) != 0)
		return -1;
	if (db_write_begin(c->o.world.db, &c->conn, e) != 0 ||
	    role_find_principal(c->conn, args->principal, &c->who, e) != 0 ||
	    role_find_role(args->role, &c->role, e) != 0)
		return -1;
	return role_find_scope(c->conn, &c->arena, c->o.world.subscription, args->scope, &c->scope,
	    e);
}

static int end(struct change *c, const char *action, struct err *e)
{
	if (db_commit(&c->conn, e) != 0)
		return -1;
	return record_end(c->audit_fd, action, c->scope, json_pack("{s:s, s:s}", "principalId",
	    c->who.object_id, "role", c->role->name), e);
}

static int assign(const struct role_args *args, struct change *c, struct err *e)
{
	struct assignment a = { .created_us = clock_now_us(&clock_system) };

	if (begin(args, c, e) != 0)
		return -1;
	(void)guid_new(a.name);
	(void)snprintf(a.object_id, sizeof(a.object_id), "%s", c->who.object_id);
	(void)snprintf(a.role, sizeof(a.role), "%s", c->role->id);
	a.scope = c->scope;
	if (assignment_put(c->conn, &a, e) < 0)
		return -1;
	return end(c, "Microsoft.Authorization/roleAssignments/write", e);
}

int role_assign(const struct role_args *args)
{
	cleanup_with(change_done) struct change c = { .audit_fd = -1 };
	struct err e = { 0 };

	if (assign(args, &c, &e) != 0)
		return cli_fail("role assign", &e);
	return printf("%s '%s' is %s at %s\n", c.who.object_id, c.who.name, c.role->name,
	    c.scope) > 0 ? CLI_OK : CLI_FAILED;
}

struct victim {
	const struct change *c;
	char name[40];
};

static int take(void *arg, const struct assignment *a, struct err *e)
{
	struct victim *v = arg;

	(void)e;
	if (strcmp(a->role, v->c->role->id) != 0 || !str_ieq(str_c(a->scope), str_c(v->c->scope)))
		return 0;
	(void)snprintf(v->name, sizeof(v->name), "%s", a->name);
	return 1;
}

static int no_such(const struct change *c, struct err *e)
{
	if (role_find(str_c(c->who.role)) == c->role)
		return err_set(e, ERR_CONFLICT, "principal '%s' was made as %s, which cannot be taken "
		    "from it: remove the principal", c->who.name, c->role->name);
	return err_set(e, ERR_NOT_FOUND, "principal '%s' has not got the role %s at '%.400s'",
	    c->who.name, c->role->name, c->scope);
}

static int take_away(const struct role_args *args, struct change *c, struct err *e)
{
	struct victim v = { .c = c };
	struct assignment_query q;
	int found;

	if (begin(args, c, e) != 0)
		return -1;
	q = (struct assignment_query){ .scope = c->scope, .object_id = c->who.object_id };
	found = assignment_list(c->conn, &q, take, &v, e);
	if (found <= 0)
		return found < 0 ? -1 : no_such(c, e);
	if (assignment_delete(c->conn, v.name, c->scope, e) < 0)
		return -1;
	return end(c, "Microsoft.Authorization/roleAssignments/delete", e);
}

int role_remove(const struct role_args *args)
{
	cleanup_with(change_done) struct change c = { .audit_fd = -1 };
	struct err e = { 0 };

	if (take_away(args, &c, &e) != 0)
		return cli_fail("role remove", &e);
	return printf("%s '%s' is no longer %s at %s\n", c.who.object_id, c.who.name, c.role->name,
	    c.scope) > 0 ? CLI_OK : CLI_FAILED;
}
