/* clock.c - the system clock, and times as text.  See clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define US 1000000

static int64_t system_now_us(const struct clock *c)
{
	struct timespec ts;

	(void)c;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * US + ts.tv_nsec / 1000;
}

const struct clock clock_system = { .now_us = system_now_us };

int64_t clock_monotonic_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_sleep_until(int64_t monotonic_us)
{
	struct timespec t = { monotonic_us / 1000000, monotonic_us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}

/* Split without losing the sign of times before 1970. */
static int64_t split(int64_t t_us, struct tm *ret)
{
	int64_t sec = t_us / US, us = t_us % US;
	time_t t;

	if (us < 0) {
		us += US;
		sec--;
	}
	t = (time_t)sec;
	if (gmtime_r(&t, ret) == NULL)
		*ret = (struct tm){ .tm_mday = 1 };
	return us;
}

/* ".702569" with trailing zeros dropped, or nothing. */
static void fraction(int64_t us, char out[9])
{
	size_t n;

	out[0] = '\0';
	if (us == 0)
		return;
	(void)snprintf(out, 9, ".%06u", (unsigned)(us % US));
	for (n = strlen(out); out[n - 1] == '0'; n--)
		out[n - 1] = '\0';
}

char *time_iso(int64_t t_us, char *out)
{
	struct tm tm;
	char frac[9];

	fraction(split(t_us, &tm), frac);
	(void)snprintf(out, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, frac);
	return out;
}

char *time_iso_seconds(int64_t t_us, char *out)
{
	return time_iso(t_us - ((t_us % US) + US) % US, out);
}

static const char *const day_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

char *time_http(int64_t t_us, char *out)
{
	struct tm tm;

	(void)split(t_us, &tm);
	(void)snprintf(out, TIME_TEXT_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    day_names[tm.tm_wday % 7], tm.tm_mday, month_names[tm.tm_mon % 12], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}

char *time_us_english(int64_t t_us, char *out)
{
	struct tm tm;

	(void)split(t_us, &tm);
	(void)snprintf(out, TIME_TEXT_MAX, "%d/%d/%d %d:%02d:%02d %s", tm.tm_mon + 1, tm.tm_mday,
	    tm.tm_year + 1900, tm.tm_hour % 12 == 0 ? 12 : tm.tm_hour % 12, tm.tm_min, tm.tm_sec,
	    tm.tm_hour < 12 ? "AM" : "PM");
	return out;
}

char *time_compact(int64_t t_us, char *out)
{
	struct tm tm;

	(void)split(t_us, &tm);
	(void)strftime(out, TIME_TEXT_MAX, "%Y%m%dT%H%M%SZ", &tm);
	return out;
}

char *time_dashed(int64_t t_us, char *out)
{
	struct tm tm;

	(void)split(t_us, &tm);
	(void)strftime(out, TIME_TEXT_MAX, "%Y%m%d-%H%M%S", &tm);
	return out;
}

char *time_duration(int64_t span_us, char *out)
{
	int64_t s = span_us < 0 ? 0 : span_us / US;
	char frac[9], hours[24] = "", minutes[8] = "", seconds[24] = "";

	fraction(span_us < 0 ? 0 : span_us % US, frac);
	if (s / 3600 > 0)
		(void)snprintf(hours, sizeof(hours), "%lldH", (long long)(s / 3600));
	if (s / 60 % 60 > 0)
		(void)snprintf(minutes, sizeof(minutes), "%dM", (int)(s / 60 % 60));
	if (s % 60 > 0 || frac[0] != '\0' || (hours[0] == '\0' && minutes[0] == '\0'))
		(void)snprintf(seconds, sizeof(seconds), "%d%sS", (int)(s % 60), frac);
	(void)snprintf(out, TIME_TEXT_MAX, "PT%.12s%.4s%.12s", hours, minutes, seconds);
	return out;
}

struct reader {
	const char *p, *end;
};

static bool eat(struct reader *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static bool eat_digits(struct reader *r, int count, int *ret)
{
	int v = 0;

	if (r->end - r->p < count)
		return false;
	for (int i = 0; i < count; i++) {
		if (r->p[i] < '0' || r->p[i] > '9')
			return false;
		v = v * 10 + (r->p[i] - '0');
	}
	r->p += count;
	*ret = v;
	return true;
}

static bool date_valid(int y, int m, int d)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] + (m == 2 && leap ? 1 : 0);
}

