/* bearer.h - who sends a request: by a token of this server or of a trusted issuer. */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H

#include "auth/token.h"
#include "auth/trusted.h"
#include "db/db.h"

/* As token_check(), for both.  A trusted issuer's token must have its audience of the settings and
 * be within its times (a minute of leeway), else the errors are the same; ERR_DENIED with
 * AuthorizationFailed, status 403, if its subject is no principal's; status 503 if the issuer's
 * keys cannot be fetched.  `t` may be NULL.  Takes a connection of `db`, for such tokens only. */
must_check int bearer_check(const struct token_issuer *own, const struct trusted *t, struct db *db,
    const char *header, int64_t now_us, struct token_claims *ret, struct err *e);

#endif
