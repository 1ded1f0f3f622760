/* failpoint.c - see failpoint.h. */
#include "base/failpoint.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static const char *plan;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_plan(void)
{
	plan = getenv("HOLDFAST_FAILPOINTS");
}

static void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

int failpoint(const char *name, struct err *e)
{
	size_t n = strlen(name);

	(void)pthread_once(&once, read_plan);
	if (plan == NULL)
		return 0;
	for (const char *p = plan; p != NULL; p = strchr(p, ';')) {
		const char *action;

		if (*p == ';')
			p++;
		if (strncmp(p, name, n) != 0 || p[n] != '=')
			continue;
		action = p + n + 1;
		if (strncmp(action, "kill", 4) == 0)
			(void)raise(SIGKILL);
		else if (strncmp(action, "sleep:", 6) == 0)
			sleep_ms(strtol(action + 6, NULL, 10));
		else
			return err_set(e, ERR_IO, "failpoint '%s'", name);
	}
	return 0;
}
