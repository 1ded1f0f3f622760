/* job_render.c - see job_render.h. */
#include "api/job_render.h"

#include "api/item.h"

static int set_duration(json_t *obj, const char *key, int64_t span_us, struct err *e)
{
	char text[TIME_TEXT_MAX];

	return jset(obj, key, json_string(time_duration(span_us > 0 ? span_us : 0, text)), e);
}

static int set_time(json_t *obj, const char *key, int64_t t_us, struct err *e)
{
	char text[TIME_TEXT_MAX];

	return jset(obj, key, json_string(time_iso(t_us, text)), e);
}

static int live_task(json_t *task, const char *version, int64_t now_us, struct err *e)
{
	int64_t start_us;

	if (strcmp(jstr(task, "status", ""), "InProgress") == 0 &&
	    time_parse_iso(str_c(jstr(task, "startTime", "")), &start_us) &&
	    set_duration(task, "duration", now_us - start_us, e) != 0)
		return -1;
	if (!arm_version_at_least(version, "2024-01-01"))
		(void)json_object_del(task, "taskType");
	return 0;
}

/* What is left if it goes on as fast as until now; nothing is said before the first byte. */
static int set_remaining(json_t *info, const struct job_row *j, int64_t now_us, struct err *e)
{
	double elapsed = (double)(now_us - j->start_us), left;

	if (j->end_us != 0)
		return jset(info, "estimatedRemainingDuration", json_string("PT0S"), e);
	if (j->total <= 0 || j->done <= 0 || j->percent <= 0 || elapsed <= 0)
		return 0;
	left = elapsed * (100.0 - j->percent) / j->percent / 1e6;
	if (left > 30 * 86400.0)
		left = 30 * 86400.0;
	return set_duration(info, "estimatedRemainingDuration", (int64_t)left * 1000000, e);
}

static json_t *extended_info(const struct job_row *j, const char *version, int64_t now_us)
{
	auto_json json_t *info = json_object(), *tasks = json_deep_copy(j->tasks);
	json_t *task;
	struct err e;
	size_t i;

	json_array_foreach(tasks, i, task)
		if (live_task(task, version, now_us, &e) != 0)
			return NULL;
	if (info == NULL || tasks == NULL || jset(info, "tasksList", json_incref(tasks), &e) != 0 ||
	    jset(info, "propertyBag", json_deep_copy(j->bag), &e) != 0)
		return NULL;
	if (json_object_size(j->internal_bag) > 0 &&
	    jset(info, "internalPropertyBag", json_deep_copy(j->internal_bag), &e) != 0)
		return NULL;
	if (j->cancellable && (jset(info, "progressPercentage", json_real(j->percent), &e) != 0 ||
	    set_remaining(info, j, now_us, &e) != 0))
		return NULL;
	if (j->end_us == 0 && jset(info, "dynamicErrorMessage", json_string(""), &e) != 0)
		return NULL;
	return TAKE(info);
}

static int fill(json_t *p, const struct job_row *j, const char *version, int64_t now_us, bool full,
    struct err *e)
{
	int64_t until = j->end_us != 0 ? j->end_us : now_us;
	json_t *info;

	if (jset(p, "jobType", json_string("AzureIaaSVMJob"), e) != 0 ||
	    (j->cancellable && jset(p, "actionsInfo", json_pack("[s]", "Cancellable"), e) != 0) ||
	    jset(p, "containerName", json_string(j->container_name), e) != 0 ||
	    set_duration(p, "duration", until - j->start_us, e) != 0)
		return -1;
	if (json_array_size(j->errors) > 0 &&
	    jset(p, "errorDetails", json_deep_copy(j->errors), e) != 0)
		return -1;
	if (jset(p, "virtualMachineVersion", json_string("Compute"), e) != 0)
		return -1;
	if (full) {
		info = extended_info(j, version, now_us);
		if (info == NULL || jset(p, "extendedInfo", info, e) != 0)
			return err_nomem(e);
	}
	if (jset(p, "entityFriendlyName", json_string(j->friendly_name), e) != 0 ||
	    jset(p, "backupManagementType", json_string(IAAS_MANAGEMENT), e) != 0 ||
	    jset(p, "operation", json_string(j->operation), e) != 0 ||
	    jset(p, "status", json_string(j->status), e) != 0 ||
	    set_time(p, "startTime", j->start_us, e) != 0 ||
	    (j->end_us != 0 && set_time(p, "endTime", j->end_us, e) != 0))
		return -1;
	return jset(p, "activityId", json_string(j->activity_id), e);
}

json_t *job_json(const char *id, const struct job_row *j, const char *version, int64_t now_us,
    bool full)
{
	auto_json json_t *p = json_object();
	struct err e;

	if (p == NULL || id == NULL || fill(p, j, version, now_us, full, &e) != 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:O}", "id", id, "name", j->id, "type",
	    TYPE_VAULT "/backupJobs", "properties", p);
}
