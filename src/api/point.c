/* point.c - recovery points: list and read. */
#include "api/point.h"

#include <stdio.h>

#include "api/item.h"
#include "api/rows.h"
#include "api/secondary.h"

#define POINTS "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}" \
	"/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}" \
	"/recoveryPoints"

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
	return err_code(e, ERR_NOT_FOUND, "UserErrorRpNotFound",
	    "The recovery point '%.64s' was not found.\r\nItem '%.200s' has no such recovery "
	    "point. List its recovery points and choose one of them.", name, item->name);
}

static int point_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 }, point = { 0 };
	bool answered = false;

	if (secondary_guard(c, &answered, e) != 0 || answered)
		return answered ? 0 : -1;
	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    item_find(c, conn, &item, e) != 0 ||
	    point_find(conn, &item, c->param[6], &point, e) != 0)
		return -1;
	return api_json(c, 200, point_json(&point, false), e);
}

struct listing {
	struct api_rows *rows;
	const struct arm_filter *filter;
	bool short_rows;
};

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

/* Is the point one that is ready to go to the archive, when only such are asked for? */
static bool wanted(const struct arm_filter *f, const json_t *point)
{
	if (!says_true(f, "moveReadyRPOnly"))
		return true;
	return !has_tier(point, "ArchivedRP") &&
	    jbool(point, "properties.recoveryPointMoveReadinessInfo.ArchivedRP.isReadyForMove",
	    false);
}

static int list_row(void *arg, struct resource *point, struct err *e)
{
	struct listing *l = arg;
	json_t *shown = point_json(point, l->short_rows);

	if (shown != NULL && !wanted(l->filter, shown)) {
		json_decref(shown);
		return 0;
	}
	return api_rows_add(l->rows, point, shown, e);
}

static int read_range(const struct arm_filter *f, struct resource_query *q, struct err *e)
{
	int r = arm_filter_time(f, "startDate", &q->sort_from, e);

	if (r < 0)
		return -1;
	if (r > 0 && q->sort_from <= 0)
		q->sort_from = 1;
	r = arm_filter_time(f, "endDate", &q->sort_to, e);
	if (r < 0)
		return -1;
	if (r == 0 && q->sort_from != 0)
		q->sort_to = INT64_MAX;
	return 0;
}

static int point_list(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "startDate", "endDate", "restorePointQueryType",
		"extendedInfo", "moveReadyRPOnly", "includeSoftDeletedRP", NULL };
	struct resource_query q = { .type = TYPE_POINT, .newest_first = true };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 };
	auto_rows struct api_rows rows = { 0 };
	struct arm_filter filter;
	struct listing l = { .filter = &filter, .rows = &rows };
	bool answered = false;

	if (secondary_guard(c, &answered, e) != 0 || answered)
		return answered ? 0 : -1;
	if (api_rows_init(&rows, c, e) != 0 || api_cursor(c, &q.after, e) != 0 ||
	    arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &filter,
	    e) != 0 ||
	    read_range(&filter, &q, e) != 0 || db_read_begin(c->world->db, &conn, e) != 0 ||
	    item_find(c, conn, &item, e) != 0)
		return -1;
	q.parent = item.id;
	l.short_rows = !says_true(&filter, "extendedInfo");
	if (resource_list(conn, &q, list_row, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

const struct api_route point_routes[] = {
	{ "GET", POINTS, point_list, API_RS | API_VAULT, TYPE_POINT "/read" },
	{ "GET", POINTS "/{rp}", point_get, API_RS | API_VAULT, TYPE_POINT "/read" },
	{ NULL },
};
