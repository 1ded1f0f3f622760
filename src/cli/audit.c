/* audit.c - holdfast audit: the command line of reading the audit log. */
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/audit_read.h"
#include "cli/cli.h"

static const char help[] =
    "Usage: holdfast audit DIR [--since T] [--principal ID] [--action GLOB] [--json]\n"
    "\n"
    "Shows who changed what, or tried to, from the audit log of the data directory DIR: time, status,\n"
    "principal, action and scope of every call that is no GET, oldest first.\n"
    "\n"
    "  --since T         nothing before the time T: 2026-11-24, 2026-11-24T08:00:00Z, or an age such\n"
    "                    as 90min, 12h, 7d\n"
    "  --principal ID    only of this application id or object id; 'cli' is the command line\n"
    "  --action GLOB     only of these actions; '*' stands for anything, '*/delete'\n"
    "  --json            the lines as they are in the log\n"
    "  --help            this text\n";

static const char *or_dash(const json_t *line, const char *key)
{
	return jstr(line, key, "-");
}

static int print(void *arg, const json_t *line, struct str text, struct err *e)
{
	const bool *as_json = arg;
	const char *who = jstr(line, "appid", NULL);

	if (*as_json) {
		if (printf(STR_F "\n", STR_A(text)) < 0)
			return err_set(e, ERR_IO, "writing to stdout failed");
		return 0;
	}
	(void)printf("%-27s  %3lld  %-36s  %s  %s", or_dash(line, "time"),
	    (long long)jint(line, "status", 0), who != NULL ? who : "cli", or_dash(line, "action"),
	    or_dash(line, "scope"));
	if (jat(line, "code") != NULL)
		(void)printf("  %s", jstr(line, "code", ""));
	if (jat(line, "detail.principalId") != NULL)
		(void)printf("  (%s: %s)", jstr(line, "detail.role", ""),
		    jstr(line, "detail.principalId", ""));
	return puts("") >= 0 ? 0 : err_set(e, ERR_IO, "writing to stdout failed");
}

/* "90min", "12h", "7d": that long before now. */
static bool read_age(const char *text, int64_t *ret_us)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 } };
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || n < 0 || n > 1000000)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ret_us = clock_now_us(&clock_system) - n * units[i].seconds * 1000000;
			return true;
		}
	return false;
}

static int read_options(int argc, char **argv, struct audit_filter *f, bool *ret_json,
    bool *ret_help)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },
		{ "principal", required_argument, NULL, 'p' },
		{ "action", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 's' && !read_age(optarg, &f->since_us) &&
		    !time_parse_iso(str_c(optarg), &f->since_us) &&
		    !time_parse_filter(str_c(optarg), &f->since_us))
			return cli_usage("audit", "--since '%s' is neither a time nor an age", optarg);
		if (o == 'p')
			f->principal = optarg;
		else if (o == 'a')
			f->action = optarg;
		else if (o == 'j')
			*ret_json = true;
		else if (o == 'h')
			*ret_help = true;
		else if (o != 's')
			return cli_usage("audit", "%s: no such option, or its value is missing",
			    argv[optind - 1]);
	}
	if (!*ret_help && argc - optind != 1)
		return cli_usage("audit", "one data directory is wanted");
	return CLI_OK;
}

int cmd_audit(int argc, char **argv)
{
	struct audit_filter f = { .since_us = 0 };
	bool as_json = false, wants_help = false;
	struct err e = { 0 };
	int r = read_options(argc, argv, &f, &as_json, &wants_help);

	if (r != CLI_OK)
		return r;
	if (wants_help)
		return fputs(help, stdout) >= 0 ? CLI_OK : CLI_FAILED;
	if (audit_read(argv[optind], &f, print, &as_json, &e) != 0)
		return cli_fail("audit", &e);
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
