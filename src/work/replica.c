/* replica.c - rows, as a copy has them.  See replica.h. */
#include "work/replica.h"

#include "base/arena.h"
#include "work/catalogue.h"
#include "work/replicas.h"

struct rows {
	struct resource *p;	/* owned */
	size_t n, cap;
	const char *location;	/* of points */
};

static void rows_done(struct rows *l)
{
	for (size_t i = 0; i < l->n; i++)
		resource_done(&l->p[i]);
	free(l->p);
}
#define auto_rows cleanup_with(rows_done)

/* Moves the row in. */
static int add(struct rows *l, struct resource *row, struct err *e)
{
	if (GROW(l->p, l->n, l->cap, 64, e) != 0)
		return -1;
	l->p[l->n++] = *row;
	*row = (struct resource){ 0 };
	return 0;
}

static int hand_out(struct rows *l, resource_fn *fn, void *arg, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		int r = fn(arg, &l->p[i], e);

		if (r != 0)
			return r;
	}
	return 0;
}

/* ---- documents ---- */
static int get(struct vault *v, const char *key, struct resource *ret, struct err *e)
{
	auto_json json_t *doc = NULL;
	int found = vault_document_get(v, key, &doc, e);

	return found <= 0 ? found : replica_row(doc, ret, e) != 0 ? -1 : 1;
}

int replica_vault(struct vault *v, struct resource *ret, struct err *e)
{
	return get(v, REPLICA_VAULT_DOCUMENT, ret, e);
}

int replica_item(struct vault *v, const char *item_id, struct resource *ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *key = arena_lower(&a, str_c(item_id));

	return key == NULL ? err_nomem(e) : get(v, key, ret, e);
}

static int add_document(void *arg, const char *key, const json_t *doc, struct err *e)
{
	auto_resource struct resource row = { 0 };

	if (key[0] != '/')
		return 0;
	return replica_row(doc, &row, e) != 0 ? -1 : add(arg, &row, e);
}

/* Ids compare without case. */
static int by_id(const void *a, const void *b)
{
	const struct resource *x = a, *y = b;

	return strcasecmp(x->id, y->id);
}

int replica_items(struct vault *v, resource_fn *fn, void *arg, struct err *e)
{
	auto_rows struct rows l = { 0 };

	if (vault_document_list(v, add_document, &l, e) != 0)
		return -1;
	if (l.n > 0)
		qsort(l.p, l.n, sizeof(l.p[0]), by_id);
	return hand_out(&l, fn, arg, e);
}

/* ---- points ---- */
/* Points are where their item is. */
static int location_of(struct vault *v, const char *item_id, struct arena *a, const char **ret,
    struct err *e)
{
	auto_resource struct resource item = { 0 };

	if (replica_item(v, item_id, &item, e) < 0)
		return -1;
	*ret = arena_fmt(a, "%s", item.location != NULL ? item.location : "");
	return *ret != NULL ? 0 : err_nomem(e);
}

int replica_point(struct vault *v, const char *item_id, const char *name, struct resource *ret,
    struct err *e)
{
	auto_point struct vault_point *p = NULL;
	auto_arena struct arena a = { 0 };
	const char *item = arena_lower(&a, str_c(item_id)), *location;
	char object[VAULT_NAME_SIZE];

	if (item == NULL)
		return err_nomem(e);
	if (location_of(v, item_id, &a, &location, e) != 0)
		return -1;
	if (vault_point_object(v, item, name, object, e) != 0 ||
	    vault_point_open_object(v, object, &p, e) != 0)
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_INVALID ? 0 : -1;
	return catalogue_point(vault_point_meta(p), name, location, ret, e) != 0 ? -1 : 1;
}

static int add_point(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	auto_resource struct resource row = { 0 };
	struct rows *l = arg;

	(void)item;
	if (damage != NULL)
		return 0;
	return catalogue_point(meta, point, l->location, &row, e) != 0 ? -1 : add(l, &row, e);
}

static int newest_first(const void *a, const void *b)
{
	const struct resource *x = a, *y = b;

	return x->sort != y->sort ? (x->sort < y->sort ? 1 : -1) : by_id(b, a);
}

int replica_points(struct vault *v, const char *item_id, resource_fn *fn, void *arg, struct err *e)
{
	auto_rows struct rows l = { 0 };
	auto_arena struct arena a = { 0 };
	const char *item = arena_lower(&a, str_c(item_id));

	if (item == NULL)
		return err_nomem(e);
	if (location_of(v, item_id, &a, &l.location, e) != 0 ||
	    vault_point_list(v, item, add_point, &l, e) != 0)
		return -1;
	if (l.n > 0)
		qsort(l.p, l.n, sizeof(l.p[0]), newest_first);
	return hand_out(&l, fn, arg, e);
}
