/* point.c - recovery points: list and read. */
#include "api/point.h"

#include <stdio.h>

#include "api/archive.h"
#include "api/item.h"
#include "api/rows.h"
#include "api/secondary.h"

#define ITEM "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}" \
	"/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}"
#define POINTS ITEM "/recoveryPoints"

json_t *point_json(const struct resource *point, bool in_list)
{
	auto_json json_t *props = json_deep_copy(jat(point->body, "properties"));
	json_t *disks = jat(props, "recoveryPointDiskConfiguration");

	if (props == NULL)
		return NULL;
	if (in_list && disks != NULL) {
		(void)json_object_del(disks, "includedDiskList");
		(void)json_object_del(disks, "excludedDiskList");
	}
	return json_pack("{s:s, s:s, s:s, s:O}", "id", point->id, "name", point->name, "type",
	    point->type, "properties", props);
}

int point_find(struct db_conn *conn, const struct resource *item, const char *name,
    struct resource *ret, struct err *e)
{
	char id[2048];
	int n = snprintf(id, sizeof(id), "%s/recoveryPoints/%s", item->id, name), r = 0;

	if (n > 0 && (size_t)n < sizeof(id))
		r = resource_get(conn, id, ret, e);
	if (r != 0)
		return r < 0 ? -1 : 0;
	return point_not_found(item, name, e);
}

int point_not_found(const struct resource *item, const char *name, struct err *e)
{
	return err_code(e, ERR_NOT_FOUND, "UserErrorRpNotFound",
	    "The recovery point '%.64s' was not found.\r\nItem '%.200s' has no such recovery "
	    "point. List its recovery points and choose one of them.", name, item->name);
}

static int answer(struct api_call *c, const struct resource *point, struct err *e)
{
	auto_json json_t *shown = point_json(point, false);

	return archive_show(c, point, shown, e) != 0 ? -1 : api_json(c, 200, TAKE(shown), e);
}

static int point_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 }, point = { 0 };

	if (secondary_asked(c))
		return secondary_point(c, e);
	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    item_find(c, conn, &item, e) != 0 ||
	    point_find(conn, &item, c->param[6], &point, e) != 0)
		return -1;
	return answer(c, &point, e);
}

static bool has_tier(const json_t *point, const char *type)
{
	const json_t *tiers = jat(point, "properties.recoveryPointTierDetails");

	for (size_t i = 0; i < json_array_size(tiers); i++) {
		const json_t *tier = json_array_get(tiers, i);

		if (strcmp(jstr(tier, "type", ""), type) == 0)
			return strcmp(jstr(tier, "status", ""), "Valid") == 0;
	}
	return false;
}

static bool says_true(const struct arm_filter *f, const char *key)
{
	return str_ieq(str_c(arm_filter_get(f, key)), STR("true"));
}

int point_filter_read(struct api_call *c, struct point_filter *ret, struct err *e)
{
	static const char *const keys[] = { "startDate", "endDate", "restorePointQueryType",
		"extendedInfo", "moveReadyRPOnly", "includeSoftDeletedRP", NULL };
	struct point_filter out = { 0 };
	struct arm_filter f;
	int from, to;

	if (arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &f, e) != 0)
		return -1;
	from = arm_filter_time(&f, "startDate", &out.from_us, e);
	to = from < 0 ? -1 : arm_filter_time(&f, "endDate", &out.to_us, e);
	if (to < 0)
		return -1;
	/* both 0 means no restriction to who reads this */
	if (from > 0 && out.from_us <= 0)
		out.from_us = 1;
	if (to == 0 && from > 0)
		out.to_us = INT64_MAX;
	out.is_full = says_true(&f, "extendedInfo");
	out.is_move_ready = says_true(&f, "moveReadyRPOnly");
	*ret = out;
	return 0;
}

bool point_filter_wants(const struct point_filter *f, const json_t *shown)
{
	if (!f->is_move_ready)
		return true;
	return !has_tier(shown, "ArchivedRP") &&
	    jbool(shown, "properties.recoveryPointMoveReadinessInfo.ArchivedRP.isReadyForMove",
	    false);
}

struct listing {
	struct api_rows *rows;
	struct point_filter filter;
};

static int list_row(void *arg, struct resource *point, struct err *e)
{
	struct listing *l = arg;
	auto_json json_t *shown = point_json(point, !l->filter.is_full);

	if (archive_show(l->rows->c, point, shown, e) != 0)
		return -1;
	if (shown != NULL && !point_filter_wants(&l->filter, shown))
		return 0;
	return api_rows_add(l->rows, point, TAKE(shown), e);
}

static int point_list(struct api_call *c, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT, .newest_first = true };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 };
	auto_rows struct api_rows rows = { 0 };
	struct listing l = { .rows = &rows };

	if (secondary_asked(c))
		return secondary_points(c, e);
	if (api_rows_init(&rows, c, e) != 0 || api_cursor(c, &q.after, e) != 0 ||
	    point_filter_read(c, &l.filter, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0 ||
	    item_find(c, conn, &item, e) != 0)
		return -1;
	q.parent = item.id;
	q.sort_from = l.filter.from_us;
	q.sort_to = l.filter.to_us;
	if (resource_list(conn, &q, list_row, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

const struct api_route point_routes[] = {
	{ "GET", POINTS, point_list, API_RS | API_VAULT | API_SECONDARY, TYPE_POINT "/read" },
	{ "GET", POINTS "/{rp}", point_get, API_RS | API_VAULT | API_SECONDARY,
	    TYPE_POINT "/read" },
	{ NULL },
};
