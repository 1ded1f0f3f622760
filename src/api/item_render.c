/* item_render.c - see item_render.h. */
#include "api/item_render.h"

#include <stdio.h>

#include "api/item.h"
#include "work/archive.h"

#define DAY_US (86400LL * 1000000)

char *timespan_text(int64_t span_us, char *out)
{
	long long s = span_us > 0 ? span_us / 1000000 : 0, us = span_us > 0 ? span_us % 1000000 : 0;
	int n = 0;

	if (s >= 86400)
		n = snprintf(out, TIME_TEXT_MAX, "%lld.", s / 86400);
	n += snprintf(out + n, TIME_TEXT_MAX - (size_t)n, "%02lld:%02lld:%02lld", s / 3600 % 24,
	    s / 60 % 60, s % 60);
	if (us > 0)
		(void)snprintf(out + n, TIME_TEXT_MAX - (size_t)n, ".%06lld0", us);
	return out;
}

static int copy(json_t *to, const json_t *from, const char *const *keys, struct err *e)
{
	for (; *keys != NULL; keys++)
		if (jset(to, *keys, json_incref(jat(from, *keys)), e) != 0)
			return -1;
	return 0;
}

static json_t *health_details(bool vm_gone)
{
	if (vm_gone)
		return json_pack("[{s:i, s:s, s:s, s:[s]}]", "code", 400136, "title",
		    "UserErrorVmNotFoundV2", "message", "Virtual machine doesn't exist.",
		    "recommendations", "Please make sure that virtual machine exists or select a "
		    "different virtual machine to perform the operation.");
	return json_pack("[{s:i, s:s, s:s, s:[]}]", "code", 400239, "title",
	    "IaasVmHealthGreenDefault", "message",
	    "Backup pre-check status of this virtual machine is OK.", "recommendations");
}

static int add_health(struct api_call *c, json_t *out, const json_t *props, bool vm_gone,
    struct err *e)
{
	const char *kpi = vm_gone ? "PersistentUnhealthy" : "Healthy";

	if (jset(out, "healthStatus", json_string(vm_gone ? "ActionRequired" : "Passed"), e) != 0)
		return -1;
	if ((vm_gone || jat(props, "lastRecoveryPoint") != NULL) &&
	    jset(out, "healthDetails", health_details(vm_gone), e) != 0)
		return -1;
	if (arm_version_at_least(c->version, "2024-01-01"))
		return 0;
	return jset(out, "kpisHealths", json_pack("{s:{s:s}, s:{s:s}}", "BackupOperationStatusKPI",
	    "resourceHealthStatus", kpi, "RestoreOperationStatusKPI", "resourceHealthStatus",
	    "Healthy"), e);
}

struct times {			/* of points, owned; NULL: there is none */
	json_t *oldest, *in_vault, *oldest_archived, *newest_archived;
};

static void times_done(struct times *t)
{
	json_decref(t->oldest);
	json_decref(t->in_vault);
	json_decref(t->oldest_archived);
	json_decref(t->newest_archived);
}

static void first_of(json_t **field, json_t *when)
{
	if (*field == NULL)
		*field = json_incref(when);
}

/* Point names grow with time, so the first by id is the oldest.  Only where points can be in an
 * archive all of them have to be looked at. */
static int look_at(void *arg, struct resource *point, struct err *e)
{
	json_t *when = jat(point->body, "properties.recoveryPointTime");
	struct times *t = arg;

	(void)e;
	first_of(&t->oldest, when);
	if (!archive_has(point) || archive_is_rehydrated(point))
		first_of(&t->in_vault, when);
	if (!archive_has(point))
		return 0;
	first_of(&t->oldest_archived, when);
	json_decref(t->newest_archived);
	t->newest_archived = json_incref(when);
	return 0;
}

static int count_points(struct api_call *c, struct db_conn *conn, const struct resource *item,
    int64_t *ret, struct times *ret_times, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT, .parent = item->id };

	if (resource_count(conn, &q, ret, e) != 0)
		return -1;
	q.limit = archive_configured(c->world->settings, c->vault.location) ? 0 : 1;
	return resource_list(conn, &q, look_at, ret_times, e) < 0 ? -1 : 0;
}

