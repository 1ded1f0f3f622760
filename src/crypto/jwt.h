/* jwt.h - signed tokens (RFC 7515, 7517, 7519) by libcjose: RS256, of others PS256 too. */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

#include "base/base.h"
#include "base/buf.h"
#include "json/json.h"

/* One RSA signing key, with its `kid` (RFC 7638 thumbprint). */
struct jwt_key;

/* Create a 2048-bit key and keep it at `path` as a private JWK, mode 0600. */
must_check int jwt_key_create(const char *path, struct err *e);
must_check int jwt_key_load(const char *path, struct jwt_key **ret, struct err *e);
void jwt_key_free(struct jwt_key *k);

/* A key of somebody else's key set, for jwt_verify() only.  ERR_INVALID unless it is an RSA key of
 * 2048 to 4096 bits. */
must_check int jwt_key_public(const json_t *jwk, struct jwt_key **ret, struct err *e);

/* {"keys":[…public part, use "sig", alg "RS256", kid…]}; new reference. */
must_check int jwt_key_set(const struct jwt_key *k, json_t **ret, struct err *e);

/* Sign `claims`; compact serialisation is appended to `ret`. */
must_check int jwt_sign(const struct jwt_key *k, const json_t *claims, struct buf *ret,
    struct err *e);

/* Check the signature and return the claims (new reference); exp, nbf, iss
 * and aud are the caller's to judge.  ERR_DENIED for anything not signed by
 * this key with RS256. */
must_check int jwt_verify(const struct jwt_key *k, struct str token, json_t **ret, struct err *e);

/* Same with PS256 as well (RFC 7518, 3.5), which newer clients sign their assertions with. */
must_check int jwt_verify_assertion(const struct jwt_key *k, struct str token, json_t **ret,
    struct err *e);

/* What a token says of itself, to find the key by: nothing of it is checked.  New references.
 * ERR_DENIED if it is not in compact form. */
must_check int jwt_peek(struct str token, json_t **ret_header, json_t **ret_claims, struct err *e);

#endif
