/* policy_retention.c - retentionPolicy: how long daily, weekly, monthly and
 * yearly points are kept.  A weekly schedule makes no daily points, so its
 * rules may only speak of days on which it runs. */
#include "api/policy_part.h"

#include <stdio.h>

#define DATE_MAX 28	/* later dates do not exist in every month: isLast is for those */

const char *const policy_duration_types[] = { "Invalid", "Days", "Weeks", "Months", "Years", NULL };

static const char *const months[] = { "January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December", NULL };
static const char *const weeks[] = { "First", "Second", "Third", "Fourth", "Last", NULL };

struct rule {
	const char *key, *type;
	int64_t count_max;
	bool by_format;		/* retentionScheduleFormatType and its objects */
};
static const struct rule rules[] = {
	{ "dailySchedule", "Days", 9999, false },
	{ "weeklySchedule", "Weeks", 5163, false },
	{ "monthlySchedule", "Months", 1188, true },
	{ "yearlySchedule", "Years", 99, true },
};

static int check_duration(const struct place *p, const struct rule *rule, json_t *out,
    struct err *e)
{
	struct place d;
	int64_t count = 0;
	const char *type = NULL;

	if (place_need_enter(p, "retentionDuration", &d, e) != 0 ||
	    place_need_int(&d, "count", 1, rule->count_max, &count, e) != 0 ||
	    place_need_word(&d, "durationType", policy_duration_types, &type, e) != 0)
		return -1;
	if (strcmp(type, rule->type) != 0)
		return place_wrong(&d, "durationType", e,
		    "'%s' does not go with %s, which counts %s", type, rule->key, rule->type);
	return jset(out, "retentionDuration", json_pack("{s:I, s:s}", "count", (json_int_t)count,
	    "durationType", type), e);
}

static bool has_day(const json_t *days, const char *day)
{
	json_t *v;
	size_t i;

	json_array_foreach(days, i, v)
		if (strcmp(json_string_value(v), day) == 0)
			return true;
	return false;
}

/* `whole`: every day of the schedule must be kept, not only some of them. */
static int check_days(const struct place *p, const struct policy_schedule *s, bool whole,
    json_t *out, struct err *e)
{
	json_t *days = NULL, *v;
	size_t i;

	if (place_need_words(p, "daysOfTheWeek", policy_days, &days, e) != 0 ||
	    jset(out, "daysOfTheWeek", days, e) != 0)
		return -1;
	if (!s->weekly)
		return 0;
	json_array_foreach(days, i, v)
		if (!has_day(s->days, json_string_value(v)))
			return place_wrong(p, "daysOfTheWeek", e,
			    "%s is not among the schedule's days", json_string_value(v));
	if (whole && json_array_size(days) != json_array_size(s->days))
		return place_wrong(p, "daysOfTheWeek", e,
		    "not all of the schedule's days are there");
	return 0;
}

static int check_date(const struct place *p, size_t i, const json_t *day, json_t *out,
    struct err *e)
{
	struct place d = { .at = day };
	int64_t date = 0;
	bool last = false;
	int n = snprintf(d.path, sizeof(d.path), "%.160s.daysOfTheMonth[%zu]", p->path, i);

	if (n < 0 || !json_is_object(day))
		return place_wrong(&d, NULL, e, "expected an object");
	if (place_bool(&d, "isLast", &last, e) < 0 || place_int(&d, "date", 0, DATE_MAX, &date,
	    e) < 0)
		return -1;
	if (last ? date != 0 : date == 0)
		return place_wrong(&d, "date", e, "%s", last ?
		    "must be 0 or absent where isLast is true" :
		    "1 to 28 is required unless isLast is true");
	return json_array_append_new(out, json_pack("{s:I, s:b}", "date", (json_int_t)date,
	    "isLast", (int)last)) != 0 ? err_nomem(e) : 0;
}

