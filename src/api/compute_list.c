/* compute_list.c - what lists and operations of compute resources share. */
#include "api/compute.h"

#include "job/operation.h"

struct listing {
	struct api_call *c;
	json_t *(*render)(struct api_call *c, const struct resource *r);
	json_t *rows;
	unsigned count;
	const char *cursor;
};

static int add_row(void *arg, struct resource *r, struct err *e)
{
	struct listing *l = arg;
	auto_free char *cursor = NULL;

	if (json_array_append_new(l->rows, l->render(l->c, r)) != 0)
		return err_nomem(e);
	if (++l->count < ARM_PAGE_SIZE)
		return 0;
	cursor = resource_cursor(r);
	l->cursor = arena_dup(&l->c->arena, cursor);
	return l->cursor != NULL ? 0 : err_nomem(e);
}

int api_list_type(struct api_call *c, const char *type, bool in_group,
    json_t *(*render)(struct api_call *c, const struct resource *r), struct err *e)
{
	struct resource_query q = { .type = type, .subscription = c->world->subscription,
		.group = in_group ? c->param[1] : NULL, .limit = ARM_PAGE_SIZE };
	auto_json json_t *rows = json_array();
	struct listing l = { .c = c, .render = render, .rows = rows };
	auto_conn struct db_conn *conn = NULL;

	if (rows == NULL)
		return err_nomem(e);
	if (api_cursor(c, &q.after, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0 ||
	    resource_list(conn, &q, add_row, &l, e) < 0)
		return -1;
	return api_list(c, TAKE(rows), l.cursor, e);
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
