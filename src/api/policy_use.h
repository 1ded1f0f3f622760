/* policy_use.h - which items a vault's policies protect. */
#ifndef API_POLICY_USE_H
#define API_POLICY_USE_H

#include "api/api.h"

struct policy_use {
	json_t *counts;		/* {"<lower-cased policy id>": number of items} */
};
void policy_use_done(struct policy_use *u);
#define auto_policy_use cleanup_with(policy_use_done)

must_check int policy_use_read(struct db_conn *conn, const char *vault, struct policy_use *ret,
    struct err *e);
int64_t policy_use_count(struct api_call *c, const struct policy_use *u, const char *policy);

/* BMSUserErrorPolicyInUse naming the items, or the running job, that use it. */
must_check int policy_check_unused(struct api_call *c, struct db_conn *conn,
    const struct resource *policy, struct err *e);

#endif
