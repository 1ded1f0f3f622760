/* role_api.h - role definitions and role assignments (Microsoft.Authorization). */
#ifndef API_ROLE_API_H
#define API_ROLE_API_H

#include "api/api.h"
#include "model/assignment.h"
#include "model/principal.h"

#define ROLE_PROVIDER "Microsoft.Authorization/"
#define TYPE_ROLE_ASSIGNMENT ROLE_PROVIDER "roleAssignments"
#define TYPE_ROLE_DEFINITION ROLE_PROVIDER "roleDefinitions"

/* "/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/GUID"; NULL out of memory. */
const char *role_definition_id(struct api_call *c, const char *role);

/* The call's scope in canonical form. */
must_check int role_scope(struct api_call *c, const char **ret, struct err *e);

/* An assignment as clients see it; NULL out of memory. */
json_t *role_assignment_json(struct api_call *c, const struct assignment *a);

/* The role that a principal was made with, as an assignment: named by the object id, over the
 * subscription.  False if that is no role of this program's. */
bool role_built_in(struct api_call *c, const struct principal *p, struct assignment *ret);

/* The principal with this object id: 1, 0, -1. */
must_check int role_principal(struct db_conn *conn, const char *object_id, struct principal *ret,
    struct err *e);

/* role_assign.c, role_list.c */
api_fn role_assignment_put, role_assignment_get, role_assignment_delete, role_assignment_list;

#endif
