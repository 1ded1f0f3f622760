/* progress.c - see progress.h. */
#include "cli/progress.h"

#include <stdio.h>

#include "base/clock.h"

#define REDRAW_US 100000
#define BAR 30
#define MIB ((int64_t)1 << 20)

static bool draw(void *arg, int64_t done, int64_t total)
{
	static const char bar[BAR + 1] = "##############################";
	struct progress *p = arg;
	int64_t now = clock_monotonic_us(), us = now - p->began_us;
	int n = total > 0 && done <= total ? (int)(done * BAR / total) : 0;

	if (!p->is_terminal || now - p->drawn_us < REDRAW_US)
		return false;
	p->drawn_us = now;
	if (total <= 0)
		p->width = fprintf(stderr, "\r%s %lld ", p->what, (long long)done);
	else
		p->width = fprintf(stderr, "\r%s [%-*.*s] %3d%% %lld MiB/s ", p->what, BAR, n, bar,
		    (int)(done * 100 / total), us > 0 ? (long long)(done / MIB * 1000000 / us) : 0);
	(void)fflush(stderr);
	return false;
}

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){
		.what = what,
		.is_terminal = isatty(STDERR_FILENO) == 1,
		.began_us = clock_monotonic_us(),
		.hook = { draw, p },
	};
}

void progress_end(struct progress *p)
{
	if (p->width > 0)
		(void)fprintf(stderr, "\r%*s\r", p->width, "");
	p->width = 0;
}
