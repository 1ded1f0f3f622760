/* compute_list.c - what lists and operations of compute resources share. */
#include "api/compute.h"
#include "api/rows.h"

#include "job/operation.h"

struct listing {
	struct api_rows rows;
	json_t *(*render)(struct api_call *c, const struct resource *r);
};

static int add_row(void *arg, struct resource *r, struct err *e)
{
	struct listing *l = arg;

	return api_rows_add(&l->rows, r, l->render(l->rows.c, r), e);
}

int api_list_type(struct api_call *c, const char *type, bool in_group,
    json_t *(*render)(struct api_call *c, const struct resource *r), struct err *e)
{
	struct resource_query q = { .type = type, .subscription = c->world->subscription,
		.group = in_group ? c->param[1] : NULL };
	struct listing l = { .render = render };
	auto_conn struct db_conn *conn = NULL;
	int r = -1;

	if (api_rows_init(&l.rows, c, e) == 0 && api_cursor(c, &q.after, e) == 0 &&
	    db_read_begin(c->world->db, &conn, e) == 0 && resource_list(conn, &q, add_row, &l, e) >= 0)
		r = api_rows_answer(&l.rows, e);
	api_rows_done(&l.rows);
	return r;
}

int compute_accepted(struct api_call *c, const char *region, const char *scope, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	const char *path;
	char op[64];

	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    operation_create(conn, NULL, "compute", "", scope, NULL, c->now_us, op, e) != 0 ||
	    operation_finish(conn, op, OP_SUCCEEDED, NULL, NULL, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	path = arena_fmt(&c->arena,
	    "/subscriptions/%s/providers/Microsoft.Compute/locations/%s/operations/%s",
	    c->world->subscription, region, op);
	return path == NULL ? err_nomem(e) : api_accepted(c, path, path, e);
}
