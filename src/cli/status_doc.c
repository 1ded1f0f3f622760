/* status_doc.c - see status_doc.h. */
#include "cli/status_doc.h"

#include "base/clock.h"

/* Items that were never backed up carry a time from before the service was. */
#define FIRST_YEAR_TIME "2002-01-01T00:00:00Z"

static json_t *item_line(const json_t *item, int64_t now_us)
{
	const json_t *p = jat(item, "properties");
	const char *when = jstr(p, "lastBackupTime", "");
	int64_t first, then;
	json_t *line;

	line = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", jstr(item, "id", ""), "name",
	    jstr(p, "friendlyName", ""), "state", jstr(p, "protectionState", ""), "policy",
	    jstr(p, "policyName", ""), "lastBackupStatus", jstr(p, "lastBackupStatus", ""));
	if (line == NULL || !time_parse_iso(STR(FIRST_YEAR_TIME), &first) ||
	    !time_parse_iso(str_c(when), &then) || then < first)
		return line;
	if (json_object_set_new(line, "lastBackupTime", json_string(when)) != 0 ||
	    json_object_set_new(line, "lastBackupAgeSeconds",
	    json_integer((now_us - then) / 1000000)) != 0) {
		json_decref(line);
		return NULL;
	}
	return line;
}

static int add_items(struct cli_client *c, const char *vault, int64_t now_us, json_t *to,
    struct err *e)
{
	auto_json json_t *rows = NULL;
	auto_buf struct buf path = { 0 };
	json_t *row;
	size_t i;

	buf_addf(&path, "%s/backupProtectedItems", vault);
	if (buf_ok(&path, e) != 0 ||
	    cli_client_list(c, path.p, VERSION_BACKUP, NULL, &rows, e) != 0)
		return -1;
	json_array_foreach(rows, i, row)
		if (json_array_append_new(to, item_line(row, now_us)) != 0)
			return err_nomem(e);
	return 0;
}

/* Progress is not in the list: the job is asked.  It may be over by now, which is fine. */
static int add_job(struct cli_client *c, const json_t *row, json_t *to, struct err *e)
{
	auto_json json_t *job = NULL;
	json_t *percent;

	if (cli_client_call(c, "GET", jstr(row, "id", "/"), VERSION_BACKUP, NULL, NULL, &job,
	    e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	percent = jat(job, "properties.extendedInfo.progressPercentage");
	if (json_array_append_new(to,
	    json_pack("{s:s, s:s, s:s, s:s, s:O*, s:s}", "id", jstr(job, "name", ""), "operation",
		jstr(job, "properties.operation", ""), "name",
		jstr(job, "properties.entityFriendlyName", ""), "status",
		jstr(job, "properties.status", ""), "percent", percent, "startTime",
		jstr(job, "properties.startTime", ""))) != 0)
		return err_nomem(e);
	return 0;
}

static int add_jobs(struct cli_client *c, const char *vault, json_t *to, struct err *e)
{
	static const char *const filters[] = { "status eq 'InProgress'", "status eq 'Cancelling'" };
	auto_buf struct buf path = { 0 };

	buf_addf(&path, "%s/backupJobs", vault);
	if (buf_ok(&path, e) != 0)
		return -1;
	for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
		auto_json json_t *rows = NULL;
		json_t *row;
		size_t i;

		if (cli_client_list(c, path.p, VERSION_BACKUP, filters[f], &rows, e) != 0)
			return -1;
		json_array_foreach(rows, i, row)
			if (add_job(c, row, to, e) != 0)
				return -1;
	}
	return 0;
}

static int add_vault(struct cli_client *c, const json_t *vault, int64_t now_us, json_t *to,
    struct err *e)
{
	auto_json json_t *items = json_array(), *jobs = json_array();
	const char *id = jstr(vault, "id", "");

	if (items == NULL || jobs == NULL)
		return err_nomem(e);
	if (add_items(c, id, now_us, items, e) != 0 || add_jobs(c, id, jobs, e) != 0)
		return err_in(e, "vault '%s'", id);
	if (json_array_append_new(to,
	    json_pack("{s:s, s:s, s:s, s:O, s:O}", "id", id, "name", jstr(vault, "name", ""),
		"location", jstr(vault, "location", ""), "items", items, "jobs", jobs)) != 0)
		return err_nomem(e);
	return 0;
}

int status_doc(struct cli_client *c, int64_t now_us, json_t **ret, struct err *e)
{
	auto_json json_t *health = NULL, *rows = NULL, *vaults = json_array();
	auto_buf struct buf path = { 0 };
	json_t *row;
	size_t i;

	buf_addf(&path, "/subscriptions/%s/providers/Microsoft.RecoveryServices/vaults",
	    cli_client_subscription(c));
	if (vaults == NULL)
		return err_nomem(e);
	if (buf_ok(&path, e) != 0 || cli_client_health(c, &health, e) != 0 ||
	    cli_client_list(c, path.p, VERSION_BACKUP, NULL, &rows, e) != 0)
		return -1;
	json_array_foreach(rows, i, row)
		if (add_vault(c, row, now_us, vaults, e) != 0)
			return -1;
	*ret = json_pack("{s:{s:s, s:s, s:s}, s:O}", "server", "url", cli_client_url(c), "status",
	    jstr(health, "status", ""), "version", jstr(health, "version", ""), "vaults", vaults);
	return *ret == NULL ? err_nomem(e) : 0;
}
