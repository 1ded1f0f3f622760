/* progress.c - see progress.h. */
#include "cli/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"

#define REDRAW_US 100000
#define BAR 30
#define MIB ((int64_t)1 << 20)

static void ends(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGTERM);
}

/* The signals are blocked, so that they wait here for being looked at. */
static bool is_ended(void)
{
	const struct timespec now = { 0, 0 };
	sigset_t set;

	ends(&set);
	return sigtimedwait(&set, NULL, &now) > 0;
}

static void draw(struct progress *p, int64_t done, int64_t total)
{
	static const char bar[BAR + 1] = "##############################";
	int64_t now = clock_monotonic_us(), us = now - p->began_us;
	int n = total > 0 && done <= total ? (int)(done * BAR / total) : 0;

	if (!p->is_terminal || now - p->drawn_us < REDRAW_US)
		return;
	p->drawn_us = now;
	if (total <= 0)
		p->width = fprintf(stderr, "\r%s %lld ", p->what, (long long)done);
	else
		p->width = fprintf(stderr, "\r%s [%-*.*s] %3d%% %lld MiB/s ", p->what, BAR, n, bar,
		    (int)(done * 100 / total), us > 0 ? (long long)(done / MIB * 1000000 / us) : 0);
	(void)fflush(stderr);
}

static bool tick(void *arg, int64_t done, int64_t total)
{
	draw(arg, done, total);
	return is_ended();
}

void progress_begin(struct progress *p, const char *what)
{
	sigset_t set;

	ends(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	*p = (struct progress){
		.what = what,
		.is_terminal = isatty(STDERR_FILENO) == 1,
		.began_us = clock_monotonic_us(),
		.hook = { tick, p },
	};
}

void progress_end(struct progress *p)
{
	if (p->width > 0)
		(void)fprintf(stderr, "\r%*s\r", p->width, "");
	p->width = 0;
}
