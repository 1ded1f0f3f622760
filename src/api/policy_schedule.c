/* policy_schedule.c - schedulePolicy: V1 (daily, weekly) and V2 (hourly too). */
#include "api/policy_part.h"

const char *const policy_days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
	"Friday", "Saturday", NULL };

#define WEEKS_MAX 52	/* of scheduleWeeklyFrequency */
#define WINDOW_MAX 24	/* hours */

static int need_times(const struct place *p, const char *key, json_t *out, const char **ret,
    struct err *e)
{
	json_t *times = NULL;
	int r = place_times(p, key, &times, e);

	if (r <= 0)
		return r < 0 ? -1 : place_missing(p, key, e);
	*ret = json_string_value(json_array_get(times, 0));
	return jset(out, key, times, e);
}

static int need_days(const struct place *p, const char *key, json_t *out, const json_t **ret,
    struct err *e)
{
	json_t *days = NULL;

	if (place_need_words(p, key, policy_days, &days, e) != 0)
		return -1;
	*ret = days;
	return jset(out, key, days, e);
}

/* Members of the other kind of schedule would be silently ignored. */
static int refuse_others(const struct place *p, const char *const *keys, const char *frequency,
    struct err *e)
{
	for (; *keys != NULL; keys++)
		if (jat(p->at, *keys) != NULL)
			return place_wrong(p, *keys, e,
			    "does not go with scheduleRunFrequency '%s'", frequency);
	return 0;
}

static int check_v1(const struct place *p, json_t *out, struct policy_schedule *s, struct err *e)
{
	static const char *const frequencies[] = { "Daily", "Weekly", NULL };
	static const char *const others[] = { "hourlySchedule", "dailySchedule", "weeklySchedule",
		NULL };
	const char *frequency = NULL;
	auto_json json_t *unused = NULL;
	int64_t weeks = 0;

	if (place_need_word(p, "scheduleRunFrequency", frequencies, &frequency, e) != 0 ||
	    refuse_others(p, others, frequency, e) != 0 ||
	    jset(out, "scheduleRunFrequency", json_string(frequency), e) != 0)
		return -1;
	s->weekly = strcmp(frequency, "Weekly") == 0;
	if (s->weekly && need_days(p, "scheduleRunDays", out, &s->days, e) != 0)
		return -1;
	/* Clients send the days along with a daily schedule, where they mean nothing. */
	if (!s->weekly && place_words(p, "scheduleRunDays", policy_days, &unused, e) < 0)
		return -1;
	if (need_times(p, "scheduleRunTimes", out, &s->time, e) != 0 ||
	    place_int(p, "scheduleWeeklyFrequency", 0, WEEKS_MAX, &weeks, e) < 0)
		return -1;
	return jset(out, "scheduleWeeklyFrequency", json_integer(weeks), e);
}

static int check_hourly(const struct place *p, json_t *out, struct policy_schedule *s,
    struct err *e)
{
	int64_t interval = 0, duration = 0;
	json_t *start = NULL;
	int r;

	if (place_need_int(p, "interval", 4, 12, &interval, e) != 0)
		return -1;
	if (interval != 4 && interval != 6 && interval != 8 && interval != 12)
		return place_wrong(p, "interval", e, "%lld is not one of 4, 6, 8, 12",
		    (long long)interval);
	r = place_time(p, "scheduleWindowStartTime", &start, e);
	if (r <= 0)
		return r < 0 ? -1 : place_missing(p, "scheduleWindowStartTime", e);
	s->time = json_string_value(start);
	if (jset(out, "interval", json_integer(interval), e) != 0) {
		json_decref(start);
		return -1;
	}
	if (jset(out, "scheduleWindowStartTime", start, e) != 0 ||
	    place_need_int(p, "scheduleWindowDuration", interval, WINDOW_MAX, &duration, e) != 0)
		return -1;
	return jset(out, "scheduleWindowDuration", json_integer(duration), e);
}

static int check_inner(const struct place *p, const char *frequency, json_t *inner,
    struct policy_schedule *s, struct err *e)
{
	if (strcmp(frequency, "Hourly") == 0)
		return check_hourly(p, inner, s, e);
	if (s->weekly && need_days(p, "scheduleRunDays", inner, &s->days, e) != 0)
		return -1;
	return need_times(p, "scheduleRunTimes", inner, &s->time, e);
}

/* Each frequency of V2 has its own object; the others must not be there. */
static int check_v2(const struct place *p, json_t *out, struct policy_schedule *s, struct err *e)
{
	static const char *const frequencies[] = { "Hourly", "Daily", "Weekly", NULL };
	static const char *const objects[] = { "hourlySchedule", "dailySchedule",
		"weeklySchedule" };
	static const char *const others[][5] = {
		{ "dailySchedule", "weeklySchedule", "scheduleRunDays", "scheduleRunTimes", NULL },
		{ "hourlySchedule", "weeklySchedule", "scheduleRunDays", "scheduleRunTimes", NULL },
		{ "hourlySchedule", "dailySchedule", "scheduleRunDays", "scheduleRunTimes", NULL },
	};
	const char *frequency = NULL;
	auto_json json_t *inner = json_object();
	struct place at;
	size_t i = 0;

	if (inner == NULL)
		return err_nomem(e);
	if (place_need_word(p, "scheduleRunFrequency", frequencies, &frequency, e) != 0)
		return -1;
	while (frequencies[i] != frequency)
		i++;
	s->weekly = i == 2;
	if (refuse_others(p, others[i], frequency, e) != 0 ||
	    place_need_enter(p, objects[i], &at, e) != 0 ||
	    check_inner(&at, frequency, inner, s, e) != 0 ||
	    jset(out, "scheduleRunFrequency", json_string(frequency), e) != 0)
		return -1;
	return jset(out, objects[i], TAKE(inner), e);
}

int policy_schedule_check(const struct place *p, json_t *out, struct policy_schedule *ret,
    struct err *e)
{
	static const char *const types[] = { "SimpleSchedulePolicy", "SimpleSchedulePolicyV2",
		NULL };
	struct policy_schedule s = { 0 };
	const char *type = NULL;
	int r;

	if (place_need_word(p, "schedulePolicyType", types, &type, e) != 0 ||
	    jset(out, "schedulePolicyType", json_string(type), e) != 0)
		return -1;
	s.v2 = type == types[1];
	r = s.v2 ? check_v2(p, out, &s, e) : check_v1(p, out, &s, e);
	if (r == 0)
		*ret = s;
	return r;
}
