/* item_backup.c - backup now. */
#include "api/item.h"

#include <stdio.h>

#include "api/submit.h"

#define DAY_US (86400LL * 1000000)
#define INPUT "Input provided for the call is invalid: "

static int check_protected(const struct resource *item, struct err *e)
{
	const char *state = jstr(item->body, "properties.protectionState", "");

	if (item_refuse_soft_deleted(item, e) != 0)
		return -1;
	if (strcmp(state, "ProtectionStopped") != 0 && strcmp(state, "BackupsSuspended") != 0)
		return 0;
	return err_http(e, ERR_CONFLICT, 400, "UserErrorBcmDatasourceNotPresent",
	    "VM is not backed up.\r\nThe protection of '%.100s' is stopped (%s); resume it with a "
	    "policy first.", jstr(item->body, "properties.friendlyName", item->name), state);
}

static int check_vm(struct db_conn *conn, const struct resource *item, struct err *e)
{
	auto_resource struct resource vm = { 0 };
	int r = resource_get(conn, item->ref, &vm, e);

	if (r != 0)
		return r < 0 ? -1 : 0;
	return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
	    "Could not perform the operation as VM no longer exists.\r\nStop protecting virtual "
	    "machine without deleting backup data. Virtual machine: '%.300s'", item->ref);
}

/* Days that the policy keeps a daily point (or a weekly one, where there are no daily ones). */
static int policy_days(struct db_conn *conn, const char *policy, int64_t *ret, struct err *e)
{
	static const struct {
		const char *unit;
		int days;
	} units[] = { { "Days", 1 }, { "Weeks", 7 }, { "Months", 30 }, { "Years", 365 } };
	auto_resource struct resource r = { 0 };
	const json_t *kept;
	int found = resource_get(conn, policy, &r, e);

	if (found < 0)
		return -1;
	*ret = 30;
	kept = jat(r.body, "properties.retentionPolicy.dailySchedule.retentionDuration");
	if (kept == NULL)
		kept = jat(r.body, "properties.retentionPolicy.weeklySchedule.retentionDuration");
	for (size_t i = 0; kept != NULL && i < ARRAY_LEN(units); i++)
		if (str_ieq(str_c(jstr(kept, "durationType", "")), str_c(units[i].unit)))
			*ret = jint(kept, "count", 30) * units[i].days;
	return 0;
}

static int read_expiry(struct api_call *c, int64_t *ret, struct err *e)
{
	static const char path[] = "properties.recoveryPointExpiryTimeInUTC";
	const char *text = NULL, *type = "IaasVMBackupRequest";

	if (jget_str(c->body, "properties.objectType", &type, e) < 0 ||
	    jget_str(c->body, path, &text, e) < 0)
		return err_http(e, ERR_INVALID, 400, "BMSUserErrorInvalidInput", INPUT "%s",
		    e->msg);
	if (!str_ieq(str_c(type), STR("IaasVMBackupRequest")))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput", INPUT
		    "properties.objectType: expected 'IaasVMBackupRequest', got '%.100s'", type);
	if (text == NULL)
		return 0;
	if (!time_parse_iso(str_c(text), ret))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput", INPUT
		    "%s: '%.60s' is not a time like 2026-12-01T00:00:00Z", path, text);
	if (*ret <= c->now_us)
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput", INPUT
		    "%s: '%.60s' is not in the future", path, text);
	return 0;
}

/* Without a stated expiry the policy decides, from the midnight after today. */
static int decide_expiry(struct api_call *c, struct db_conn *conn, const struct resource *item,
    int64_t *expiry, struct err *e)
{
	int64_t days;

	if (*expiry != 0)
		return 0;
	if (policy_days(conn, jstr(item->body, "properties.policyId", ""), &days, e) != 0)
		return -1;
	*expiry = (c->now_us / DAY_US + 1 + days) * DAY_US;
	return 0;
}

int item_backup(struct api_call *c, struct err *e)
{
	static const char *const tasks[] = { "Take Snapshot", "Transfer data to vault", NULL };
	struct submission s = { .op_kind = "backup", .job = { .kind = "backup",
		.operation = "Backup", .cancellable = true, .tasks = tasks } };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource item = { 0 };
	auto_json json_t *args = NULL, *bag = NULL, *internal = NULL;
	char iso[TIME_TEXT_MAX], english[TIME_TEXT_MAX];
	int64_t expiry = 0;

	if (read_expiry(c, &expiry, e) != 0 || db_write_begin(c->world->db, &conn, e) != 0 ||
	    item_find(c, conn, &item, e) != 0 || check_protected(&item, e) != 0 ||
	    check_vm(conn, &item, e) != 0 || item_check_free(conn, item.id, "Backup", e) != 0 ||
	    decide_expiry(c, conn, &item, &expiry, e) != 0)
		return -1;
	args = json_pack("{s:s, s:s, s:s}", "vaultId", c->vault.id, "itemId", item.id, "expiryTime",
	    time_iso(expiry, iso));
	bag = json_pack("{s:s, s:s}", "VM Name", jstr(item.body, "properties.friendlyName", ""),
	    "Recovery Point Expiry Time in UTC", time_us_english(expiry, english));
	internal = json_pack("{s:s}", "IsInstantRpJob", "True");
	if (args == NULL || bag == NULL || internal == NULL)
		return err_nomem(e);
	s.job.args = args;
	s.job.bag = bag;
	s.job.internal_bag = internal;
	return submit(c, &conn, &item, &s, e);
}
