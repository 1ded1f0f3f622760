/* archive.c - moving recovery points into the archive tier, and which are worth it. */
#include "api/archive.h"

#include "api/item.h"
#include "api/place.h"
#include "api/point.h"
#include "api/rows.h"
#include "api/submit.h"

#define ITEM "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}" \
	"/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}"
#define OBJECT_TYPE_MAX 100

/* ---- move ---- */
static int check_object_type(const struct place *p, const char *want, struct err *e)
{
	const char *type = want;

	if (place_text(p, "objectType", OBJECT_TYPE_MAX, &type, e) < 0)
		return -1;
	return str_ieq(str_c(type), str_c(want)) ? 0 :
	    place_wrong(p, "objectType", e, "'%.80s' is not '%s'", type, want);
}

static int read_tiers(const struct api_call *c, const char **ret_source, struct err *e)
{
	static const char *const tiers[] = { "InstantRP", "HardenedRP", "ArchivedRP", NULL };
	const struct place p = { .at = c->body };
	const char *target;

	if (check_object_type(&p, "MoveRPAcrossTiersRequest", e) != 0 ||
	    place_need_word(&p, "sourceTierType", tiers, ret_source, e) != 0 ||
	    place_need_word(&p, "targetTierType", tiers, &target, e) != 0)
		return -1;
	if (*ret_source == tiers[2])
		return place_wrong(&p, "sourceTierType", e, "recovery points are moved into the "
		    "archive tier only; a restore with rehydration brings one back");
	if (target != tiers[2])
		return place_wrong(&p, "targetTierType", e, "'%s' is not 'ArchivedRP'", target);
	return 0;
}

static int check_move(struct api_call *c, const struct resource *point, const char *source,
    struct err *e)
{
	struct archive_verdict v;

	if (strcmp(source, "InstantRP") == 0)
		return err_http(e, ERR_INVALID, 400, "RecoveryPointTypeNotEligibleForArchive",
		    "Recovery-Point Type is not eligible for Archive Move.\r\nRecovery point "
		    "'%.64s' can be moved from HardenedRP only.", point->name);
	if (archive_judge(c, point, &v, e) != 0)
		return -1;
	return v.code == NULL ? 0 : err_http(e, ERR_CONFLICT, 400, v.code, "%s", v.text);
}

static int start_move(struct api_call *c, struct db_conn **conn, const struct resource *item,
    const struct resource *point, struct err *e)
{
	static const char *const tasks[] = { "Move recovery point to archive", NULL };
	struct submission s = { .op_kind = "move", .same_id = true, .job = { .kind = "move",
		.operation = "MoveToArchive", .cancellable = true, .tasks = tasks } };
	auto_json json_t *args = json_pack("{s:s, s:s, s:s}", "vaultId", c->vault.id, "itemId",
	    item->id, "pointId", point->id), *bag = NULL;
	char when[TIME_TEXT_MAX] = "";
	int64_t taken = point->sort;

	(void)time_parse_iso(str_c(jstr(point->body, "properties.recoveryPointTime", "")), &taken);
	bag = json_pack("{s:s, s:s}", "VM Name", jstr(item->body, "properties.friendlyName", ""),
	    "Recovery point time ", time_us_english(taken, when));
	if (args == NULL || bag == NULL)
		return err_nomem(e);
	s.job.args = args;
	s.job.bag = bag;
	return submit(c, conn, item, &s, e);
}

static int move_post(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 }, point = { 0 };
	const char *source;

	if (read_tiers(c, &source, e) != 0)
		return place_refuse(e);
	if (db_write_begin(c->world->db, &conn, e) != 0 || item_find(c, conn, &item, e) != 0 ||
	    point_find(conn, &item, c->param[6], &point, e) != 0 ||
	    item_refuse_soft_deleted(&item, e) != 0 || check_move(c, &point, source, e) != 0 ||
	    item_check_free(conn, item.id, "MoveToArchive", e) != 0)
		return -1;
	return start_move(c, &conn, &item, &point, e);
}

