/* point_token.h - tokens that let their bearer restore one recovery point in the paired region.
 *
 * The claims are those that Azure's access tokens of recovery points have, and four of ours:
 * "region" (where it may be used), "vault" and "item" (ARM ids), "oid" (the principal that asked
 * for it, and alone may use it).  Whoever holds this server's key or a trusted peer's
 * (token_issuer_trust()) can issue them; they are no bearer tokens, nor the other way round. */
#ifndef AUTH_POINT_TOKEN_H
#define AUTH_POINT_TOKEN_H

#include "auth/token.h"
#include "base/codec.h"

#define POINT_TOKEN_AUDIENCE "http://microsoft.dataprotection/ProtectionService"

struct point_grant {		/* borrowed texts */
	const char *region, *vault, *item, *point, *object_id;
	/* numbers by which the service knows the vault, the container and the item */
	const char *vault_number, *container_number, *source_number;
};

/* Good for a day from now. */
must_check int point_token_issue(const struct token_issuer *t, const struct point_grant *g,
    int64_t now_us, struct buf *ret, struct err *e);

/* Check signature, kind and times, that it is for `region` and was given to `object_id`.  *ret
 * lives as long as *ret_claims (new reference).  ERR_INVALID, without code, says what is wrong. */
must_check int point_token_check(const struct token_issuer *t, struct str token,
    const char *region, const char *object_id, int64_t now_us, struct point_grant *ret,
    json_t **ret_claims, struct err *e);

/* The backup service's own principal, the same on every server of a tenant. */
must_check int token_service_principal(const struct token_issuer *t, char ret[GUID_SIZE],
    struct err *e);

#endif
