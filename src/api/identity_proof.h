/* identity_proof.h - does what a client sent to the token endpoint prove who it is?  (Inside
 * src/api/identity*.c only.) */
#ifndef API_IDENTITY_PROOF_H
#define API_IDENTITY_PROOF_H

#include "api/api.h"

struct identity_proof {
	const char *client_id;
	const char *secret;	/* or NULL, and */
	const char *assertion;	/* a signed token */
};

/* An answer of the token endpoint that refuses; texts live as long as the call. */
struct identity_refusal {
	int status;
	const char *error;	/* "invalid_client" */
	int64_t number;		/* of "AADSTS…" */
	const char *text;
};

/* 1 and the principal, 0 and why not, -1. */
must_check int identity_prove(struct api_call *c, const struct identity_proof *p,
    struct principal *ret, struct identity_refusal *ret_why, struct err *e);

#endif
