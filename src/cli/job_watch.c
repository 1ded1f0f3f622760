/* job_watch.c - see job_watch.h. */
#include "cli/job_watch.h"

#include <time.h>

#define LOOK_MS 500
#define SILENT_LOOKS_MAX 120	/* a minute without an answer */
#define BAR_WIDTH 40

int job_vault_find(struct cli_client *c, const char *job, char **ret, struct err *e)
{
	auto_json json_t *vaults = NULL;
	auto_buf struct buf path = { 0 };
	json_t *vault;
	size_t i;

	buf_addf(&path, "/subscriptions/%s/providers/Microsoft.RecoveryServices/vaults",
	    cli_client_subscription(c));
	if (buf_ok(&path, e) != 0 ||
	    cli_client_list(c, path.p, VERSION_BACKUP, NULL, &vaults, e) != 0)
		return -1;
	json_array_foreach(vaults, i, vault) {
		const char *id = jstr(vault, "id", "");
		int found;

		buf_clear(&path);
		buf_addf(&path, "%s/backupJobs/%s", id, job);
		if (buf_ok(&path, e) != 0)
			return -1;
		found = cli_client_exists(c, path.p, VERSION_BACKUP, e);
		if (found < 0)
			return -1;
		if (found > 0) {
			*ret = strdup(id);
			return *ret == NULL ? err_nomem(e) : 0;
		}
	}
	return err_set(e, ERR_NOT_FOUND, "no vault of the server has a job '%.80s'", job);
}

struct shown {
	char status[32];
	int percent;
};

static int percent_of(const json_t *doc)
{
	const json_t *v = jat(doc, "properties.extendedInfo.progressPercentage");
	double p = json_is_number(v) ? json_number_value(v) : 0;

	return p < 0 ? 0 : p > 100 ? 100 : (int)p;
}

static void show(FILE *to, bool bar, const json_t *doc, struct shown *last)
{
	static const char full[] = "########################################";
	const char *status = jstr(doc, "properties.status", "");
	const char *what = jstr(doc, "properties.operation", "job");
	const char *whom = jstr(doc, "properties.entityFriendlyName", "");
	int percent = percent_of(doc);

	if (percent == last->percent && strcmp(status, last->status) == 0)
		return;
	last->percent = percent;
	(void)snprintf(last->status, sizeof(last->status), "%s", status);
	if (bar)
		(void)fprintf(to, "\r%s %s [%-*.*s] %3d%% %-22s", what, whom, BAR_WIDTH,
		    percent * BAR_WIDTH / 100, full, percent, status);
	else
		(void)fprintf(to, "%s %s %d%% %s\n", what, whom, percent, status);
	(void)fflush(to);
}

static bool going_on(const json_t *doc)
{
	const char *status = jstr(doc, "properties.status", "");

	return strcmp(status, "InProgress") == 0 || strcmp(status, "Cancelling") == 0;
}

bool job_went_well(const json_t *doc)
{
	const char *status = jstr(doc, "properties.status", "");

	return strcmp(status, "Completed") == 0 || strcmp(status, "CompletedWithWarnings") == 0;
}

/* Only silence and a server in trouble may pass; "no such job" will not. */
static bool may_pass(const struct err *e)
{
	return e->kind == ERR_IO || e->kind == ERR_BUSY;
}

/* The jobs of cross-region restores have a call of their own. */
static int look(struct cli_client *c, const struct job_place *at, json_t **ret, struct err *e)
{
	auto_buf struct buf path = { 0 };
	auto_json json_t *body = NULL;

	if (at->region == NULL) {
		buf_addf(&path, "%s/backupJobs/%s", at->vault, at->job);
		return buf_ok(&path, e) != 0 ? -1 :
		    cli_client_call(c, "GET", path.p, VERSION_BACKUP, NULL, NULL, ret, e);
	}
	buf_addf(&path, "/subscriptions/%s/providers/Microsoft.RecoveryServices/locations/%s/backupCrrJob",
	    cli_client_subscription(c), at->region);
	body = json_pack("{s:s, s:s}", "resourceId", at->vault, "jobName", at->job);
	if (body == NULL)
		return err_nomem(e);
	return buf_ok(&path, e) != 0 ? -1 :
	    cli_client_call(c, "POST", path.p, VERSION_SECONDARY, NULL, body, ret, e);
}

int job_watch(struct cli_client *c, const struct job_place *at, FILE *to, bool bar, json_t **ret,
    struct err *e)
{
	const struct timespec pause = { LOOK_MS / 1000, LOOK_MS % 1000 * 1000000L };
	struct shown last = { .percent = -1 };
	unsigned silent = 0;

	for (;;) {
		auto_json json_t *doc = NULL;

		if (look(c, at, &doc, e) != 0) {
			if (!may_pass(e) || last.percent < 0 || ++silent > SILENT_LOOKS_MAX)
				return -1;
		} else {
			silent = 0;
			show(to, bar, doc, &last);
			if (!going_on(doc)) {
				if (bar)
					(void)fputc('\n', to);
				*ret = TAKE(doc);
				return 0;
			}
		}
		(void)nanosleep(&pause, NULL);
	}
}
