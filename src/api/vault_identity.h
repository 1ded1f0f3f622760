/* vault_identity.h - the managed identities that a vault's document names. */
#ifndef API_VAULT_IDENTITY_H
#define API_VAULT_IDENTITY_H

#include "api/api.h"
#include "api/place.h"

/* `root` is the request.  Principal ids are given out once and kept as long as the identity is
 * assigned.  `replace`: a request without identity takes it away. */
must_check int vault_identity_apply(struct api_call *c, struct resource *vault,
    const struct place *root, bool replace, struct err *e);

#endif