static bool eat_date(struct reader *r, struct tm *tm)
{
	int y, m, d;

	if (!eat_digits(r, 4, &y) || !eat(r, '-') || !eat_digits(r, 2, &m) || !eat(r, '-') ||
	    !eat_digits(r, 2, &d) || !date_valid(y, m, d))
		return false;
	tm->tm_year = y - 1900;
	tm->tm_mon = m - 1;
	tm->tm_mday = d;
	return true;
}

static bool eat_time(struct reader *r, struct tm *tm)
{
	return eat_digits(r, 2, &tm->tm_hour) && eat(r, ':') && eat_digits(r, 2, &tm->tm_min) &&
	    eat(r, ':') && eat_digits(r, 2, &tm->tm_sec) && tm->tm_hour <= 23 && tm->tm_min <= 59 &&
	    tm->tm_sec <= 59;
}

static bool eat_fraction(struct reader *r, int64_t *ret_us)
{
	int64_t scale = US / 10;
	int digits = 0;

	*ret_us = 0;
	if (!eat(r, '.'))
		return true;
	for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++, digits++) {
		*ret_us += (*r->p - '0') * scale;
		scale /= 10;
	}
	return digits > 0 && digits <= 9;
}

static bool eat_zone(struct reader *r, int64_t *ret_us)
{
	int h, m, sign;

	*ret_us = 0;
	if (r->p == r->end || eat(r, 'Z') || eat(r, 'z'))
		return true;
	sign = *r->p == '-' ? -1 : 1;
	if (!eat(r, '+') && !eat(r, '-'))
		return false;
	if (!eat_digits(r, 2, &h) || !eat(r, ':') || !eat_digits(r, 2, &m) || h > 14 || m > 59)
		return false;
	*ret_us = sign * (int64_t)(h * 60 + m) * 60 * US;
	return true;
}

bool time_parse_iso(struct str s, int64_t *ret_us)
{
	struct reader r = { s.p, s.p + s.n };
	struct tm tm = { 0 };
	int64_t frac, zone;

	if (!eat_date(&r, &tm) || (!eat(&r, 'T') && !eat(&r, 't')) || !eat_time(&r, &tm) ||
	    !eat_fraction(&r, &frac) || !eat_zone(&r, &zone) || r.p != r.end)
		return false;
	*ret_us = (int64_t)timegm(&tm) * US + frac - zone;
	return true;
}

bool time_parse_filter(struct str s, int64_t *ret_us)
{
	struct reader r = { s.p, s.p + s.n };
	struct tm tm = { 0 };

	if (time_parse_iso(s, ret_us))
		return true;
	if (!eat_date(&r, &tm))
		return false;
	if (r.p != r.end) {
		if (!eat(&r, ' ') || !eat_time(&r, &tm))
			return false;
		if (eat(&r, ' ')) {
			bool pm = r.p < r.end && (*r.p == 'P' || *r.p == 'p');

			if (r.end - r.p != 2 || (r.p[1] != 'M' && r.p[1] != 'm') ||
			    (!pm && *r.p != 'A' && *r.p != 'a') || tm.tm_hour < 1 || tm.tm_hour > 12)
				return false;
			tm.tm_hour = tm.tm_hour % 12 + (pm ? 12 : 0);
			r.p += 2;
		}
		if (r.p != r.end)
			return false;
	}
	*ret_us = (int64_t)timegm(&tm) * US;
	return true;
}
