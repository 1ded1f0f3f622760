/* authorize.h - may the caller do this?
 *
 * The dispatcher asks for a route's action over the request's scope; handlers ask for what else a
 * request reaches: rows of lists, and the resources that its body names. */
#ifndef API_AUTHORIZE_H
#define API_AUTHORIZE_H

#include "api/api.h"

/* What is asked about: the resource that the path names, without an action or a list behind it; for
 * role assignments and definitions and for tags, what they are of; else the subscription.  The arena's. */
must_check int authorize_scope(struct api_call *c, struct err *e);

/* Read the caller's roles; `conn` NULL: in a transaction of its own. */
must_check int authorize_load(struct api_call *c, struct db_conn *conn, struct err *e);

/* May the caller take the call's route?  403 AuthorizationFailed names action and scope. */
must_check int authorize_call(struct api_call *c, struct err *e);

bool authorize_allows(const struct api_call *c, const char *action, const char *id);

/* May the caller see this row of a list? */
bool authorize_reads(const struct api_call *c, const struct resource *r);

/* For a resource that the request names: 403 LinkedAuthorizationFailed names action and id. */
must_check int authorize_linked(struct api_call *c, const char *action, const char *id,
    struct err *e);

#endif
