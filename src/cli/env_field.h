/* env_field.h - the variables of admin.env by number (inside src/cli/ only). */
#ifndef CLI_ENV_FIELD_H
#define CLI_ENV_FIELD_H

#include "cli/env.h"

#define ENV_COUNT 6

extern const char *const env_names[ENV_COUNT];

/* Where the value of env_names[i] is kept. */
char **env_field(struct admin_env *v, size_t i);

#endif
