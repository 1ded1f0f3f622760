/* replica_gap.c - see replica_gap.h.  Lists of objects' names, each in order, are run through
 * side by side. */
#include "work/replica_gap.h"

#include "base/arena.h"
#include "work/archive.h"

struct rows {
	struct vault *vault;
	struct gap_list list;	/* objects that rows of points stand for, in any order at first */
	struct gap_list items;	/* with a row, as what the names of their points begin with */
	struct gap_list archived;	/* of points whose row says that only the archive has them, as in
					 * `list`; what the archive does not have is not taken for that */
	json_t *ids;		/* owned; of items */
};

void replica_gap_done(struct replica_gap *g)
{
	free(g->missing.p);
	free(g->surplus.p);
	*g = (struct replica_gap){ 0 };
}

static int add(struct gap_list *l, const char *object, int64_t time_us, struct err *e)
{
	if (GROW(l->p, l->n, l->cap, 64, e) != 0)
		return -1;
	memcpy(l->p[l->n].object, object, strlen(object) + 1);
	l->p[l->n++].time_us = time_us;
	return 0;
}

static int add_name(void *arg, const char *object, struct err *e)
{
	return add(arg, object, 0, e);
}

static int by_object(const void *a, const void *b)
{
	const struct gap_point *x = a, *y = b;

	return strcmp(x->object, y->object);
}

static const struct gap_point *find(const struct gap_list *l, const struct gap_point *p)
{
	return l->n == 0 ? NULL : bsearch(p, l->p, l->n, sizeof(*p), by_object);
}

/* ---- rows ---- */
static int add_item(void *arg, struct resource *item, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *id = arena_lower(&a, str_c(item->id));
	char object[VAULT_NAME_SIZE];
	struct rows *r = arg;

	if (id == NULL || json_array_append_new(r->ids, json_string(item->id)) != 0)
		return err_nomem(e);
	if (vault_point_object(r->vault, id, "x", object, e) != 0)
		return -1;
	object[strlen(object) - 1] = '\0';
	return add(&r->items, object, 0, e);
}

static int add_row(void *arg, struct resource *row, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *item = arena_lower(&a, str_c(row->parent));
	char object[VAULT_NAME_SIZE];
	struct rows *r = arg;

	if (item == NULL)
		return err_nomem(e);
	return vault_point_object(r->vault, item, row->name, object, e) != 0 ? -1 :
	    add(archive_has(row) && !archive_is_rehydrated(row) ? &r->archived : &r->list, object,
	    row->sort, e);
}

/* The copy may drop only what is safe elsewhere: rows of points that the archive has not, or
 * whose archive is out of reach, are rows like others. */
static int check_archived(struct world *w, const struct resource *vault, struct rows *r,
    struct err *e)
{
	struct gap_list there = { 0 };
	struct vault *archive = NULL;
	struct err ignored;
	size_t kept = 0;
	int rc = 0;

	if (r->archived.n == 0)
		return 0;
	if (archive_open(w, vault, &archive, &ignored) > 0 &&
	    vault_point_names(archive, add_name, &there, &ignored) != 0)
		there.n = 0;
	for (size_t i = 0; i < r->archived.n && rc == 0; i++) {
		if (find(&there, &r->archived.p[i]) != NULL)
			r->archived.p[kept++] = r->archived.p[i];
		else
			rc = add(&r->list, r->archived.p[i].object, r->archived.p[i].time_us, e);
	}
	r->archived.n = kept;
	free(there.p);
	return rc;
}

static void sort(struct gap_list *l)
{
	if (l->n > 0)
		qsort(l->p, l->n, sizeof(l->p[0]), by_object);
}

