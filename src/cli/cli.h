/* cli.h - the program's verbs, and what they share.
 *
 * Every verb is `int cmd_NAME(int argc, char **argv)`: argv[0] is the verb, options are read with
 * getopt_long (set optind = 0 first), the result is the program's exit code.  Answers go to
 * stdout, complaints to stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/base.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,	/* the command line is wrong */
	CLI_DIFFERS = 3, /* a vault and its copy are not the same */
};

struct cli_verb {
	const char *name;
	const char *synopsis;	/* what follows the verb: "DIR [--listen ADDR:PORT]" */
	const char *help;	/* one line */
	int (*run)(int argc, char **argv);
};

int cmd_init(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_vm(int argc, char **argv);
int cmd_job(int argc, char **argv);
int cmd_vault(int argc, char **argv);
int cmd_region(int argc, char **argv);
int cmd_env(int argc, char **argv);
int cmd_principal(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_role(int argc, char **argv);

/* "3 h": the largest unit that fits.  Returns ret. */
#define CLI_AGE_SIZE 32
char *cli_age(int64_t seconds, char ret[CLI_AGE_SIZE]);

/* "holdfast VERB: message" on stderr; CLI_FAILED. */
int cli_fail(const char *verb, const struct err *e);

/* "holdfast VERB: text" and where to find help, on stderr; CLI_USAGE. */
int cli_usage(const char *verb, const char *fmt, ...) printf_like(2, 3);

#endif
