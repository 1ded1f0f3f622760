/* sign_in.h - how often sign-ins may be tried, so that nobody guesses secrets or keeps the server
 * busy with hashing them.
 *
 * Two limits: tries of one address, and wrong secrets for one client id from one address.  A client
 * id alone has none: whoever knows it could lock its owner out.  For the same reason a secret that
 * proved its client once since the server began is let through whatever the address did; only a
 * salted hash of it is kept, in memory, and forgotten when it no longer proves anything.
 * docs/decisions/0010 weighs this.  Any thread. */
#ifndef AUTH_SIGN_IN_H
#define AUTH_SIGN_IN_H

#include "base/base.h"

struct sign_ins;

struct sign_in_limits {
	int64_t tries, tries_refill;	/* of an address: at once, more each second; 0: no limit */
	int64_t wrong, wrong_refill;	/* secrets, of an address and client id; 0: no limit */
};

must_check int sign_ins_new(const struct sign_in_limits *l, struct sign_ins **ret, struct err *e);
void sign_ins_free(struct sign_ins *s);	/* NULL is fine */

struct sign_in {
	const char *remote;	/* address as text; of IPv6 the first 64 bits count as one client */
	const char *client_id;	/* as sent */
	const char *secret;	/* NULL: an assertion, which nobody guesses */
};

/* May it be tried?  1; 0: not before *ret_wait_us have passed; -1. */
must_check int sign_ins_begin(struct sign_ins *s, const struct sign_in *try, int64_t now_us,
    int64_t *ret_wait_us, struct err *e);
/* What came of a try that was let through. */
must_check int sign_ins_end(struct sign_ins *s, const struct sign_in *try, bool proved,
    int64_t now_us, struct err *e);

#endif
