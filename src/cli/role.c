/* role.c - holdfast role: who has which role where, on a data directory. */
#include "cli/role.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "Usage: holdfast role assign DIR --principal ID --role ROLE [--scope SCOPE]\n"
    "       holdfast role list   DIR [--principal ID] [--scope SCOPE] [--json]\n"
    "       holdfast role remove DIR --principal ID --role ROLE [--scope SCOPE]\n"
    "\n"
    "Gives a principal of the data directory DIR a role, shows who has which, and takes one away.\n"
    "Works beside a running server, where it counts from the next call on.\n"
    "\n"
    "  --principal ID   the principal's object id, application id, or name\n"
    "  --role ROLE      'Owner', 'Contributor', 'Reader', 'Backup Contributor', 'Backup Operator',\n"
    "                   'Backup Reader', or a role's GUID\n"
    "  --scope SCOPE    where it holds: the id of a resource group or a resource, or the name of a\n"
    "                   group; without it the subscription.  list: only what holds there\n"
    "  --json           the same as a JSON document\n"
    "  --help           this text\n";

static int read_options(int argc, char **argv, struct role_args *ret)
{
	static const struct option options[] = {
		{ "principal", required_argument, NULL, 'p' },
		{ "role", required_argument, NULL, 'r' },
		{ "scope", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			ret->wants_help = true;
			return CLI_OK;
		}
		if (o == 'p')
			ret->principal = optarg;
		else if (o == 'r')
			ret->role = optarg;
		else if (o == 's')
			ret->scope = optarg;
		else if (o == 'j')
			ret->as_json = true;
		else
			return cli_usage("role", "%s: no such option, or its value is missing",
			    argv[optind - 1]);
	}
	if (argc - optind != 2)
		return cli_usage("role", "'assign', 'list' or 'remove' and a data directory are "
		    "wanted");
	ret->dir = argv[optind + 1];
	return CLI_OK;
}

static int run(const char *verb, const struct role_args *args)
{
	bool assigns = strcmp(verb, "assign") == 0;

	if (strcmp(verb, "list") == 0) {
		if (args->role != NULL)
			return cli_usage("role", "--role is not for 'list'");
		return role_list(args);
	}
	if (!assigns && strcmp(verb, "remove") != 0)
		return cli_usage("role", "'%s' is none of assign, list, remove", verb);
	if (args->principal == NULL || args->role == NULL)
		return cli_usage("role", "--principal and --role are wanted");
	if (args->as_json)
		return cli_usage("role", "--json is for 'list' only");
	return assigns ? role_assign(args) : role_remove(args);
}

int cmd_role(int argc, char **argv)
{
	struct role_args args = { .dir = NULL };
	int r = read_options(argc, argv, &args);

	if (args.wants_help)
		return fputs(help, stdout) >= 0 ? CLI_OK : CLI_FAILED;
	return r != CLI_OK ? r : run(argv[optind], &args);
}
