/* cli.c - see cli.h. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

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
