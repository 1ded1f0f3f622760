/* Which backup policies are sound, and what is stored of them. */
#include "t.h"

#include "api/policy_check.h"
#include "base/buf.h"

#define TIME "\"2018-01-24T10:00:00Z\""
#define DAILY_SCHEDULE "{\"schedulePolicyType\":\"SimpleSchedulePolicy\"," \
	"\"scheduleRunFrequency\":\"Daily\",\"scheduleRunTimes\":[" TIME "]}"
#define WEEKLY_SCHEDULE "{\"schedulePolicyType\":\"SimpleSchedulePolicy\"," \
	"\"scheduleRunFrequency\":\"Weekly\",\"scheduleRunDays\":[\"Monday\",\"Thursday\"]," \
	"\"scheduleRunTimes\":[" TIME "]}"
#define V2(frequency, rest) "{\"schedulePolicyType\":\"SimpleSchedulePolicyV2\"," \
	"\"scheduleRunFrequency\":\"" frequency "\"," rest "}"
#define HOURLY(interval, duration) V2("Hourly", "\"hourlySchedule\":{\"interval\":" interval \
	",\"scheduleWindowStartTime\":\"2021-12-17T08:00:00+00:00\",\"scheduleWindowDuration\":" \
	duration "}")
#define KEEP(count, type) "\"retentionTimes\":[" TIME "],\"retentionDuration\":{\"count\":" count \
	",\"durationType\":\"" type "\"}"
#define DAILY_KEEP "\"dailySchedule\":{" KEEP("30", "Days") "}"
#define WEEKLY_KEEP(days) "\"weeklySchedule\":{\"daysOfTheWeek\":[" days "]," KEEP("4", "Weeks") "}"
#define RETENTION(rules) "{\"retentionPolicyType\":\"LongTermRetentionPolicy\"," rules "}"
#define POLICY(schedule, retention, more) "{\"properties\":{\"backupManagementType\":" \
	"\"AzureIaasVM\",\"schedulePolicy\":" schedule ",\"retentionPolicy\":" retention more "}}"
#define DAILY(more) POLICY(DAILY_SCHEDULE, RETENTION(DAILY_KEEP), more)
#define DAILY_AND(rule) POLICY(DAILY_SCHEDULE, RETENTION(DAILY_KEEP "," rule), "")
#define WEEKLY_AND(rules) POLICY(WEEKLY_SCHEDULE, RETENTION(rules), "")
#define MONTHLY(rest) "\"monthlySchedule\":{" rest "," KEEP("60", "Months") "}"
#define BY_WEEK(days) "\"retentionScheduleFormatType\":\"Weekly\",\"retentionScheduleWeekly\":{" \
	"\"daysOfTheWeek\":[" days "],\"weeksOfTheMonth\":[\"First\",\"Last\"]}"
#define BY_DATE(dates) "\"retentionScheduleFormatType\":\"Daily\",\"retentionScheduleDaily\":{" \
	"\"daysOfTheMonth\":[" dates "]}"

static int check(const char *text, json_t **ret, struct err *e)
{
	auto_json json_t *body = NULL;

	if (jparse(str_c(text), &body, e) != 0) {
		print_error("%s\n", text);
		fail();
	}
	return policy_check(body, ret, e);
}

