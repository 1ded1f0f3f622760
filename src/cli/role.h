/* role.h - inside src/cli: the verbs of `holdfast role`.  Each returns the exit code. */
#ifndef CLI_ROLE_H
#define CLI_ROLE_H

#include "cli/cli.h"

struct role_args {
	const char *dir, *principal, *role, *scope;	/* the last three may be NULL */
	bool as_json, wants_help;
};

int role_assign(const struct role_args *args);
int role_remove(const struct role_args *args);
int role_list(const struct role_args *args);

#endif
