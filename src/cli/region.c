/* region.c - holdfast region: picks its verb. */
#include "cli/region.h"

#include <stdio.h>

static const struct cli_verb verbs[] = {
	{ "status", "DIR [--json]", "show how much of each vault is in its paired region",
	    region_cmd_status },
	{ "verify", "DIR [--json]", "compare vaults with their copies, and mend both",
	    region_cmd_verify },
	{ "export", "DIR REGION", "print what a pair's other server must know", region_cmd_export },
	{ "import", "DIR FILE", "take what the other server's export printed", region_cmd_import },
};

static void print_help(void)
{
	(void)fputs("Usage: holdfast region VERB [ARGUMENTS]\n"
	    "\n"
	    "A region and its pair may be on two servers.  Then each keeps copies of its vaults\n"
	    "in the other's store, and takes tokens for recovery points that the other issued.\n"
	    "\n", stdout);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		(void)printf("  %-8s %-12s %s\n", verbs[i].name, verbs[i].synopsis, verbs[i].help);
	(void)fputs("\n'holdfast region VERB --help' tells more.\n", stdout);
}

int cmd_region(int argc, char **argv)
{
	if (argc < 2)
		return cli_usage("region", "what to do?");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return CLI_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return cli_usage("region", "'%s' is nothing that can be done with regions", argv[1]);
}
