/* secondary_view.c - lists and reads of a vault's copy, in the form of the vault's own. */
#include "api/item.h"
#include "api/item_render.h"
#include "api/point.h"
#include "api/rows.h"
#include "api/secondary.h"

/* Places in lists, as resource_cursor() names them: "sort|key". */
struct place_in_list {
	long long sort;
	const char *key;
};

static int read_place(const char *cursor, struct place_in_list *ret, struct err *e)
{
	char *end;

	ret->sort = strtoll(cursor, &end, 10);
	if (end == cursor || *end != '|')
		return err_set(e, ERR_INVALID, "'%.100s' is not a place in this list", cursor);
	ret->key = end + 1;
	return 0;
}

/* Was the row on a page before the one that begins after `after` (NULL: the first)?  1, 0, -1. */
static int was_shown(const char *after, const struct resource *r, bool newest_first,
    struct err *e)
{
	auto_free char *own = after != NULL ? resource_cursor(r) : NULL;
	struct place_in_list a, b;

	if (after == NULL)
		return 0;
	if (own == NULL)
		return err_nomem(e);
	if (read_place(after, &a, e) != 0 || read_place(own, &b, e) != 0)
		return -1;
	if (!newest_first)
		return strcmp(b.key, a.key) <= 0;
	return b.sort > a.sort || (b.sort == a.sort && strcmp(b.key, a.key) >= 0);
}

/* ---- items ---- */

struct item_listing {
	struct api_rows *rows;
	const char *after;
	struct arm_filter filter;
};

/* The virtual machine is the other region's: what the item's row says of it is all there is. */
static bool is_vm_gone(const struct resource *item)
{
	return strcmp(jstr(item->body, "properties.healthStatus", ""), "ActionRequired") == 0;
}

static int item_row(void *arg, struct resource *item, struct err *e)
{
	struct item_listing *l = arg;
	struct item_view view = { .is_vm_gone = is_vm_gone(item) };
	json_t *shown = NULL;
	int before = was_shown(l->after, item, false, e);

	if (before != 0)
		return before < 0 ? -1 : 0;
	if (item_render_view(l->rows->c, item, &view, &shown, e) != 0)
		return -1;
	if (!item_filter_wants(&l->filter, item, shown)) {
		json_decref(shown);
		return 0;
	}
	return api_rows_add(l->rows, item, shown, e);
}

int secondary_items(struct api_call *c, struct err *e)
{
	auto_rows struct api_rows rows = { 0 };
	struct item_listing l = { .rows = &rows };
	struct vault *copy = NULL;
	bool none;
	int found = secondary_open(c, &copy, e);

	if (found < 0 || api_rows_init(&rows, c, e) != 0 || api_cursor(c, &l.after, e) != 0 ||
	    item_filter_read(c, &l.filter, &none, e) != 0)
		return -1;
	if (found > 0 && !none && replica_items(copy, item_row, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

static int count_row(void *arg, struct resource *r, struct err *e)
{
	(void)r;
	(void)e;
	++*(int64_t *)arg;
	return 0;
}

int secondary_item_count(struct api_call *c, int64_t *ret, struct err *e)
{
	struct vault *copy = NULL;
	int64_t count = 0;
	int found = secondary_open(c, &copy, e);

	if (found < 0 || (found > 0 && replica_items(copy, count_row, &count, e) < 0))
		return -1;
	*ret = count;
	return 0;
}

struct point_count {
	int64_t points;
	json_t *oldest;	/* owned */
};

/* Newest first: the last that is seen is the oldest. */
static int count_point(void *arg, struct resource *point, struct err *e)
{
	struct point_count *n = arg;

	(void)e;
	n->points++;
	json_decref(n->oldest);
	n->oldest = json_incref(jat(point->body, "properties.recoveryPointTime"));
	return 0;
}

int secondary_item(struct api_call *c, struct err *e)
{
	auto_resource struct resource item = { 0 };
	auto_json json_t *body = NULL, *oldest = NULL;
	struct item_view view = { 0 };
	struct point_count n = { 0 };
	struct vault *copy = NULL;
	int r = 0;

	if (secondary_need(c, &copy, e) != 0 ||
	    item_filter_extended(c, &view.is_extended, e) != 0 ||
	    secondary_find_item(c, copy, &item, e) != 0)
		return -1;
	if (view.is_extended)
		r = replica_points(copy, item.id, count_point, &n, e);
	oldest = n.oldest;
	view.is_vm_gone = is_vm_gone(&item);
	view.points = n.points;
	view.oldest = view.oldest_in_vault = oldest;
	if (r < 0 || item_render_view(c, &item, &view, &body, e) != 0)
		return -1;
	return api_json(c, 200, TAKE(body), e);
}

/* ---- recovery points ---- */

/* What reached the second region is there in the vault's tier, whatever else the first has. */
static json_t *shown_point(const struct resource *point, bool in_list)
{
	auto_json json_t *out = point_json(point, in_list);
	json_t *props = jat(out, "properties");
	struct err e;

	if (out == NULL || jset(props, "recoveryPointTierDetails", json_pack("[{s:s, s:s}]", "type",
	    "HardenedRP", "status", "Valid"), &e) != 0 ||
	    jset(props, "crossRegionRestoreState", json_string("Supported"), &e) != 0)
		return NULL;
	(void)json_object_del(props, "recoveryPointAdditionalInfo");
	return TAKE(out);
}

struct point_listing {
	struct api_rows *rows;
	const char *after;
	struct point_filter filter;
};

static bool in_range(const struct point_filter *f, const struct resource *point)
{
	if (f->from_us == 0 && f->to_us == 0)
		return true;
	return point->sort >= f->from_us && point->sort <= f->to_us;
}

static int point_row(void *arg, struct resource *point, struct err *e)
{
	struct point_listing *l = arg;
	json_t *shown;
	int before;

	if (!in_range(&l->filter, point))
		return 0;
	before = was_shown(l->after, point, true, e);
	if (before != 0)
		return before < 0 ? -1 : 0;
	shown = shown_point(point, !l->filter.is_full);
	if (shown != NULL && !point_filter_wants(&l->filter, shown)) {
		json_decref(shown);
		return 0;
	}
	return api_rows_add(l->rows, point, shown, e);
}

int secondary_points(struct api_call *c, struct err *e)
{
	auto_resource struct resource item = { 0 };
	auto_rows struct api_rows rows = { 0 };
	struct point_listing l = { .rows = &rows };
	struct vault *copy = NULL;

	if (secondary_need(c, &copy, e) != 0 || api_rows_init(&rows, c, e) != 0 ||
	    api_cursor(c, &l.after, e) != 0 || point_filter_read(c, &l.filter, e) != 0 ||
	    secondary_find_item(c, copy, &item, e) != 0 ||
	    replica_points(copy, item.id, point_row, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

int secondary_point(struct api_call *c, struct err *e)
{
	auto_resource struct resource item = { 0 }, point = { 0 };
	struct vault *copy = NULL;
	int found;

	if (secondary_need(c, &copy, e) != 0 || secondary_find_item(c, copy, &item, e) != 0)
		return -1;
	found = replica_point(copy, item.id, c->param[6], &point, e);
	if (found <= 0)
		return found < 0 ? -1 : point_not_found(&item, c->param[6], e);
	return api_json(c, 200, shown_point(&point, false), e);
}
