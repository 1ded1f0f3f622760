/* item.c - protected items: read, list, delete. */
#include "api/item.h"

#include "api/item_render.h"
#include "api/rows.h"
#include "api/secondary.h"
#include "api/submit.h"

#define VAULT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}"
#define ITEM VAULT \
	"/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}"
#define ACTION TYPE_ITEM

int item_find(struct api_call *c, struct db_conn *conn, struct resource *ret, struct err *e)
{
	const char *id;
	int r;

	if (api_item_id(c, &id, e) != 0)
		return -1;
	r = resource_get(conn, id, ret, e);
	return r < 0 ? -1 : r == 0 ? item_not_found(id, e) : 0;
}

static int item_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 };
	auto_json json_t *body = NULL;
	bool extended;

	if (secondary_asked(c))
		return secondary_item(c, e);
	if (item_filter_extended(c, &extended, e) != 0 ||
	    db_read_begin(c->world->db, &conn, e) != 0 || item_find(c, conn, &item, e) != 0 ||
	    item_render(c, conn, &item, extended, &body, e) != 0)
		return -1;
	return api_json(c, 200, TAKE(body), e);
}

struct listing {
	struct api_rows *rows;
	struct db_conn *conn;
	struct arm_filter filter;
};

static int list_row(void *arg, struct resource *item, struct err *e)
{
	struct listing *l = arg;
	json_t *shown = NULL;

	if (item_render(l->rows->c, l->conn, item, false, &shown, e) != 0)
		return -1;
	if (!item_filter_wants(&l->filter, item, shown)) {
		json_decref(shown);
		return 0;
	}
	return api_rows_add(l->rows, item, shown, e);
}

static int item_list(struct api_call *c, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .parent = c->vault.id };
	auto_rows struct api_rows rows = { 0 };
	struct listing l = { .rows = &rows };
	auto_conn struct db_conn *conn = NULL;
	bool none;

	if (secondary_asked(c))
		return secondary_items(c, e);
	if (api_rows_init(&rows, c, e) != 0 || api_cursor(c, &q.after, e) != 0 ||
	    item_filter_read(c, &l.filter, &none, e) != 0 ||
	    db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	l.conn = conn;
	if (!none && resource_list(conn, &q, list_row, &l, e) < 0)
		return -1;
	return api_rows_answer(&rows, e);
}

/* The data stays for the vault's retention; the item stays in the lists, marked. */
static int mark_deleted(struct api_call *c, struct db_conn *conn, const struct resource *vault,
    struct resource *item, struct err *e)
{
	json_t *props = jat(item->body, "properties");
	char now[TIME_TEXT_MAX];
	int64_t days = jint(vault->body, "internal.vaultConfig.softDeleteRetentionPeriodInDays",
	    14);

	if (jset(props, "isScheduledForDeferredDelete", json_true(), e) != 0 ||
	    jset(props, "deferredDeleteTimeInUTC", json_string(time_iso(c->now_us, now)), e) != 0 ||
	    jset(props, "softDeleteRetentionPeriod", json_integer(days), e) != 0 ||
	    jset(props, "protectionState", json_string("ProtectionStopped"), e) != 0 ||
	    jset(props, "policyId", json_string(""), e) != 0 ||
	    jset(props, "policyName", json_string(""), e) != 0)
		return -1;
	return resource_put(conn, item, c->now_us, e);
}

static bool soft_delete_on(const struct resource *vault)
{
	const char *state = jstr(vault->body, "internal.vaultConfig.softDeleteFeatureState",
	    "Enabled");

	return strcmp(state, "Disabled") != 0;
}

static int deletion_args(struct api_call *c, struct db_conn *conn, const struct resource *item,
    json_t **ret_args, json_t **ret_bag, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT, .parent = item->id };
	const json_t *props = jat(item->body, "properties");
	const char *points;
	int64_t count;

	if (resource_count(conn, &q, &count, e) != 0)
		return -1;
	points = arena_fmt(&c->arena, "%lld", (long long)count);
	if (points == NULL)
		return err_nomem(e);
	*ret_args = json_pack("{s:s, s:s, s:s, s:s, s:s}", "vaultId", c->vault.id, "itemId",
	    item->id,
	    "vmId", item->ref, "policyId", "", "protectionState", "ProtectionStopped");
	*ret_bag = json_pack("{s:s, s:s}", "VM Name", jstr(props, "friendlyName", item->name),
	    "Number of Recovery Points", points);
	return *ret_args == NULL || *ret_bag == NULL ? err_nomem(e) : 0;
}

static int item_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 }, vault = { 0 };
	auto_json json_t *args = NULL, *bag = NULL;
	struct submission s = { .op_kind = "delete", .under_vault = true, .job = {
		.operation = "DeleteBackupData", .operation_ends_with_job = true } };
	const char *id;
	int found;
	bool soft;

	if (api_item_id(c, &id, e) != 0)
		return -1;
	found = api_delete_begin(c, id, &conn, &item, e);
	if (found <= 0)
		return found;
	/* Read anew: soft delete may have been turned on since the request came in. */
	if (api_find_in(c, conn, c->vault.id, &vault, e) != 0)
		return -1;
	soft = soft_delete_on(&vault);
	if (item_check_free(conn, item.id, s.job.operation, e) != 0 ||
	    (soft && item_refuse_soft_deleted(&item, e) != 0) ||
	    deletion_args(c, conn, &item, &args, &bag, e) != 0 ||
	    (soft && mark_deleted(c, conn, &vault, &item, e) != 0))
		return -1;
	s.job.kind = soft ? "configure" : "delete";
	s.job.args = args;
	s.job.bag = bag;
	return submit(c, &conn, &item, &s, e);
}

const struct api_route item_routes[] = {
	{ "GET", VAULT "/backupProtectedItems", item_list, API_RS | API_VAULT | API_SECONDARY,
	    "Microsoft.RecoveryServices/vaults/backupProtectedItems/read" },
	{ "GET", ITEM, item_get, API_RS | API_VAULT | API_SECONDARY, ACTION "/read" },
	{ "PUT", ITEM, item_put, API_RS | API_VAULT | API_BODY, ACTION "/write" },
	{ "DELETE", ITEM, item_delete, API_RS | API_VAULT, ACTION "/delete" },
	{ "POST", ITEM "/backup", item_backup, API_RS | API_VAULT | API_BODY_OPTIONAL,
	    ACTION "/backup/action" },
	{ NULL },
};