static void sound_policies_pass(void **state)
{
	static const char *const good[] = {
		DAILY(""),
		DAILY(",\"policyType\":\"V1\",\"instantRpRetentionRangeInDays\":5"),
		DAILY(",\"timeZone\":\"pacific standard time\",\"protectedItemsCount\":3"),
		DAILY(",\"instantRPDetails\":{\"azureBackupRGNamePrefix\":\"p\"}"),
		DAILY(",\"tieringPolicy\":{\"ArchivedRP\":{\"tieringMode\":\"TierAfter\",\"duration\":3,"
		    "\"durationType\":\"Months\"}}"),
		DAILY(",\"snapshotConsistencyType\":\"OnlyCrashConsistent\",\"instantRPDetails\":null"),
		DAILY_AND(WEEKLY_KEEP("\"Sunday\"")),
		DAILY_AND(MONTHLY(BY_WEEK("\"Sunday\""))),
		DAILY_AND(MONTHLY(BY_DATE("{\"date\":1,\"isLast\":false},{\"date\":0,\"isLast\":true}"))),
		DAILY_AND("\"yearlySchedule\":{\"monthsOfYear\":[\"January\",\"july\"],"
		    BY_WEEK("\"Sunday\"") "," KEEP("10", "Years") ",\"retentionScheduleDaily\":null}"),
		WEEKLY_AND(WEEKLY_KEEP("\"Monday\",\"Thursday\"")),
		WEEKLY_AND(WEEKLY_KEEP("\"Thursday\",\"Monday\"") "," MONTHLY(BY_WEEK("\"Monday\""))),
		POLICY(HOURLY("4", "12"), RETENTION(DAILY_KEEP),
		    ",\"policyType\":\"V2\",\"instantRpRetentionRangeInDays\":30"),
		POLICY(V2("Daily", "\"dailySchedule\":{\"scheduleRunTimes\":[" TIME "]},"
		    "\"hourlySchedule\":null"), RETENTION(DAILY_KEEP), ""),
		POLICY(V2("Weekly", "\"weeklySchedule\":{\"scheduleRunDays\":[\"Sunday\"],"
		    "\"scheduleRunTimes\":[" TIME "]}"), RETENTION(WEEKLY_KEEP("\"Sunday\"")), ""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_json json_t *props = NULL;
		struct err e = { 0 };

		if (check(good[i], &props, &e) != 0) {
			print_error("policy %zu: %s\n", i, e.msg);
			fail();
		}
		assert_non_null(props);
	}
}

/* Answers of GET go back in by PUT: what is stored must pass and stay the same. */
static void what_is_stored_passes_again(void **state)
{
	static const char *const good[] = {
		DAILY(",\"tieringPolicy\":{\"ArchivedRP\":{\"tieringMode\":\"DoNotTier\",\"duration\":0,"
		    "\"durationType\":\"Invalid\"}}"),
		DAILY_AND(MONTHLY(BY_DATE("{\"isLast\":true}"))),
		POLICY(HOURLY("12", "24"), RETENTION(DAILY_KEEP), ""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_json json_t *once = NULL, *body = NULL, *twice = NULL;
		struct err e;

		OK(check(good[i], &once, &e));
		body = json_pack("{s:O}", "properties", once);
		OK(policy_check(body, &twice, &e));
		assert_true(json_equal(once, twice));
	}
}

static void bad_policies_name_the_path(void **state)
{
	static const struct {
		const char *text, *path;
	} bad[] = {
		{ "{}", "properties: required" },
		{ "{\"properties\":[]}", "properties: expected an object" },
		{ "{\"properties\":{}}", "properties.backupManagementType: required" },
		{ "{\"properties\":{\"backupManagementType\":\"AzureStorage\"}}",
		    "properties.backupManagementType: 'AzureStorage'" },
		{ "{\"properties\":{\"backupManagementType\":\"AzureIaasVM\"}}",
		    "properties.schedulePolicy: required" },
		{ POLICY("{\"schedulePolicyType\":\"LogSchedulePolicy\"}", RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.schedulePolicyType: 'LogSchedulePolicy'" },
		{ POLICY("{\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":"
		    "\"Hourly\"}", RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.scheduleRunFrequency: 'Hourly'" },
		{ POLICY("{\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":"
		    "\"Daily\"}", RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.scheduleRunTimes: required" },
		{ POLICY("{\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":"
		    "\"Daily\",\"scheduleRunTimes\":[\"noon\"]}", RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.scheduleRunTimes[0]: 'noon'" },
		{ POLICY("{\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":"
		    "\"Daily\",\"scheduleRunTimes\":[" TIME "," TIME "]}", RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.scheduleRunTimes: 2 times" },
		{ POLICY("{\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":"
		    "\"Weekly\",\"scheduleRunTimes\":[" TIME "]}",
		    RETENTION(WEEKLY_KEEP("\"Sunday\"")), ""),
		    "properties.schedulePolicy.scheduleRunDays: required" },
		{ POLICY("{\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":"
		    "\"Weekly\",\"scheduleRunDays\":[\"Monday\",\"Moonday\"],\"scheduleRunTimes\":[" TIME
		    "]}", RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.scheduleRunDays[1]: 'Moonday'" },
		{ POLICY("{\"schedulePolicyType\":\"SimpleSchedulePolicy\",\"scheduleRunFrequency\":"
		    "\"Weekly\",\"scheduleRunDays\":[\"Monday\",\"monday\"],\"scheduleRunTimes\":[" TIME
		    "]}", RETENTION(DAILY_KEEP), ""), "listed twice" },
		{ POLICY(HOURLY("5", "12"), RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.hourlySchedule.interval: 5" },
		{ POLICY(HOURLY("12", "8"), RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.hourlySchedule.scheduleWindowDuration: 8" },
		{ POLICY(V2("Hourly", "\"dailySchedule\":{}"), RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.dailySchedule: does not go" },
		{ POLICY(V2("Daily", "\"x\":1"), RETENTION(DAILY_KEEP), ""),
		    "properties.schedulePolicy.dailySchedule: required" },
		{ DAILY(",\"policyType\":\"V2\""), "properties.policyType: 'V2'" },
		{ DAILY(",\"instantRpRetentionRangeInDays\":6"),
		    "properties.instantRpRetentionRangeInDays: 6" },
		{ DAILY(",\"instantRpRetentionRangeInDays\":0"),
		    "properties.instantRpRetentionRangeInDays: 0" },
		{ DAILY(",\"instantRpRetentionRangeInDays\":\"two\""),
		    "properties.instantRpRetentionRangeInDays: expected" },
		{ POLICY(WEEKLY_SCHEDULE, RETENTION(WEEKLY_KEEP("\"Monday\",\"Thursday\"")),
		    ",\"instantRpRetentionRangeInDays\":2"), "properties.instantRpRetentionRangeInDays: 2" },
		{ DAILY(",\"timeZone\":\"Mars\""), "properties.timeZone: 'Mars'" },
		{ DAILY(",\"timeZone\":7"), "properties.timeZone: expected" },
		{ DAILY(",\"snapshotConsistencyType\":\"Any\""), "properties.snapshotConsistencyType: 'Any'" },
		{ DAILY(",\"resourceGuardOperationRequests\":[1]"), "resourceGuardOperationRequests" },
		{ DAILY(",\"instantRPDetails\":{\"azureBackupRGNamePrefix\":\"a/b\"}"),
		    "properties.instantRPDetails.azureBackupRGNamePrefix" },
		{ DAILY(",\"tieringPolicy\":{\"Cold\":{}}"), "properties.tieringPolicy: 'Cold'" },
		{ DAILY(",\"tieringPolicy\":{\"ArchivedRP\":{\"tieringMode\":\"TierAfter\"}}"),
		    "properties.tieringPolicy.ArchivedRP.duration" },
		{ DAILY(",\"tieringPolicy\":{\"ArchivedRP\":{\"tieringMode\":\"TierAfter\",\"duration\":3}}"),
		    "properties.tieringPolicy.ArchivedRP.durationType" },
		{ POLICY(DAILY_SCHEDULE, RETENTION(MONTHLY(BY_WEEK("\"Sunday\""))), ""),
		    "properties.retentionPolicy.dailySchedule: required" },
		{ POLICY(DAILY_SCHEDULE, "{\"retentionPolicyType\":\"SimpleRetentionPolicy\"}", ""),
		    "properties.retentionPolicy.retentionPolicyType: 'SimpleRetentionPolicy'" },
		{ POLICY(DAILY_SCHEDULE, RETENTION("\"dailySchedule\":{" KEEP("0", "Days") "}"), ""),
		    "properties.retentionPolicy.dailySchedule.retentionDuration.count: 0" },
		{ POLICY(DAILY_SCHEDULE, RETENTION("\"dailySchedule\":{" KEEP("10000", "Days") "}"), ""),
		    "properties.retentionPolicy.dailySchedule.retentionDuration.count: 10000" },
		{ POLICY(DAILY_SCHEDULE, RETENTION("\"dailySchedule\":{" KEEP("3", "Weeks") "}"), ""),
		    "properties.retentionPolicy.dailySchedule.retentionDuration.durationType: 'Weeks'" },
		{ WEEKLY_AND(DAILY_KEEP "," WEEKLY_KEEP("\"Monday\",\"Thursday\"")),
		    "properties.retentionPolicy.dailySchedule: does not go" },
		{ WEEKLY_AND(WEEKLY_KEEP("\"Monday\"")),
		    "properties.retentionPolicy.weeklySchedule.daysOfTheWeek: not all" },
		{ WEEKLY_AND(WEEKLY_KEEP("\"Monday\",\"Friday\"")),
		    "properties.retentionPolicy.weeklySchedule.daysOfTheWeek: Friday" },
		{ WEEKLY_AND(WEEKLY_KEEP("\"Monday\",\"Thursday\"") ","
		    MONTHLY(BY_DATE("{\"date\":1}"))),
		    "properties.retentionPolicy.monthlySchedule.retentionScheduleFormatType" },
		{ DAILY_AND(MONTHLY(BY_DATE("{\"date\":29}"))),
		    "monthlySchedule.retentionScheduleDaily.daysOfTheMonth[0].date: 29" },
		{ DAILY_AND(MONTHLY(BY_DATE("{\"date\":1},{}"))), "daysOfTheMonth[1].date: 1 to 28" },
		{ DAILY_AND(MONTHLY(BY_DATE("7"))), "daysOfTheMonth[0]: expected an object" },
		{ DAILY_AND(MONTHLY(BY_DATE(""))), "daysOfTheMonth: required" },
		{ DAILY_AND(MONTHLY("\"retentionScheduleFormatType\":\"Weekly\"")),
		    "monthlySchedule.retentionScheduleWeekly: required" },
		{ DAILY_AND("\"yearlySchedule\":{" BY_WEEK("\"Sunday\"") "," KEEP("1", "Years") "}"),
		    "yearlySchedule.monthsOfYear: required" },
		{ DAILY_AND("\"weeklySchedule\":7"),
		    "properties.retentionPolicy.weeklySchedule: expected an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_json json_t *props = NULL;
		struct err e = { 0 };

		if (check(bad[i].text, &props, &e) == 0) {
			print_error("policy %zu passes: %s\n", i, bad[i].text);
			fail();
		}
		assert_int_equal(e.kind, ERR_INVALID);
		assert_null(props);
		CONTAINS(e.msg, bad[i].path);
	}
}

static void presets_are_filled_in_and_nothing_said_twice(void **state)
{
	auto_json json_t *daily = NULL, *weekly = NULL, *hourly = NULL;
	struct err e;

	(void)state;
	OK(check(DAILY(",\"tieringPolicy\":{}"), &daily, &e));
	assert_string_equal(jstr(daily, "policyType", ""), "V1");
	assert_string_equal(jstr(daily, "timeZone", ""), "UTC");
	assert_int_equal(jint(daily, "instantRpRetentionRangeInDays", 0), 2);
	assert_int_equal(jint(daily, "schedulePolicy.scheduleWeeklyFrequency", -1), 0);
	assert_int_equal(json_object_size(jat(daily, "instantRPDetails")), 0);
	assert_non_null(jat(daily, "instantRPDetails"));
	assert_null(jat(daily, "tieringPolicy"));
	assert_null(jat(daily, "schedulePolicy.scheduleRunDays"));

	OK(check(WEEKLY_AND(WEEKLY_KEEP("\"monday\",\"THURSDAY\"")), &weekly, &e));
	assert_int_equal(jint(weekly, "instantRpRetentionRangeInDays", 0), 5);
	assert_string_equal(json_string_value(json_array_get(jat(weekly,
	    "retentionPolicy.weeklySchedule.daysOfTheWeek"), 1)), "Thursday");

	OK(check(POLICY(HOURLY("6", "12"), RETENTION("\"dailySchedule\":{\"retentionDuration\":{"
	    "\"count\":\"9\",\"durationType\":\"days\"}}"), ""), &hourly, &e));
	assert_string_equal(jstr(hourly, "policyType", ""), "V2");
	assert_string_equal(jstr(hourly, "schedulePolicy.hourlySchedule.scheduleWindowStartTime", ""),
	    "2021-12-17T08:00:00Z");
	assert_string_equal(json_string_value(json_array_get(jat(hourly,
	    "retentionPolicy.dailySchedule.retentionTimes"), 0)), "2021-12-17T08:00:00Z");
	assert_int_equal(jint(hourly, "retentionPolicy.dailySchedule.retentionDuration.count", 0), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_policies_pass),
		cmocka_unit_test(what_is_stored_passes_again),
		cmocka_unit_test(bad_policies_name_the_path),
		cmocka_unit_test(presets_are_filled_in_and_nothing_said_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
