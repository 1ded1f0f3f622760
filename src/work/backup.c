/* backup.c - the backup job: take_point.h's three parts as steps. */
#include <stdio.h>

#include "work/take_point.h"

#define MIB (INT64_C(1) << 20)

/* What has no code of its own is shown as the failure of a backup. */
static int failed(struct err *e)
{
	if (e->code == NULL && e->kind != ERR_CANCELLED && e->kind != ERR_NO_SPACE)
		e->code = "BackupOperationFailed";
	return -1;
}

static int snapshot(struct job *j, void *world, struct err *e)
{
	return take_snapshot(j, world, false, e) != 0 ? failed(e) : 0;
}

static int transfer(struct job *j, void *world, struct err *e)
{
	return take_transfer(j, world, e) != 0 ? failed(e) : 0;
}

static int transfer_undo(struct job *j, void *world, struct err *e)
{
	return take_transfer_undo(j, world, e);
}

static int publish(struct job *j, void *world, struct err *e)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "%lld MB", (long long)((take_bytes(j) + MIB - 1) / MIB));
	if (take_publish(j, world, e) != 0)
		return failed(e);
	return job_bag_set(j, "Backup Size", text, e);
}

static int publish_undo(struct job *j, void *world, struct err *e)
{
	return take_publish_undo(j, world, e);
}

static bool is_vm_gone(const struct err *cause)
{
	return cause->code != NULL && strcmp(cause->code, "UserErrorVmNotFoundV2") == 0;
}

/* A backup that failed is told by the item; one that was cancelled leaves it as it was. */
static int ended(struct job *j, struct db_conn *c, const char *status, const struct err *cause,
    void *world, struct err *e)
{
	auto_resource struct resource item = { 0 };
	const struct world *w = world;
	char start[TIME_TEXT_MAX];
	json_t *props;
	int found;

	if (cause == NULL || strcmp(status, JOB_FAILED) != 0)
		return 0;
	found = resource_get(c, job_item(j), &item, e);
	if (found <= 0)
		return found;
	props = jat(item.body, "properties");
	if (jset(props, "lastBackupStatus", json_string("Failed"), e) != 0 ||
	    jset(props, "lastBackupTime", json_string(time_iso(job_start_us(j), start)), e) != 0 ||
	    (is_vm_gone(cause) && take_health(props, true, e) != 0))
		return -1;
	return resource_put(c, &item, clock_now_us(w->clock), e);
}

static const struct job_step steps[] = {
	{ "snapshot", snapshot, NULL },
	{ "transfer", transfer, transfer_undo },
	{ "publish", publish, publish_undo },
};

const struct job_kind backup_kind = { "backup", steps, ARRAY_LEN(steps), ended };
