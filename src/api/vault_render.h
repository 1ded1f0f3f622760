/* vault_render.h - a vault as clients see it. */
#ifndef API_VAULT_RENDER_H
#define API_VAULT_RENDER_H

#include "api/api.h"

/* `state` is provisioningState: "Succeeded", or "Provisioning" in the answer that creates it. */
must_check int vault_render(struct db_conn *conn, const struct resource *vault, const char *state,
    json_t **ret, struct err *e);

/* The request's If-Match and If-None-Match, against the vault's "etag" as last read (`vault` NULL: there is none):
 * 412 PreconditionFailed names the vault and its etag.  Etags are compared as they stand, weak as they are, for that is
 * what clients have.  RFC 9110, 13.1. */
must_check int vault_check_match(struct api_call *c, const struct resource *vault, struct err *e);

#endif
