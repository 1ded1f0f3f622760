/* list.c - lists of resources.  The statement is put together from the parts of the query
 * that restrict it; values are always bound. */
#include "base/arena.h"
#include "base/buf.h"
#include "model/row.h"

#define PARAMETERS_MAX 12

struct select {
	struct arena arena;
	struct buf sql;
	struct {
		const char *text;
		int64_t number;		/* where text is NULL */
	} value[PARAMETERS_MAX];
	unsigned count;
};

static void select_done(struct select *s)
{
	arena_done(&s->arena);
	buf_done(&s->sql);
}

/* The number of the parameter that stands for it. */
static unsigned parameter(struct select *s, const char *text, int64_t number)
{
	s->value[s->count].text = text;
	s->value[s->count].number = number;
	return ++s->count;
}

static int where_text(struct select *s, const char *column, const char *value, struct err *e)
{
	const char *key;

	if (value == NULL)
		return 0;
	key = arena_lower(&s->arena, str_c(value));
	if (key == NULL)
		return err_nomem(e);
	buf_addf(&s->sql, " AND %s = $%u", column, parameter(s, key, 0));
	return 0;
}

static void where_sort(struct select *s, const struct resource_query *q)
{
	unsigned from, to;

	if (q->sort_from == 0 && q->sort_to == 0)
		return;
	from = parameter(s, NULL, q->sort_from);
	to = parameter(s, NULL, q->sort_to);
	buf_addf(&s->sql, " AND sort BETWEEN $%u AND $%u", from, to);
}

static int where_after(struct select *s, const struct resource_query *q, struct err *e)
{
	const char *key;
	unsigned at, on;
	long long sort;
	char *end;

	if (q->after == NULL)
		return 0;
	sort = strtoll(q->after, &end, 10);
	if (end == q->after || *end != '|')
		return err_set(e, ERR_INVALID, "'%.100s' is not a place in this list", q->after);
	key = arena_lower(&s->arena, str_c(end + 1));
	if (key == NULL)
		return err_nomem(e);
	at = parameter(s, key, 0);
	if (!q->newest_first) {
		buf_addf(&s->sql, " AND key > $%u", at);
		return 0;
	}
	on = parameter(s, NULL, sort);
	buf_addf(&s->sql, " AND (sort < $%u OR (sort = $%u AND key < $%u))", on, on, at);
	return 0;
}

static int build(struct select *s, const char *columns, const struct resource_query *q,
    struct err *e)
{
	buf_addf(&s->sql, "SELECT %s FROM resource WHERE 1 = 1", columns);
	if (where_text(s, "type_key", q->type, e) != 0 ||
	    where_text(s, "subscription_key", q->subscription, e) != 0 ||
	    where_text(s, "grp_key", q->group, e) != 0 ||
	    where_text(s, "parent_key", q->parent, e) != 0 ||
	    where_text(s, "ref_key", q->ref, e) != 0 ||
	    where_text(s, "location", q->location, e) != 0)
		return -1;
	where_sort(s, q);
	return where_after(s, q, e);
}

static int start(struct select *s, struct db_conn *c, struct db_stmt *ret, struct err *e)
{
	if (buf_ok(&s->sql, e) != 0 || db_prepare(c, s->sql.p, ret, e) != 0)
		return -1;
	for (unsigned i = 0; i < s->count; i++)
		if ((s->value[i].text != NULL ? db_bind_text(ret, i + 1, s->value[i].text, e)
		    : db_bind_int(ret, i + 1, s->value[i].number, e)) != 0)
			return -1;
	return 0;
}

static int each(struct db_stmt *rows, resource_fn *fn, void *arg, struct err *e)
{
	int rc;

	while ((rc = db_step(rows, e)) > 0) {
		auto_resource struct resource r = { 0 };

		if (resource_read_row(rows, &r, e) != 0)
			return -1;
		rc = fn(arg, &r, e);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int resource_list(struct db_conn *c, const struct resource_query *q, resource_fn *fn, void *arg,
    struct err *e)
{
	cleanup_with(select_done) struct select s = { 0 };
	auto_stmt struct db_stmt rows = { 0 };

	if (build(&s, RESOURCE_COLUMNS, q, e) != 0)
		return -1;
	buf_adds(&s.sql, q->newest_first ? " ORDER BY sort DESC, key DESC" : " ORDER BY key");
	if (q->limit != 0)
		buf_addf(&s.sql, " LIMIT $%u", parameter(&s, NULL, q->limit));
	if (start(&s, c, &rows, e) != 0)
		return -1;
	return each(&rows, fn, arg, e);
}

int resource_count(struct db_conn *c, const struct resource_query *q, int64_t *ret, struct err *e)
{
	cleanup_with(select_done) struct select s = { 0 };
	auto_stmt struct db_stmt rows = { 0 };
	int rc;

	if (build(&s, "count(*)", q, e) != 0 || start(&s, c, &rows, e) != 0)
		return -1;
	rc = db_step(&rows, e);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(e, ERR_BUG, "counting resources: no row");
	*ret = db_col_int(&rows, 0);
	return 0;
}