static int read_rows(struct world *w, const struct resource *vault, struct rows *r, struct err *e)
{
	struct resource_query items = { .type = TYPE_ITEM, .parent = vault->id };
	struct resource_query points = { .type = TYPE_POINT };
	auto_conn struct db_conn *c = NULL;
	const json_t *x;
	size_t i;

	if (db_read_begin(w->db, &c, e) != 0 || resource_list(c, &items, add_item, r, e) < 0)
		return -1;
	json_array_foreach(r->ids, i, x) {
		points.parent = json_string_value(x);
		if (resource_list(c, &points, add_row, r, e) < 0)
			return -1;
	}
	db_rollback(&c);
	if (check_archived(w, vault, r, e) != 0)
		return -1;
	sort(&r->list);
	sort(&r->archived);
	return 0;
}

/* ---- the two sides ---- */
/* The row knows; of a point that is not published yet, the point itself. */
static int64_t time_of(struct vault *from, const struct rows *r, const struct gap_point *p)
{
	auto_point struct vault_point *open = NULL;
	const struct gap_point *row = find(&r->list, p);
	struct err ignored;
	int64_t when = 0;

	if (row != NULL)
		return row->time_us;
	if (vault_point_open_object(from, p->object, &open, &ignored) == 0)
		(void)time_parse_iso(str_c(jstr(vault_point_meta(open),
		    "properties.recoveryPointTime", "")), &when);
	return when;
}

/* Does the name of one of the points begin with it? */
static bool any_begins(const struct gap_list *points, const char *with)
{
	for (size_t i = 0; i < points->n; i++)
		if (strncmp(points->p[i].object, with, strlen(with)) == 0)
			return true;
	return false;
}

/* Of a point that the vault does not have: has it all the points of an item lost at once?  Those
 * that went into the archive are not lost. */
static bool is_of_emptied(const struct gap_list *here, const struct rows *rows,
    const struct gap_point *p)
{
	for (size_t i = 0; i < rows->items.n; i++)
		if (strncmp(p->object, rows->items.p[i].object, strlen(rows->items.p[i].object)) == 0)
			return !any_begins(here, rows->items.p[i].object) &&
			    !any_begins(&rows->archived, rows->items.p[i].object);
	return false;
}

static int compare(struct vault *from, const struct gap_list *here, const struct gap_list *there,
    const struct rows *rows, struct replica_gap *g, struct err *e)
{
	g->points = (int64_t)here->n;
	for (size_t i = 0; i < here->n; i++)
		if (find(there, &here->p[i]) == NULL && add(&g->missing, here->p[i].object,
		    time_of(from, rows, &here->p[i]), e) != 0)
			return -1;
	g->is_lost = here->n == 0 && rows->list.n > 0;
	for (size_t i = 0; i < there->n; i++)
		if (find(here, &there->p[i]) == NULL && find(&rows->list, &there->p[i]) == NULL &&
		    !is_of_emptied(here, rows, &there->p[i]) &&
		    add(&g->surplus, there->p[i].object, 0, e) != 0)
			return -1;
	return 0;
}

int replica_gap(struct world *w, const struct resource *vault, struct vault *from,
    struct vault *to, struct replica_gap *ret, struct err *e)
{
	struct gap_list here = { 0 }, there = { 0 };
	struct rows rows = { .vault = from, .ids = json_array() };
	struct replica_gap g = { 0 };
	int r = -1;

	/* the vault before the rows: a point that is published meanwhile is seen in one of them */
	if (rows.ids == NULL)
		(void)err_nomem(e);
	else if (vault_point_names(from, add_name, &here, e) == 0 &&
	    read_rows(w, vault, &rows, e) == 0 &&
	    (to == NULL || vault_point_names(to, add_name, &there, e) == 0))
		r = compare(from, &here, &there, &rows, &g, e);
	free(here.p);
	free(there.p);
	free(rows.list.p);
	free(rows.archived.p);
	free(rows.items.p);
	json_decref(rows.ids);
	if (r == 0)
		*ret = g;
	else
		replica_gap_done(&g);
	return r;
}

int64_t replica_gap_oldest(const struct replica_gap *g, size_t from, size_t to)
{
	int64_t oldest = 0;

	for (size_t i = from; i < to; i++) {
		int64_t when = g->missing.p[i].time_us;

		if (when != 0 && (oldest == 0 || when < oldest))
			oldest = when;
	}
	return oldest;
}
