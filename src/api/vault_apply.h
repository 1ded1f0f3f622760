/* vault_apply.h - what a PUT or PATCH of a vault changes in its document. */
#ifndef API_VAULT_APPLY_H
#define API_VAULT_APPLY_H

#include "api/api.h"

/* The document of a vault that nobody has said anything about yet; NULL out of memory. */
json_t *vault_document_new(void);

/* Judge the call's body and change `vault`; the caller stores it.  `replace` (PUT): tags and
 * identity that are not named go.  ERR_INVALID with the JSON path. */
must_check int vault_apply(struct api_call *c, struct db_conn *conn, struct resource *vault,
    bool replace, struct err *e);

#endif
