/* retention.c - see retention.h. */
#include "work/retention.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define PRESET_DAYS 30

static int64_t days_of(const json_t *policy)
{
	static const struct {
		const char *unit;
		int days;
	} units[] = { { "Days", 1 }, { "Weeks", 7 }, { "Months", 30 }, { "Years", 365 } };
	const json_t *kept = jat(policy, "properties.retentionPolicy.dailySchedule.retentionDuration");

	if (kept == NULL)
		kept = jat(policy, "properties.retentionPolicy.weeklySchedule.retentionDuration");
	for (size_t i = 0; kept != NULL && i < ARRAY_LEN(units); i++)
		if (str_ieq(str_c(jstr(kept, "durationType", "")), str_c(units[i].unit)))
			return jint(kept, "count", PRESET_DAYS) * units[i].days;
	return PRESET_DAYS;
}

int64_t retention_expiry(const struct resource *policy, int64_t now_us)
{
	return (now_us / DAY_US + 1 + days_of(policy->body)) * DAY_US;
}
