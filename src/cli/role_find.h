/* role_find.h - inside src/cli: principals, roles and scopes as people name them. */
#ifndef CLI_ROLE_FIND_H
#define CLI_ROLE_FIND_H

#include "auth/role.h"
#include "base/arena.h"
#include "model/principal.h"
#include "model/resource.h"

/* By object id, application id or name.  ERR_NOT_FOUND, ERR_INVALID if several have the name. */
must_check int role_find_principal(struct db_conn *c, const char *text, struct principal *ret,
    struct err *e);

must_check int role_find_role(const char *text, const struct role **ret, struct err *e);

/* The canonical id of a resource or a group that is there, by id or a group's name; NULL: the
 * subscription.  *ret is the arena's. */
must_check int role_find_scope(struct db_conn *c, struct arena *a, const char *subscription,
    const char *text, const char **ret, struct err *e);

#endif
