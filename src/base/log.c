/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static bool plain(const char *v)
{
	if (*v == '\0')
		return false;
	for (; *v != '\0'; v++)
		if ((unsigned char)*v <= ' ' || *v == '"' || *v == '\\' || *v == '=' || *v == 0x7f)
			return false;
	return true;
}

static void add_pair(struct buf *b, const char *key, const char *v)
{
	buf_addf(b, " %s=", key);
	if (plain(v)) {
		buf_adds(b, v);
		return;
	}
	buf_adds(b, "\"");
	for (; *v != '\0'; v++) {
		unsigned char c = (unsigned char)*v;

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_addf(b, "\\x%02x", c);
		else
			buf_add(b, v, 1);
	}
	buf_adds(b, "\"");
}

static void start(struct buf *b, enum log_level level, const char *event)
{
	char when[TIME_TEXT_MAX];

	buf_addf(b, "time=%s level=%s event=%s", time_iso(clock_now_us(&clock_system), when),
	    level_names[level], event);
}

static void finish(struct buf *b)
{
	buf_adds(b, "\n");
	if (!b->failed && write(STDERR_FILENO, b->p, b->n) < 0)
		return;		/* nowhere left to complain */
}

void log_event(enum log_level level, const char *event, ...)
{
	auto_buf struct buf b = { 0 };
	const char *key;
	va_list ap;

	start(&b, level, event);
	va_start(ap, event);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *v = va_arg(ap, const char *);

		if (v != NULL)
			add_pair(&b, key, v);
	}
	va_end(ap);
	finish(&b);
}
