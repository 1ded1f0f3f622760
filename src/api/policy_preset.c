/* policy_preset.c - see policy_preset.h. */
#include "api/policy_preset.h"

#include "api/policy_check.h"

static const struct preset {
	const char *name, *text;
} presets[] = {
	{ "DefaultPolicy",
	    "{\"properties\":{\"backupManagementType\":\"AzureIaasVM\",\"policyType\":\"V1\","
	    "\"schedulePolicy\":{\"schedulePolicyType\":\"SimpleSchedulePolicy\","
	    "\"scheduleRunFrequency\":\"Daily\",\"scheduleRunTimes\":[\"2024-01-01T19:30:00Z\"]},"
	    "\"retentionPolicy\":{\"retentionPolicyType\":\"LongTermRetentionPolicy\","
	    "\"dailySchedule\":{\"retentionTimes\":[\"2024-01-01T19:30:00Z\"],"
	    "\"retentionDuration\":{\"count\":30,\"durationType\":\"Days\"}}},"
	    "\"instantRpRetentionRangeInDays\":2,\"timeZone\":\"UTC\"}}" },
	{ "EnhancedPolicy",
	    "{\"properties\":{\"backupManagementType\":\"AzureIaasVM\",\"policyType\":\"V2\","
	    "\"schedulePolicy\":{\"schedulePolicyType\":\"SimpleSchedulePolicyV2\","
	    "\"scheduleRunFrequency\":\"Hourly\",\"hourlySchedule\":{\"interval\":4,"
	    "\"scheduleWindowStartTime\":\"2024-01-01T08:00:00Z\",\"scheduleWindowDuration\":12}},"
	    "\"retentionPolicy\":{\"retentionPolicyType\":\"LongTermRetentionPolicy\","
	    "\"dailySchedule\":{\"retentionTimes\":[\"2024-01-01T08:00:00Z\"],"
	    "\"retentionDuration\":{\"count\":30,\"durationType\":\"Days\"}}},"
	    "\"instantRpRetentionRangeInDays\":2,\"timeZone\":\"UTC\"}}" },
};

/* Not for virtual machines: clients expect to see it, nothing can be protected with it. */
static const struct preset log_backup = { "HourlyLogBackup",
	"{\"properties\":{\"backupManagementType\":\"AzureWorkload\","
	"\"workLoadType\":\"SQLDataBase\","
	"\"settings\":{\"timeZone\":\"UTC\",\"issqlcompression\":false,\"isCompression\":false},"
	"\"subProtectionPolicy\":[{\"policyType\":\"Full\",\"schedulePolicy\":{"
	"\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":\"Daily\","
	"\"scheduleRunTimes\":[\"2024-01-01T19:30:00Z\"],\"scheduleWeeklyFrequency\":0},"
	"\"retentionPolicy\":{\"retentionPolicyType\":\"LongTermRetentionPolicy\","
	"\"dailySchedule\":{\"retentionTimes\":[\"2024-01-01T19:30:00Z\"],"
	"\"retentionDuration\":{\"count\":30,\"durationType\":\"Days\"}}}},"
	"{\"policyType\":\"Log\",\"schedulePolicy\":{\"schedulePolicyType\":\"LogSchedulePolicy\","
	"\"scheduleFrequencyInMins\":60},\"retentionPolicy\":{"
	"\"retentionPolicyType\":\"SimpleRetentionPolicy\","
	"\"retentionDuration\":{\"count\":30,\"durationType\":\"Days\"}}}]}}" };

static int add(struct db_conn *conn, const struct resource *vault, const char *name, json_t *props,
    int64_t now_us, struct err *e)
{
	auto_resource struct resource r = { 0 };
	auto_buf struct buf id = { 0 };

	buf_addf(&id, "%s/backupPolicies/%s", vault->id, name);
	if (id.failed) {
		json_decref(props);
		return err_nomem(e);
	}
	if (resource_init(&r, TYPE_POLICY, id.p, "", vault->id,
	    json_pack("{s:o}", "properties", props), e) != 0)
		return -1;
	return resource_put(conn, &r, now_us, e);
}

int policy_presets_add(struct db_conn *conn, const struct resource *vault, int64_t now_us,
    struct err *e)
{
	auto_json json_t *log = NULL;

	for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
		auto_json json_t *body = NULL;
		json_t *props = NULL;

		if (jparse(str_c(presets[i].text), &body, e) != 0 ||
		    policy_check(body, &props, e) != 0 ||
		    add(conn, vault, presets[i].name, props, now_us, e) != 0)
			return err_in(e, "policy '%s'", presets[i].name);
	}
	if (jparse(str_c(log_backup.text), &log, e) != 0)
		return err_in(e, "policy '%s'", log_backup.name);
	return add(conn, vault, log_backup.name, json_incref(jat(log, "properties")), now_us, e);
}
