/* main.c - the program: picks the verb. */
#include <stdio.h>

#include "cli/cli.h"
#include "server/server.h"

static int cmd_version(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return puts("Usage: holdfast version\n\nPrints the program's version.") >= 0
		    ? CLI_OK
		    : CLI_FAILED;
	if (argc > 1)
		return cli_usage("version", "no arguments are wanted");
	return printf("holdfast %s\n", HOLDFAST_VERSION) > 0 ? CLI_OK : CLI_FAILED;
}

static const struct cli_verb verbs[] = {
	{ "init", "DIR", "make a data directory", cmd_init },
	{ "serve", "DIR", "run the server", cmd_serve },
	{ "token", "DIR", "print a bearer token for the administrator", cmd_token },
	{ "env", "CLIENT [DIR]", "print what az, js, python or terraform must know", cmd_env },
	{ "status", "[DIR]", "show vaults, items and running jobs", cmd_status },
	{ "vm", "add NAME", "register disk images as a virtual machine", cmd_vm },
	{ "job", "watch ID", "follow a job to its end", cmd_job },
	{ "vault", "ls|verify|gc|restore|… VAULT", "look into a vault on this host", cmd_vault },
	{ "region", "status|verify|… DIR", "look after paired regions", cmd_region },
	{ "principal", "VERB [PRINCIPAL] ...", "who may call, and what proves them",
	    cmd_principal },
	{ "role", "assign|list|remove DIR ...", "say who may do what where", cmd_role },
	{ "audit", "DIR", "show who changed what", cmd_audit },
	{ "version", "", "print the version", cmd_version },
};

static void print_help(FILE *to)
{
	(void)fputs(
	    "Usage: holdfast VERB [ARGUMENTS]\n"
	    "\n"
	    "Backs up and restores the disks of virtual machines, over Azure Backup's REST API.\n"
	    "\n",
	    to);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		(void)fprintf(
		    to, "  %-9s %-27s %s\n", verbs[i].name, verbs[i].synopsis, verbs[i].help);
	(void)fputs("\n'holdfast VERB --help' tells more.\n", to);
}

static bool is(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (is(argv[1], "--help", "-h") || is(argv[1], "help", "help")) {
		print_help(stdout);
		return CLI_OK;
	}
	if (is(argv[1], "--version", "-V"))
		return cmd_version(1, argv);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	(void)fprintf(stderr, "holdfast: unknown verb '%s'\nTry 'holdfast --help'.\n", argv[1]);
	return CLI_USAGE;
}
