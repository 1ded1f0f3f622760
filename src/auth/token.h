/* token.h - the built-in issuer of bearer tokens, and their check. */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "base/base.h"
#include "base/buf.h"
#include "crypto/jwt.h"
#include "json/json.h"
#include "model/principal.h"

struct token_issuer;

/* `key_path`: made by `holdfast init`.  `tenant`: GUID. */
must_check int token_issuer_open(const char *key_path, const char *tenant, int64_t lifetime_s,
    struct token_issuer **ret, struct err *e);
void token_issuer_close(struct token_issuer *t);

/* Accept point tokens (auth/point_token.h) of other servers as well: of each whose public key set
 * is a file of this directory, NAME.json.  Absent is empty.  Bearer tokens are this server's only. */
must_check int token_issuer_trust(struct token_issuer *t, const char *dir, struct err *e);
int64_t token_lifetime_s(const struct token_issuer *t);

/* Sign a token for `p`: aud, iss (base_url/tenant/), iat, nbf, exp, tid, oid, appid, ver. */
must_check int token_issue(const struct token_issuer *t, const struct principal *p,
    const char *audience, const char *base_url, int64_t now_us, struct buf *ret, struct err *e);

struct token_claims {
	char client_id[40], object_id[40];
	int64_t expires_us;
};
/* Check signature, tenant and times (60 s of leeway on nbf); point tokens are no bearer tokens.
 * ERR_DENIED, status 401, code AuthenticationFailed (absent), InvalidAuthenticationToken or
 * ExpiredAuthenticationToken.  `header`: the Authorization header's value or NULL. */
must_check int token_check(const struct token_issuer *t, const char *header, int64_t now_us,
    struct token_claims *ret, struct err *e);

must_check int token_key_set(const struct token_issuer *t, json_t **ret, struct err *e);

#endif
