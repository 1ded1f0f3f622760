/* status.c - holdfast status: the server, its vaults, items and running jobs. */
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/status_doc.h"

static const char help[] =
    "Usage: holdfast status [DIR] [--json]\n"
    "\n"
    "Shows whether the server answers, its vaults, what they protect with the age of the last\n"
    "backup, and the jobs that run.  Exits with 1 if the server does not answer.\n"
    "\n"
    "  DIR     the server's data directory; without it $HOLDFAST_DIR, else the HOLDFAST_*\n"
    "          variables of the environment\n"
    "  --json  the same as a JSON document\n"
    "  --help  this text\n";

static void print_item(const json_t *item)
{
	const char *when = jstr(item, "lastBackupTime", NULL);
	char age[CLI_AGE_SIZE];

	(void)printf("  %-20s %-18s ", jstr(item, "name", ""), jstr(item, "state", ""));
	if (when == NULL) {
		(void)puts("never backed up");
		return;
	}
	(void)printf("last backup %s, ", jstr(item, "lastBackupStatus", ""));
	(void)printf("%s ago (%.19sZ)\n", cli_age(jint(item, "lastBackupAgeSeconds", 0), age), when);
}

static void print_job(const json_t *job)
{
	const json_t *percent = jat(job, "percent");

	(void)printf("  job %s  %s %s, %s", jstr(job, "id", ""), jstr(job, "operation", ""),
	    jstr(job, "name", ""), jstr(job, "status", ""));
	if (json_is_number(percent))
		(void)printf(" %d%%", (int)json_number_value(percent));
	(void)fputc('\n', stdout);
}

static void print_text(const json_t *doc)
{
	json_t *vaults = jat(doc, "vaults"), *vault, *row;
	size_t i, k;

	(void)printf("%s answers: %s, version %s\n", jstr(doc, "server.url", ""),
	    jstr(doc, "server.status", ""), jstr(doc, "server.version", ""));
	if (json_array_size(vaults) == 0)
		(void)puts("\nno vaults");
	json_array_foreach(vaults, i, vault) {
		(void)printf("\nvault %s in %s  %s\n", jstr(vault, "name", ""),
		    jstr(vault, "location", ""), jstr(vault, "id", ""));
		if (json_array_size(jat(vault, "items")) == 0)
			(void)puts("  nothing protected");
		json_array_foreach(jat(vault, "items"), k, row)
			print_item(row);
		json_array_foreach(jat(vault, "jobs"), k, row)
			print_job(row);
	}
}

static int print_json(const json_t *doc, struct err *e)
{
	auto_buf struct buf text = { 0 };

	if (jdump(doc, &text, e) != 0)
		return -1;
	(void)puts(text.p);
	return 0;
}

static int show(const char *dir, bool as_json)
{
	auto_cli_client struct cli_client *c = NULL;
	auto_json json_t *doc = NULL;
	struct err e = { 0 };

	if (cli_client_open(dir, &c, &e) != 0 ||
	    status_doc(c, clock_now_us(&clock_system), &doc, &e) != 0)
		return cli_fail("status", &e);
	if (!as_json)
		print_text(doc);
	else if (print_json(doc, &e) != 0)
		return cli_fail("status", &e);
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool as_json = false;
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o != 'j')
			return cli_usage("status", "%s: no such option", argv[optind - 1]);
		as_json = true;
	}
	if (argc - optind > 1)
		return cli_usage("status", "at most one data directory is wanted");
	return show(argc > optind ? argv[optind] : NULL, as_json);
}
