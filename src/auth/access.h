/* access.h - what one caller may do where.
 *
 * Scopes are resource ids with single slashes, compared without case.  A grant holds for its scope
 * and all below it; grants only add up, none takes away what another gives. */
#ifndef AUTH_ACCESS_H
#define AUTH_ACCESS_H

#include "auth/role.h"
#include "base/arena.h"
#include "db/db.h"

struct access_grant {
	const struct role *role;
	const char *scope;	/* lower case; "" is everything */
};

struct access {
	const struct access_grant *grants;	/* the arena's */
	size_t count;
};

/* Read what the principal has now, with one query: nothing if it is not there (any more).  Roles
 * that this program does not know give nothing. */
must_check int access_load(struct db_conn *c, struct arena *a, const char *client_id,
    const char *object_id, struct access *ret, struct err *e);

/* Is the action allowed over the scope? */
bool access_allows(const struct access *a, const char *action, struct str scope);

/* Is it allowed over the scope, or over anything below it?  `action` NULL: has it any role there? */
bool access_near(const struct access *a, const char *action, struct str scope);

#endif
