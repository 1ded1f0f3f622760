/* role_list.c - lists of role assignments.  See role_api.h. */
#include "api/role_api.h"
#include "api/rows.h"

#include <stdio.h>

struct listing {
	struct api_call *c;
	json_t *rows;
	const char *object_id;	/* NULL: anyone's */
};

/* "NAME('VALUE')": the value, NULL if `text` is anything else. */
static const char *argument(struct arena *a, struct str text, struct str name)
{
	if (text.n < name.n + 4 || !str_istarts(text, name) ||
	    memcmp(text.p + name.n, "('", 2) != 0 || memcmp(text.p + text.n - 2, "')", 2) != 0)
		return NULL;
	return arena_str(a, (struct str){ text.p + name.n + 2, text.n - name.n - 4 });
}

/* One of the clauses: atScope(), assignedTo('ID'), principalId eq 'ID'. */
static int read_clause(struct api_call *c, struct str text, struct assignment_query *ret,
    struct err *e)
{
	static const char *const keys[] = { "principalId", NULL };
	struct arm_filter f = { .count = 0 };
	const char *who;

	if (str_ieq(text, STR("atScope()"))) {
		ret->below = false;
		return 0;
	}
	who = argument(&c->arena, text, STR("assignedTo"));
	if (who == NULL) {
		if (arm_filter_parse(&c->arena, arena_str(&c->arena, text), keys, &f, e) != 0) {
			e->code = "UnsupportedQuery";
			return -1;
		}
		who = arm_filter_get(&f, "principalId");
	}
	if (who != NULL)
		ret->object_id = who;
	return 0;
}

static int read_filter(struct api_call *c, struct assignment_query *ret, struct err *e)
{
	struct str rest = str_trim(str_c(arm_query_get(&c->query, "$filter")));

	while (rest.n > 0) {
		struct str clause = rest;

		for (size_t i = 0; i + 5 < rest.n; i++)
			if (str_istarts((struct str){ rest.p + i, rest.n - i }, STR(" and "))) {
				clause.n = i;
				break;
			}
		if (read_clause(c, str_trim(clause), ret, e) != 0)
			return -1;
		rest.p += clause.n;
		rest.n -= clause.n;
		if (rest.n > 0)
			rest = str_trim((struct str){ rest.p + 5, rest.n - 5 });
	}
	return 0;
}

static int add(void *arg, const struct assignment *a, struct err *e)
{
	struct listing *l = arg;

	return json_array_append_new(l->rows, role_assignment_json(l->c, a)) == 0 ? 0 :
	    err_nomem(e);
}

static int add_built_in(void *arg, const struct principal *p, struct err *e)
{
	struct listing *l = arg;
	struct assignment a;

	if ((l->object_id != NULL && !str_ieq(str_c(l->object_id), str_c(p->object_id))) ||
	    !role_built_in(l->c, p, &a))
		return 0;
	return add(l, &a, e);
}

int role_assignment_list(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *rows = json_array();
	struct assignment_query q = { .below = true };
	struct listing l = { .c = c, .rows = rows };

	if (rows == NULL)
		return err_nomem(e);
	if (role_scope(c, &q.scope, e) != 0 || read_filter(c, &q, e) != 0)
		return -1;
	l.object_id = q.object_id;
	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    principal_list(conn, add_built_in, &l, e) < 0 ||
	    assignment_list(conn, &q, add, &l, e) < 0)
		return -1;
	return api_rows_page(c, api_rows_by_id(rows), e);
}
