/* clock.h - time as a parameter, so that tests and simulations can hold it.
 *
 * All times in holdfast are microseconds since 1970-01-01 UTC in an int64_t
 * named *_us. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

struct clock {
	int64_t (*now_us)(const struct clock *c);
	int64_t fixed_us;	/* used by a test clock only */
};

extern const struct clock clock_system;

static inline int64_t clock_now_us(const struct clock *c)
{
	return c->now_us(c);
}

/* For measuring and pacing: never goes back, means nothing outside this boot. */
int64_t clock_monotonic_us(void);
void clock_sleep_until(int64_t monotonic_us);	/* returns at once if that is past */

#define TIME_TEXT_MAX 40

/* .NET round-trip form, up to 7 digits with trailing zeros dropped:
 * "2024-05-14T08:48:52.702569Z".  `out` must hold TIME_TEXT_MAX bytes.
 * Returns out. */
char *time_iso(int64_t t_us, char *out);

/* "yyyy-MM-ddTHH:mm:ssZ" */
char *time_iso_seconds(int64_t t_us, char *out);

/* RFC 1123, as HTTP Date and Last-Modified: "Tue, 14 May 2024 08:48:52 GMT" */
char *time_http(int64_t t_us, char *out);

/* en-US "M/d/yyyy h:mm:ss AM", as job property bags carry */
char *time_us_english(int64_t t_us, char *out);

/* "yyyyMMddTHHmmssZ" and "yyyyMMdd-HHmmss" */
char *time_compact(int64_t t_us, char *out);
char *time_dashed(int64_t t_us, char *out);

/* ISO-8601 duration "PT1H2M3.5S"; "PT0S" for nothing. */
char *time_duration(int64_t span_us, char *out);

/* Reads "yyyy-MM-ddTHH:mm:ss[.fffffff][Z|+hh:mm]" (no zone means UTC).
 * False if the text is anything else. */
bool time_parse_iso(struct str s, int64_t *ret_us);

/* Reads a $filter date: "yyyy-MM-dd hh:mm:ss AM|PM", "yyyy-MM-dd",
 * "yyyy-MM-dd HH:mm:ss", or what time_parse_iso() reads.  UTC. */
bool time_parse_filter(struct str s, int64_t *ret_us);

#endif
