/* env.h - DIR/admin.env: how the administrator reaches the server. */
#ifndef CLI_ENV_H
#define CLI_ENV_H

#include "base/base.h"

struct admin_env {
	char *url;		/* HOLDFAST_URL: "https://localhost:8443" */
	char *ca;		/* HOLDFAST_CA: path of the CA certificate */
	char *tenant, *subscription;
	char *client_id, *client_secret;
};

void admin_env_done(struct admin_env *v);	/* zeroed storage is fine */
#define auto_admin_env cleanup_with(admin_env_done)

/* Fill a zeroed *ret from DIR/admin.env; with `dir` NULL from the environment, whose variables
 * have the same names.  ERR_NOT_FOUND or ERR_INVALID names what is missing. */
must_check int admin_env_load(const char *dir, struct admin_env *ret, struct err *e);

/* Write it: shell lines, mode 0600. */
must_check int admin_env_write(const char *dir, const struct admin_env *v, struct err *e);

#endif
