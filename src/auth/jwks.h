/* jwks.h - the public keys of another issuer, fetched when they are needed (inside src/auth/ only).
 *
 * Kept for an hour, and fetched once a minute at most, whatever tokens come.  Who needs a fetch
 * waits for it, JWKS_WAIT_MS at most; who has a key that is known waits for nothing.  Any
 * thread. */
#ifndef AUTH_JWKS_H
#define AUTH_JWKS_H

#include "base/base.h"
#include "json/json.h"

#define JWKS_WAIT_MS 5000

struct jwks;

/* Texts are borrowed.  `issuer`: its OpenID configuration names the URL of the keys, unless `url`
 * is not "".  `ca`: PEM file, or NULL for the system's authorities. */
must_check int jwks_new(const char *issuer, const char *url, const char *ca, struct jwks **ret,
    struct err *e);
void jwks_free(struct jwks *j);	/* NULL is fine */

/* Check a token's signature (RS256) with the key `kid` and return its claims (new reference).
 * ERR_DENIED: no such key, or not signed by it; ERR_IO: the keys cannot be fetched. */
must_check int jwks_verify(struct jwks *j, const char *kid, struct str token, json_t **ret,
    struct err *e);

#endif
