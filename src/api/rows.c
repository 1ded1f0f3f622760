/* rows.c - see rows.h. */
#include "api/rows.h"

#include "api/authorize.h"

int api_rows_init(struct api_rows *r, struct api_call *c, struct err *e)
{
	*r = (struct api_rows){ .c = c, .value = json_array() };
	return r->value != NULL ? 0 : err_nomem(e);
}

void api_rows_done(struct api_rows *r)
{
	json_decref(r->value);
	r->value = NULL;
}

int api_rows_add(struct api_rows *r, const struct resource *from, json_t *row, struct err *e)
{
	auto_json json_t *owned = row;
	auto_free char *cursor = NULL;

	if (owned == NULL)
		return err_nomem(e);
	if ((r->c->route->flags & API_FILTERED) != 0 && !authorize_reads(r->c, from))
		return 0;
	if (json_array_size(r->value) == ARM_PAGE_SIZE) {
		r->more = true;
		return 1;
	}
	cursor = resource_cursor(from);
	r->last = arena_dup(&r->c->arena, cursor);
	if (r->last == NULL || json_array_append(r->value, owned) != 0)
		return err_nomem(e);
	return 0;
}

int api_rows_answer(struct api_rows *r, struct err *e)
{
	return api_list(r->c, TAKE(r->value), r->more ? r->last : NULL, e);
}
