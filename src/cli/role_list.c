/* role_list.c - holdfast role list.  See role.h. */
#include <stdio.h>

#include "cli/offline.h"
#include "cli/role.h"
#include "cli/role_find.h"
#include "model/assignment.h"

struct listing {
	struct db_conn *conn;
	const char *top, *scope, *object_id;	/* NULL: any */
	json_t *rows;
};

struct search {
	const char *object_id;
	char name[128];
};

static int take_name(void *arg, const struct principal *p, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (strcmp(s->object_id, p->object_id) != 0)
		return 0;
	(void)snprintf(s->name, sizeof(s->name), "%s", p->name);
	return 1;
}

static int add(struct listing *l, const char *role, const char *object_id, const char *name,
    const char *scope, const char *assignment, struct err *e)
{
	const struct role *known = role_find(str_c(role));
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s?}", "role",
	    known != NULL ? known->name : role, "principalId", object_id, "principalName", name,
	    "scope", scope, "name", assignment);

	return json_array_append_new(l->rows, row) == 0 ? 0 : err_nomem(e);
}

static int add_assignment(void *arg, const struct assignment *a, struct err *e)
{
	struct listing *l = arg;
	struct search s = { .object_id = a->object_id };

	if (principal_list(l->conn, take_name, &s, e) < 0)
		return -1;
	return add(l, a->role, a->object_id, s.name, a->scope, a->name, e);
}

static int add_built_in(void *arg, const struct principal *p, struct err *e)
{
	struct listing *l = arg;

	if (role_find(str_c(p->role)) == NULL ||
	    (l->object_id != NULL && strcmp(l->object_id, p->object_id) != 0))
		return 0;
	return add(l, p->role, p->object_id, p->name, l->top, NULL, e);
}

static int collect(const struct role_args *args, struct offline *o, struct arena *a,
    struct listing *l, struct err *e)
{
	struct assignment_query q = { .below = args->scope == NULL };
	struct principal who;

	if (args->principal != NULL) {
		if (role_find_principal(l->conn, args->principal, &who, e) != 0)
			return -1;
		l->object_id = who.object_id;
	}
	if (role_find_scope(l->conn, a, o->world.subscription, NULL, &l->top, e) != 0 ||
	    role_find_scope(l->conn, a, o->world.subscription, args->scope, &l->scope, e) != 0)
		return -1;
	q.scope = l->scope;
	q.object_id = l->object_id;
	return principal_list(l->conn, add_built_in, l, e) < 0 ||
	    assignment_list(l->conn, &q, add_assignment, l, e) < 0 ? -1 : 0;
}

static int print(const json_t *rows, bool as_json, struct err *e)
{
	auto_buf struct buf text = { 0 };

	if (as_json) {
		if (jdump(rows, &text, e) != 0)
			return -1;
		(void)puts(text.p);
		return 0;
	}
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		(void)printf("%-18s  %s  %-20s  %s\n", jstr(row, "role", ""),
		    jstr(row, "principalId", ""), jstr(row, "principalName", ""),
		    jstr(row, "scope", ""));
	}
	return 0;
}

static int list(const struct role_args *args, struct err *e)
{
	auto_offline struct offline o = { 0 };
	auto_arena struct arena a = { 0 };
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *rows = json_array();
	struct listing l = { .rows = rows };

	if (rows == NULL)
		return err_nomem(e);
	if (offline_open(args->dir, &o, e) != 0 || db_read_begin(o.world.db, &conn, e) != 0)
		return -1;
	l.conn = conn;
	return collect(args, &o, &a, &l, e) != 0 ? -1 : print(rows, args->as_json, e);
}

int role_list(const struct role_args *args)
{
	struct err e = { 0 };

	if (list(args, &e) != 0)
		return cli_fail("role list", &e);
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
