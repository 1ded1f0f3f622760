/* assertion.h - client assertions (RFC 7523): a token in place of a secret, signed with the key of
 * a registered certificate. */
#ifndef AUTH_ASSERTION_H
#define AUTH_ASSERTION_H

#include "auth/replay.h"
#include "base/base.h"
#include "json/json.h"
#include "model/credential.h"

/* Taken apart, but not checked. */
struct assertion {
	struct str token;	/* borrowed */
	json_t *header, *claims;
};
void assertion_done(struct assertion *a);	/* zeroed storage is fine */
#define auto_assertion cleanup_with(assertion_done)

/* Why one does not hold, as Microsoft's authority says it. */
struct assertion_fault {
	int64_t number;		/* of "AADSTS…" */
	char text[400];
};

/* ERR_DENIED if it is no token. */
must_check int assertion_parse(struct str token, struct assertion *ret, struct err *e);

/* Number and text, cut to fit; 0, as "does not hold". */
int assertion_refuse(struct assertion_fault *f, int64_t number, const char *fmt, ...)
    printf_like(3, 4);

/* Does it prove that its sender is `client_id`?  It must be signed (RS256 or PS256) with a
 * certificate among `known`, which its header names by x5t, x5t#S256 or kid; iss and sub are the
 * client id, aud the URL that it was sent to; it lives for a day at most and has five minutes of
 * leeway; and it was not used before.  1, 0 and *ret_fault says why not, -1. */
must_check int assertion_by_certificate(const struct assertion *a, const char *client_id,
    const struct credentials *known, const char *audience, int64_t now_us, struct replay *used,
    struct assertion_fault *ret_fault, struct err *e);

/* The checks that other tokens share: aud has `audience` (any casing), and the time is now.
 * True, or *ret_fault says why not. */
must_check bool assertion_audience_ok(const json_t *claims, const char *audience);
must_check bool assertion_times_ok(const json_t *claims, int64_t now_us, int64_t *ret_until_us,
    struct assertion_fault *ret_fault);

#endif
