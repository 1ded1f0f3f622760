/* vault_render.h - a vault as clients see it. */
#ifndef API_VAULT_RENDER_H
#define API_VAULT_RENDER_H

#include "api/api.h"

/* `state` is provisioningState: "Succeeded", or "Provisioning" in the answer that creates it. */
must_check int vault_render(struct db_conn *conn, const struct resource *vault, const char *state,
    json_t **ret, struct err *e);

/* W/"datetime'…'" of the last change, from the arena. */
const char *vault_etag(struct api_call *c, int64_t changed_us);

#endif
