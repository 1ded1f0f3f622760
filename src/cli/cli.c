/* cli.c - see cli.h. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

char *cli_age(int64_t s, char ret[CLI_AGE_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;

	while (i < ARRAY_LEN(units) - 1 && s < units[i].seconds)
		i++;
	(void)snprintf(ret, CLI_AGE_SIZE, "%lld %s", s > 0 ? (long long)(s / units[i].seconds) : 0,
	    units[i].unit);
	return ret;
}

int cli_fail(const char *verb, const struct err *e)
{
	(void)fprintf(stderr, "holdfast %s: %s\n", verb, e->msg);
	return CLI_FAILED;
}

int cli_usage(const char *verb, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "holdfast %s: ", verb);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "\nTry 'holdfast %s --help'.\n", verb);
	return CLI_USAGE;
}
