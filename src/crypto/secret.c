/* secret.c - client secrets at rest, by scrypt.  See crypto.h. */
#include "crypto/crypto.h"

#include <inttypes.h>
#include <stdio.h>

#include <openssl/evp.h>

#include "base/codec.h"
#include "crypto/lib.h"

/* Cost for new hashes: 16 MiB and about 50 ms, OWASP's floor for a
 * secret that is 256 random bits anyway. */
#define COST_N 16384
#define COST_R 8
#define COST_P 1
#define SALT_SIZE 16
#define SECRET_SIZE 32
#define BASE64URL_DASH 62	/* the six bits that base64url writes as '-' */

struct scrypt {
	uint64_t n, r, p;
	uint8_t salt[SALT_SIZE], hash[32];
};

static int derive(struct str secret, struct scrypt *s, uint8_t ret[32], struct err *e)
{
	uint64_t mem = 128 * s->r * (s->n + s->p + 2) + (1u << 20);

	if (EVP_PBE_scrypt(secret.n > 0 ? secret.p : "", secret.n, s->salt, SALT_SIZE, s->n, s->r,
	        s->p, mem, ret, 32) != 1)
		return crypto_err(e, "hashing a secret with scrypt");
	return 0;
}

int secret_new(struct buf *ret, struct err *e)
{
	uint8_t raw[SECRET_SIZE];

	do
		random_bytes(raw, sizeof(raw));
	while (raw[0] >> 2 == BASE64URL_DASH);
	base64url_encode(ret, raw, sizeof(raw));
	crypto_wipe(raw, sizeof(raw));
	return buf_ok(ret, e);
}

int secret_hash(struct str secret, struct buf *ret, struct err *e)
{
	struct scrypt s = { .n = COST_N, .r = COST_R, .p = COST_P };
	char salt[HEX_SIZE(SALT_SIZE)], hash[HEX_SIZE(32)];

	random_bytes(s.salt, SALT_SIZE);
	if (derive(secret, &s, s.hash, e) != 0)
		return -1;
	buf_addf(ret, "scrypt$%d$%d$%d$%s$%s", COST_N, COST_R, COST_P,
	    hex_encode(s.salt, SALT_SIZE, salt), hex_encode(s.hash, 32, hash));
	return buf_ok(ret, e);
}

/* Bounds keep a damaged row from costing gigabytes. */
static bool parse(const char *text, struct scrypt *s)
{
	char salt[HEX_SIZE(SALT_SIZE)], hash[HEX_SIZE(32)];
	int end = 0;

	if (sscanf(text, "scrypt$%7" SCNu64 "$%2" SCNu64 "$%2" SCNu64 "$%32[0-9a-f]$%64[0-9a-f]%n",
	        &s->n, &s->r, &s->p, salt, hash, &end) != 5 || text[end] != '\0')
		return false;
	if (s->n < 2 || s->n > 1 << 20 || (s->n & (s->n - 1)) != 0 || s->r < 1 || s->r > 32 ||
	    s->p < 1 || s->p > 16)
		return false;
	return hex_decode(str_c(salt), s->salt, SALT_SIZE) == SALT_SIZE &&
	       hex_decode(str_c(hash), s->hash, 32) == 32;
}

int secret_check(struct str secret, const char *hashed, bool *ret_match, struct err *e)
{
	struct scrypt s;
	uint8_t got[32];

	if (!parse(hashed, &s))
		return err_set(e, ERR_CORRUPT, "checking a secret: the stored hash is damaged");
	if (derive(secret, &s, got, e) != 0)
		return -1;
	*ret_match = crypto_equal(got, s.hash, sizeof(got));
	return 0;
}
