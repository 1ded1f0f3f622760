/* role.h - Azure's built-in roles, and what an action text matches.
 *
 * A role is lists of patterns over action names ("Microsoft.RecoveryServices/Vaults/read").  As in
 * ARM, patterns compare without case, '*' stands for any run of characters, '/' included, and what
 * notActions match is taken from what actions match, within one role.  Everything is constant. */
#ifndef AUTH_ROLE_H
#define AUTH_ROLE_H

#include "base/base.h"

struct role {
	const char *name;	/* "Backup Reader" */
	const char *id;		/* GUID, lower case, the same in every subscription */
	const char *description;
	const char *const *actions, *const *not_actions;	/* NULL-terminated */
};

extern const struct role roles[];	/* ends with name NULL */

/* By name, by GUID, or by a resource id that ends "/roleDefinitions/GUID"; any casing.  NULL: none. */
const struct role *role_find(struct str text);

bool role_pattern_matches(struct str pattern, struct str action);
bool role_allows(const struct role *r, const char *action);

#endif
