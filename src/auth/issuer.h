/* issuer.h - inside src/auth: the issuer's keys, and what both kinds of token share. */
#ifndef AUTH_ISSUER_H
#define AUTH_ISSUER_H

#include "auth/token.h"
#include "base/codec.h"

#define TOKEN_LEEWAY_US (INT64_C(60) * 1000000)
#define TOKEN_SECONDS_MAX (INT64_C(1) << 40)	/* keeps seconds * 1000000 inside int64_t */
#define TOKEN_PEERS_MAX 32

struct token_issuer {
	struct jwt_key *key;
	struct jwt_key *peer[TOKEN_PEERS_MAX];
	size_t peer_count;
	char tenant[GUID_SIZE];
	int64_t lifetime_s;
};

/* A time claim; false if it is absent or senseless. */
bool token_seconds(const json_t *claims, const char *key, int64_t *ret_us);

/* The token of "Bearer TOKEN"; empty for anything else. */
struct str token_bearer(const char *header);

/* Is `now_us` between the two, with leeway before the first?  Errors as token_check(). */
must_check int token_times(int64_t from_us, int64_t until_us, int64_t now_us, struct err *e);

#endif
