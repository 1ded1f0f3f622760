/* trusted.h - issuers of tokens besides this server, which the settings name.
 *
 * Their tokens prove a principal in two ways: as bearer tokens of requests (bearer.h), and at the
 * token endpoint in place of a secret.  Either way the principal is the one for which issuer and
 * subject are registered. */
#ifndef AUTH_TRUSTED_H
#define AUTH_TRUSTED_H

#include "auth/assertion.h"

/* What settings say of one; texts are borrowed while the set lives. */
struct trusted_issuer {
	const char *url;	/* "iss" */
	const char *audience;	/* of bearer tokens; "": none are taken */
	const char *jwks, *ca;	/* as in jwks_new() */
};

struct trusted;

must_check int trusted_new(const struct trusted_issuer *list, size_t count, struct trusted **ret,
    struct err *e);
void trusted_free(struct trusted *t);	/* NULL is fine */

/* The one that the claims say they are of, NULL if it is none; `t` may be NULL. */
const struct trusted_issuer *trusted_find(const struct trusted *t, const json_t *claims);

/* Check that the token is signed (RS256) by the issuer's key that its header names.  ERR_DENIED, or
 * ERR_IO if the keys cannot be fetched; may take JWKS_WAIT_MS. */
must_check int trusted_verify(const struct trusted *t, const struct trusted_issuer *issuer,
    const struct assertion *a, struct err *e);

/* Does an assertion of a trusted issuer prove a principal?  One of `known` must have its issuer,
 * subject and audience.  It may be used until it expires.  1, 0 and *ret_fault says why not, -1. */
must_check int trusted_prove(const struct trusted *t, const struct assertion *a,
    const struct credentials *known, int64_t now_us, struct assertion_fault *ret_fault,
    struct err *e);

#endif