static int add_extended(const struct item_view *view, json_t *out, struct err *e)
{
	json_t *info = json_pack("{s:O*, s:O*, s:O*, s:O*, s:I, s:b}", "oldestRecoveryPoint",
	    view->oldest, "oldestRecoveryPointInVault", view->oldest_in_vault,
	    "oldestRecoveryPointInArchive", view->oldest_archived, "newestRecoveryPointInArchive",
	    view->newest_archived, "recoveryPointCount", (json_int_t)view->points,
	    "policyInconsistent", 0);

	return info == NULL ? err_nomem(e) : jset(out, "extendedInfo", info, e);
}

static int add_deferred(struct api_call *c, const struct resource *item, const json_t *props,
    json_t *out, struct err *e)
{
	int64_t days = jint(props, "softDeleteRetentionPeriod", 14), since = 0;
	char text[TIME_TEXT_MAX];

	if (!item_soft_deleted(item))
		return jset(out, "softDeleteRetentionPeriod", json_integer(0), e);
	(void)time_parse_iso(str_c(jstr(props, "deferredDeleteTimeInUTC", "")), &since);
	(void)timespan_text(since + days * DAY_US - c->now_us, text);
	if (jset(out, "isScheduledForDeferredDelete", json_true(), e) != 0 ||
	    jset(out, "deferredDeleteTimeInUTC",
	    json_incref(jat(props, "deferredDeleteTimeInUTC")), e) != 0 ||
	    jset(out, "deferredDeleteTimeRemaining", json_string(text), e) != 0)
		return -1;
	return jset(out, "softDeleteRetentionPeriod", json_integer(days), e);
}

static int add_constants(struct api_call *c, const struct resource *item, json_t *out,
    struct err *e)
{
	const char *vault = arena_fmt(&c->arena, "%s%s", c->base_url, item->parent);

	if (vault == NULL)
		return err_nomem(e);
	if (jset(out, "protectedItemType", json_string(TYPE_VM), e) != 0 ||
	    jset(out, "backupManagementType", json_string(IAAS_MANAGEMENT), e) != 0 ||
	    jset(out, "workloadType", json_string("VM"), e) != 0 ||
	    jset(out, "containerName",
	    json_string(item->name + strcspn(item->name, ";") + 1), e) != 0 ||
	    jset(out, "vaultId", json_string(vault), e) != 0)
		return -1;
	return jset(out, "isArchiveEnabled", json_false(), e);
}

int item_render_view(struct api_call *c, const struct resource *item,
    const struct item_view *view, json_t **ret, struct err *e)
{
	static const char *const first[] = { "friendlyName", "virtualMachineId", "protectionStatus",
		"protectionState", NULL };
	static const char *const then[] = { "lastBackupStatus", "lastBackupTime",
		"extendedProperties", "sourceResourceId", "policyId", "policyName",
		    "lastRecoveryPoint",
		NULL };
	const json_t *props = jat(item->body, "properties");
	auto_json json_t *out = json_object(), *all = NULL;

	if (out == NULL)
		return err_nomem(e);
	if (copy(out, props, first, e) != 0 ||
	    add_health(c, out, props, view->is_vm_gone, e) != 0 ||
	    jset(out, "protectedItemDataId",
	    json_string(jstr(item->body, "internal.dataId", "")), e) != 0 ||
	    (view->is_extended && add_extended(view, out, e) != 0) ||
	    copy(out, props, then, e) != 0 || add_constants(c, item, out, e) != 0 ||
	    add_deferred(c, item, props, out, e) != 0)
		return -1;
	all = json_pack("{s:s, s:s, s:s, s:O}", "id", item->id, "name", item->name, "type",
	    item->type, "properties", out);
	if (all == NULL)
		return err_nomem(e);
	*ret = TAKE(all);
	return 0;
}

int item_render(struct api_call *c, struct db_conn *conn, const struct resource *item,
    bool extended, json_t **ret, struct err *e)
{
	auto_resource struct resource vm = { 0 };
	cleanup_with(times_done) struct times t = { 0 };
	struct item_view view = { .is_extended = extended };
	int found = resource_get(conn, item->ref, &vm, e);

	if (found < 0 || (extended && count_points(c, conn, item, &view.points, &t, e) != 0))
		return -1;
	view.is_vm_gone = found == 0;
	view.oldest = t.oldest;
	view.oldest_in_vault = t.in_vault;
	view.oldest_archived = t.oldest_archived;
	view.newest_archived = t.newest_archived;
	return item_render_view(c, item, &view, ret, e);
}
