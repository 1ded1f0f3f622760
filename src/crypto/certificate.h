/* certificate.h - what a client certificate says: its thumbprints, its key and its end. */
#ifndef CRYPTO_CERTIFICATE_H
#define CRYPTO_CERTIFICATE_H

#include "base/base.h"

struct certificate {
	/* base64url, as in the headers of tokens (RFC 7515, 4.1.7 and 4.1.8): of its DER */
	char x5t[32], x5t_s256[48];
	char modulus[700], exponent[16];	/* base64url, as in a JWK */
	int64_t from_us, until_us;
};

/* Read the first certificate of a PEM text; what else is there, as its private key, is passed over.
 * ERR_INVALID unless it has an RSA key of 2048 to 4096 bits.  Nobody's signature is checked: who
 * registers a certificate says that it is to be trusted. */
must_check int certificate_read(struct str pem, struct certificate *ret, struct err *e);

#endif