static int check_dates(const struct place *p, json_t *out, struct err *e)
{
	auto_json json_t *dates = json_array();
	json_t *list = NULL, *day;
	size_t i;
	int r = jget_arr(p->at, "daysOfTheMonth", &list, e);

	if (dates == NULL)
		return err_nomem(e);
	if (r < 0)
		return place_wrong(p, "daysOfTheMonth", e, "expected an array");
	if (json_array_size(list) == 0)
		return place_missing(p, "daysOfTheMonth", e);
	if (json_array_size(list) > DATE_MAX + 1)
		return place_wrong(p, "daysOfTheMonth", e, "more days than a month has");
	json_array_foreach(list, i, day)
		if (check_date(p, i, day, dates, e) != 0)
			return -1;
	return jset(out, "daysOfTheMonth", TAKE(dates), e);
}

/* Only the object that the format names counts; clients send the other one along. */
static int check_format(const struct place *p, const struct policy_schedule *s, json_t *out,
    struct err *e)
{
	static const char *const formats[] = { "Daily", "Weekly", NULL };
	const char *format = NULL, *key;
	auto_json json_t *inner = json_object(), *list = NULL;
	struct place at;

	if (inner == NULL)
		return err_nomem(e);
	if (place_need_word(p, "retentionScheduleFormatType", formats, &format, e) != 0)
		return -1;
	if (format == formats[0] && s->weekly)
		return place_wrong(p, "retentionScheduleFormatType", e,
		    "'Daily' does not go with a weekly schedule");
	key = format == formats[0] ? "retentionScheduleDaily" : "retentionScheduleWeekly";
	if (place_need_enter(p, key, &at, e) != 0)
		return -1;
	if (format == formats[0] ? check_dates(&at, inner, e) != 0 :
	    check_days(&at, s, false, inner, e) != 0 ||
	    place_need_words(&at, "weeksOfTheMonth", weeks, &list, e) != 0 ||
	    jset(inner, "weeksOfTheMonth", json_incref(list), e) != 0)
		return -1;
	if (jset(out, "retentionScheduleFormatType", json_string(format), e) != 0)
		return -1;
	return jset(out, key, TAKE(inner), e);
}

static int check_rule(const struct place *p, const struct rule *rule,
    const struct policy_schedule *s, json_t *out, struct err *e)
{
	json_t *times = NULL, *list = NULL;
	int r;

	if (rule->by_format && check_format(p, s, out, e) != 0)
		return -1;
	if (strcmp(rule->key, "weeklySchedule") == 0 && check_days(p, s, true, out, e) != 0)
		return -1;
	if (strcmp(rule->key, "yearlySchedule") == 0 &&
	    (place_need_words(p, "monthsOfYear", months, &list, e) != 0 ||
	    jset(out, "monthsOfYear", list, e) != 0))
		return -1;
	r = place_times(p, "retentionTimes", &times, e);
	if (r < 0)
		return -1;
	if (r == 0)
		times = json_pack("[s]", s->time);
	if (jset(out, "retentionTimes", times, e) != 0)
		return -1;
	return check_duration(p, rule, out, e);
}

int policy_retention_check(const struct place *p, const struct policy_schedule *s, json_t *out,
    struct err *e)
{
	static const char *const types[] = { "LongTermRetentionPolicy", NULL };
	const char *type = NULL, *needed = s->weekly ? "weeklySchedule" : "dailySchedule";

	if (place_need_word(p, "retentionPolicyType", types, &type, e) != 0 ||
	    jset(out, "retentionPolicyType", json_string(type), e) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		auto_json json_t *inner = json_object();
		struct place at;
		int r = place_enter(p, rules[i].key, &at, e);

		if (inner == NULL)
			return err_nomem(e);
		if (r < 0)
			return -1;
		if (r == 0 && strcmp(rules[i].key, needed) == 0)
			return place_wrong(p, needed, e, "required with a %s schedule, but missing",
			    s->weekly ? "weekly" : "daily or hourly");
		if (r == 0)
			continue;
		if (s->weekly && strcmp(rules[i].key, "dailySchedule") == 0)
			return place_wrong(p, rules[i].key, e,
			    "does not go with a weekly schedule");
		if (check_rule(&at, &rules[i], s, inner, e) != 0 ||
		    jset(out, rules[i].key, TAKE(inner), e) != 0)
			return -1;
	}
	return 0;
}
