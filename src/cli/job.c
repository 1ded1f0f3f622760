/* job.c - holdfast job: the command line of watching a job. */
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/job_watch.h"

static const char help[] =
    "Usage: holdfast job watch ID [--dir DIR] [--vault VAULT-ID [--region REGION]]\n"
    "\n"
    "Shows the progress of a backup, a restore or another job until it is over.  Exits with 0 if\n"
    "it completed, also with warnings, and with 1 otherwise.\n"
    "\n"
    "  --dir DIR         the server's data directory; without it $HOLDFAST_DIR, else the\n"
    "                    HOLDFAST_* variables of the environment\n"
    "  --vault VAULT-ID  the vault's resource id; without it every vault is asked\n"
    "  --region REGION   the job is a cross-region restore in that region\n"
    "  --help            this text\n";

static void print_errors(const json_t *doc)
{
	json_t *all = jat(doc, "properties.errorDetails"), *one, *advice;
	size_t i, k;

	json_array_foreach(all, i, one) {
		(void)fprintf(stderr, "%s: %s\n", jstr(one, "errorTitle", "error"),
		    jstr(one, "errorString", ""));
		json_array_foreach(jat(one, "recommendations"), k, advice)
			(void)fprintf(stderr, "  %s\n", json_string_value(advice));
	}
}

static int watch(const char *dir, struct job_place *at)
{
	auto_cli_client struct cli_client *c = NULL;
	auto_free char *found = NULL;
	auto_json json_t *doc = NULL;
	struct err e = { 0 };

	if (cli_client_open(dir, &c, &e) != 0 ||
	    (at->vault == NULL && job_vault_find(c, at->job, &found, &e) != 0))
		return cli_fail("job watch", &e);
	if (found != NULL)
		at->vault = found;
	if (job_watch(c, at, stdout, isatty(STDOUT_FILENO) == 1, &doc, &e) != 0)
		return cli_fail("job watch", &e);
	print_errors(doc);
	return job_went_well(doc) ? CLI_OK : CLI_FAILED;
}

int cmd_job(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'D' },
		{ "vault", required_argument, NULL, 'v' },
		{ "region", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct job_place at = { 0 };
	const char *dir = NULL;
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o == 'D')
			dir = optarg;
		else if (o == 'v')
			at.vault = optarg;
		else if (o == 'r')
			at.region = optarg;
		else
			return cli_usage("job", "%s: no such option, or its value is missing",
			    argv[optind - 1]);
	}
	if (argc - optind != 2 || strcmp(argv[optind], "watch") != 0)
		return cli_usage("job", "'watch' and one job's id are wanted");
	if (at.vault != NULL && *at.vault != '/')
		return cli_usage("job", "--vault '%s' is not a resource id", at.vault);
	if (at.region != NULL && at.vault == NULL)
		return cli_usage("job", "--region '%s' needs --vault", at.region);
	at.job = argv[optind + 1];
	return watch(dir, &at);
}
