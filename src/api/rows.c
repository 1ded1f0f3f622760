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

static const char *id_of(const json_t *row)
{
	return jstr(row, "id", "");
}

/* Where the page starts. */
static size_t first_after(const json_t *all, const char *cursor)
{
	size_t n = json_array_size(all);

	if (cursor == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(id_of(json_array_get(all, i)), cursor) == 0)
			return i + 1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(id_of(json_array_get(all, i)), cursor) > 0)
			return i;
	return n;
}

int api_rows_page(struct api_call *c, json_t *all, struct err *e)
{
	auto_json json_t *owned = all;
	auto_json json_t *page = json_array();
	const char *cursor;
	json_t *last = NULL;
	size_t at, n;

	if (owned == NULL || page == NULL)
		return err_nomem(e);
	if (api_cursor(c, &cursor, e) != 0)
		return -1;
	n = json_array_size(owned);
	for (at = first_after(owned, cursor); at < n && json_array_size(page) < ARM_PAGE_SIZE; at++) {
		last = json_array_get(owned, at);
		if (json_array_append(page, last) != 0)
			return err_nomem(e);
	}
	return api_list(c, TAKE(page), at < n ? id_of(last) : NULL, e);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(id_of(*(json_t *const *)a), id_of(*(json_t *const *)b));
}

json_t *api_rows_by_id(const json_t *rows)
{
	size_t n = json_array_size(rows);
	json_t **order = calloc(n + 1, sizeof(json_t *));
	auto_json json_t *out = json_array();
	bool failed = order == NULL || out == NULL;

	for (size_t i = 0; !failed && i < n; i++)
		order[i] = json_array_get(rows, i);
	if (!failed)
		qsort(order, n, sizeof(json_t *), by_id);
	for (size_t i = 0; !failed && i < n; i++)
		failed = json_array_append(out, order[i]) != 0;
	free(order);
	return failed ? NULL : TAKE(out);
}
