/* policy_part.h - the parts of a policy's check; policy_check.c has the whole. */
#ifndef API_POLICY_PART_H
#define API_POLICY_PART_H

#include "api/place.h"

/* What the retention rules need to know of the schedule. */
struct policy_schedule {
	bool v2, weekly;
	const json_t *days;	/* weekly: its run days; borrowed from the stored schedule */
	const char *time;	/* its time of day; borrowed likewise */
};

extern const char *const policy_days[];		/* NULL-terminated */
extern const char *const policy_duration_types[];	/* with Invalid */

/* `p` is schedulePolicy; the normalised one goes into `out`. */
must_check int policy_schedule_check(const struct place *p, json_t *out,
    struct policy_schedule *ret, struct err *e);

/* `p` is retentionPolicy. */
must_check int policy_retention_check(const struct place *p, const struct policy_schedule *s,
    json_t *out, struct err *e);

#endif