/* ---- recommendations ---- */
struct recommending {
	struct api_rows *rows;
	const json_t *excluded;	/* {lower-cased name or id: true} */
	char *newest;		/* owned: name of the item's newest point */
};

/* Into `ret`, an object. */
static int read_excluded(struct api_call *c, json_t *ret, struct err *e)
{
	const struct place p = { .at = c->body };
	json_t *list = NULL, *x;
	size_t i;

	if (c->body == NULL)
		return 0;
	if (check_object_type(&p, "ListRecoveryPointsRecommendedForMoveRequest", e) != 0)
		return -1;
	if (jget_arr(c->body, "excludedRPList", &list, e) < 0)
		return place_wrong(&p, "excludedRPList", e, "expected an array");
	json_array_foreach(list, i, x) {
		const char *text = json_string_value(x), *key;

		if (text == NULL)
			return place_wrong(&p, "excludedRPList", e, "expected strings");
		key = arena_lower(&c->arena, str_c(text));
		if (key == NULL || json_object_set_new(ret, key, json_true()) != 0)
			return err_nomem(e);
	}
	return 0;
}

/* 1, 0, -1. */
static int is_excluded(const json_t *excluded, const struct resource *point, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *id = arena_lower(&a, str_c(point->id));

	if (id == NULL)
		return err_nomem(e);
	return json_object_get(excluded, point->name) != NULL ||
	    json_object_get(excluded, id) != NULL;
}

static int note_newest(void *arg, struct resource *point, struct err *e)
{
	(void)e;
	*(char **)arg = TAKE(point->name);
	return 1;
}

/* The next backup finds in the vault what the newest point has: moving that saves nothing. */
static int recommend(void *arg, struct resource *point, struct err *e)
{
	struct recommending *r = arg;
	struct archive_verdict v;
	json_t *shown;
	int out = strcmp(point->name, r->newest) == 0 ? 1 : is_excluded(r->excluded, point, e);

	if (out != 0)
		return out < 0 ? -1 : 0;
	if (archive_judge(r->rows->c, point, &v, e) != 0)
		return -1;
	if (v.code != NULL)
		return 0;
	shown = point_json(point, true);
	if (archive_show(r->rows->c, point, shown, e) != 0) {
		json_decref(shown);
		return -1;
	}
	return api_rows_add(r->rows, point, shown, e);
}

static int list_recommended(struct db_conn *conn, struct resource_query *q, struct recommending *r,
    struct err *e)
{
	struct resource_query newest = *q;
	int found;

	newest.after = NULL;
	newest.limit = 1;
	found = resource_list(conn, &newest, note_newest, &r->newest, e);
	if (found <= 0)
		return found;
	return resource_list(conn, q, recommend, r, e) < 0 ? -1 : 0;
}

static int recommended_post(struct api_call *c, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT, .newest_first = true };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 };
	auto_rows struct api_rows rows = { 0 };
	auto_json json_t *excluded = json_object();
	struct recommending r = { .rows = &rows, .excluded = excluded };
	int rc;

	if (excluded == NULL)
		return err_nomem(e);
	if (read_excluded(c, excluded, e) != 0)
		return place_refuse(e);
	if (api_rows_init(&rows, c, e) != 0 || api_cursor(c, &q.after, e) != 0 ||
	    db_read_begin(c->world->db, &conn, e) != 0 || item_find(c, conn, &item, e) != 0)
		return -1;
	q.parent = item.id;
	rc = list_recommended(conn, &q, &r, e);
	free(r.newest);
	return rc != 0 ? -1 : api_rows_answer(&rows, e);
}

const struct api_route archive_routes[] = {
	{ "POST", ITEM "/recoveryPoints/{rp}/move", move_post, API_RS | API_VAULT | API_BODY,
	    TYPE_POINT "/move/action" },
	{ "POST", ITEM "/recoveryPointsRecommendedForMove", recommended_post,
	    API_RS | API_VAULT | API_BODY_OPTIONAL,
	    TYPE_ITEM "/recoveryPointsRecommendedForMove/action" },
	{ NULL },
};
