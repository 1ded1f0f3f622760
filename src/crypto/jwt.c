/* jwt.c - signed tokens by libcjose.  See jwt.h. */
#include "crypto/jwt.h"

#include <stdlib.h>

#include <cjose/cjose.h>

#include "base/codec.h"
#include "crypto/crypto.h"
#include "crypto/file.h"

#define KEY_BITS 2048
#define N_TEXT_SIZE 700		/* the modulus of 4096 bits in base64url */
#define KEY_FILE_MAX 65536
#define TOKEN_MAX 16384
#define KID_MAX 64

struct jwt_key {
	cjose_jwk_t *jwk;	/* with the private part, unless it is somebody else's */
	char n[N_TEXT_SIZE], e[16], kid[KID_MAX];	/* base64url */
};

static void jwk_p(cjose_jwk_t **k)
{
	(void)cjose_jwk_release(*k);
}

static void jws_p(cjose_jws_t **s)
{
	if (*s != NULL)
		cjose_jws_release(*s);
}

static void header_p(cjose_header_t **h)
{
	if (*h != NULL)
		cjose_header_release(*h);
}

static void jwt_key_p(struct jwt_key **k)
{
	jwt_key_free(*k);
}

static int lib_err(struct err *e, enum err_kind kind, const char *what, const cjose_err *why)
{
	return err_set(
	    e, kind, "%s: %s", what, why->message != NULL ? why->message : "unknown cause");
}

int jwt_key_create(const char *path, struct err *e)
{
	cjose_err why = { 0 };
	cleanup_with(jwk_p) cjose_jwk_t *jwk = cjose_jwk_create_RSA_random(KEY_BITS, NULL, 0, &why);
	char *text = jwk != NULL ? cjose_jwk_to_json(jwk, true, &why) : NULL;
	int rc;

	if (text == NULL)
		return lib_err(e, ERR_IO, "making a token signing key", &why);
	rc = crypto_file_new(path, text, strlen(text), 0600, e);
	crypto_wipe(text, strlen(text));
	free(text);
	return rc;
}

/* RFC 7638: SHA-256 of the required members in order, base64url. */
static int thumbprint(struct jwt_key *k, struct err *e)
{
	auto_buf struct buf text = { 0 }, kid = { 0 };
	uint8_t hash[SHA256_SIZE];

	buf_addf(&text, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", k->e, k->n);
	if (buf_ok(&text, e) != 0 || sha256(text.p, text.n, hash, e) != 0)
		return -1;
	base64url_encode(&kid, hash, sizeof(hash));
	if (buf_ok(&kid, e) != 0)
		return -1;
	memcpy(k->kid, kid.p, kid.n + 1);
	return 0;
}

static int read_public(struct jwt_key *k, const char *path, struct err *e)
{
	auto_json json_t *public = NULL;
	const char *n, *exponent;
	cjose_err why = { 0 };
	char *text;
	int rc;

	text = cjose_jwk_to_json(k->jwk, false, &why);
	if (text == NULL)
		return lib_err(e, ERR_CORRUPT, "reading the token signing key", &why);
	rc = jparse(str_c(text), &public, e);
	free(text);
	if (rc != 0)
		return -1;
	n = jstr(public, "n", "");
	exponent = jstr(public, "e", "");
	if (cjose_jwk_get_kty(k->jwk, &why) != CJOSE_JWK_KTY_RSA || *n == '\0' ||
	    *exponent == '\0' || strlen(n) >= sizeof(k->n) || strlen(exponent) >= sizeof(k->e))
		return err_set(e, ERR_CORRUPT, "'%s' does not hold an RSA key", path);
	memcpy(k->n, n, strlen(n) + 1);
	memcpy(k->e, exponent, strlen(exponent) + 1);
	return thumbprint(k, e);
}

int jwt_key_load(const char *path, struct jwt_key **ret, struct err *e)
{
	auto_secret_buf struct buf text = { 0 };
	cleanup_with(jwt_key_p) struct jwt_key *k = NULL;
	cjose_err why = { 0 };

	if (crypto_file_private(path, KEY_FILE_MAX, &text, e) != 0)
		return err_in(e, "loading the token signing key");
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return err_nomem(e);
	k->jwk = cjose_jwk_import(text.p, text.n, &why);
	if (k->jwk == NULL)
		return err_set(e, ERR_CORRUPT, "'%s' does not hold a JSON web key: %s", path,
		    why.message != NULL ? why.message : "unknown cause");
	if (read_public(k, path, e) != 0)
		return -1;
	*ret = TAKE(k);
	return 0;
}

/* "n" of a key of `KEY_BITS`, in base64url without padding */
#define MODULUS_TEXT_MIN ((KEY_BITS / 8 * 4 + 2) / 3)

int jwt_key_public(const json_t *jwk, struct jwt_key **ret, struct err *e)
{
	cleanup_with(jwt_key_p) struct jwt_key *k = calloc(1, sizeof(*k));
	const char *n = jstr(jwk, "n", ""), *exponent = jstr(jwk, "e", "");
	auto_json json_t *public = json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", n, "e",
	    exponent);
	auto_buf struct buf text = { 0 };
	cjose_err why = { 0 };

	if (k == NULL || public == NULL)
		return err_nomem(e);
	if (strcmp(jstr(jwk, "kty", ""), "RSA") != 0 || strlen(n) < MODULUS_TEXT_MIN ||
	    strlen(n) >= sizeof(k->n) || *exponent == '\0' || strlen(exponent) >= sizeof(k->e))
		return err_set(e, ERR_INVALID, "this is not an RSA key of 2048 to 4096 bits");
	if (jdump(public, &text, e) != 0)
		return -1;
	k->jwk = cjose_jwk_import(text.p, text.n, &why);
	if (k->jwk == NULL)
		return lib_err(e, ERR_INVALID, "reading a public key", &why);
	memcpy(k->n, n, strlen(n) + 1);
	memcpy(k->e, exponent, strlen(exponent) + 1);
	if (thumbprint(k, e) != 0)
		return -1;
	*ret = TAKE(k);
	return 0;
}

void jwt_key_free(struct jwt_key *k)
{
	if (k == NULL)
		return;
	(void)cjose_jwk_release(k->jwk);
	free(k);
}

int jwt_key_set(const struct jwt_key *k, json_t **ret, struct err *e)
{
	json_t *set = json_pack("{s:[{s:s,s:s,s:s,s:s,s:s,s:s}]}", "keys", "kty", "RSA", "use",
	    "sig", "alg", "RS256", "kid", k->kid, "n", k->n, "e", k->e);

	if (set == NULL)
		return err_nomem(e);
	*ret = set;
	return 0;
}

int jwt_sign(const struct jwt_key *k, const json_t *claims, struct buf *ret, struct err *e)
{
	auto_buf struct buf text = { 0 };
	cjose_err why = { 0 };
	cleanup_with(header_p) cjose_header_t *header = cjose_header_new(&why);
	cleanup_with(jws_p) cjose_jws_t *jws = NULL;
	const char *compact;	/* owned by jws */

	if (header == NULL || !cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_RS256, &why) ||
	    !cjose_header_set(header, "typ", "JWT", &why) ||
	    !cjose_header_set(header, CJOSE_HDR_KID, k->kid, &why))
		return lib_err(e, ERR_IO, "signing a token", &why);
	if (jdump(claims, &text, e) != 0)
		return -1;
	jws = cjose_jws_sign(k->jwk, header, (const uint8_t *)text.p, text.n, &why);
	if (jws == NULL || !cjose_jws_export(jws, &compact, &why))
		return lib_err(e, ERR_IO, "signing a token", &why);
	buf_adds(ret, compact);
	return buf_ok(ret, e);
}

/* One text per token: unused bits, other alphabets and padding would give many. */
static bool canonical(struct str part)
{
	auto_buf struct buf raw = { 0 }, again = { 0 };

	if (part.n == 0 || base64_decode(part, &raw) != 0)
		return false;
	base64url_encode(&again, raw.p, raw.n);
	return !again.failed && str_eq(buf_str(&again), part);
}

static bool well_formed(struct str token)
{
	for (unsigned i = 0; i < 3; i++) {
		const char *dot = token.n > 0 ? memchr(token.p, '.', token.n) : NULL;
		size_t n = dot != NULL ? (size_t)(dot - token.p) : token.n;

		if ((dot != NULL) != (i < 2) || !canonical((struct str){ token.p, n }))
			return false;
		token.p += n + (i < 2);
		token.n -= n + (i < 2);
	}
	return true;
}

/* The caller decides the algorithm, never the token; and what we do not understand ("crit",
 * RFC 7515 section 4.1.11) we refuse. */
static bool header_allowed(cjose_jws_t *jws, bool is_assertion)
{
	json_t *header = cjose_jws_get_protected(jws);
	const char *alg = jstr(header, "alg", "");

	return (strcmp(alg, "RS256") == 0 || (is_assertion && strcmp(alg, "PS256") == 0)) &&
	    json_object_get(header, "crit") == NULL;
}

static int verify(const struct jwt_key *k, struct str token, bool is_assertion, json_t **ret,
    struct err *e)
{
	cleanup_with(jws_p) cjose_jws_t *jws = NULL;
	auto_json json_t *claims = NULL;
	cjose_err why = { 0 };
	uint8_t *text;	/* owned by jws */
	size_t n;

	if (token.n > TOKEN_MAX || !well_formed(token))
		return err_set(e, ERR_DENIED, "checking a token: not in compact form");
	jws = cjose_jws_import(token.p, token.n, &why);
	if (jws == NULL)
		return lib_err(e, ERR_DENIED, "checking a token", &why);
	if (!header_allowed(jws, is_assertion))
		return err_set(e, ERR_DENIED, "checking a token: its algorithm is not accepted");
	if (!cjose_jws_verify(jws, k->jwk, &why))
		return err_set(e, ERR_DENIED, "checking a token: not signed by the key");
	if (!cjose_jws_get_plaintext(jws, &text, &n, &why))
		return lib_err(e, ERR_DENIED, "checking a token", &why);
	if (jparse((struct str){ (const char *)text, n }, &claims, e) != 0 ||
	    !json_is_object(claims))
		return err_set(e, ERR_DENIED, "checking a token: claims are not a JSON object");
	*ret = TAKE(claims);
	return 0;
}

int jwt_verify(const struct jwt_key *k, struct str token, json_t **ret, struct err *e)
{
	return verify(k, token, /* is_assertion= */ false, ret, e);
}

int jwt_verify_assertion(const struct jwt_key *k, struct str token, json_t **ret, struct err *e)
{
	return verify(k, token, /* is_assertion= */ true, ret, e);
}

static int part_json(struct str part, json_t **ret, struct err *e)
{
	auto_buf struct buf raw = { 0 };
	auto_json json_t *j = NULL;

	if (base64_decode(part, &raw) != 0 || jparse(buf_str(&raw), &j, e) != 0 ||
	    !json_is_object(j))
		return err_set(e, ERR_DENIED, "reading a token: a part is not a JSON object");
	*ret = TAKE(j);
	return 0;
}

int jwt_peek(struct str token, json_t **ret_header, json_t **ret_claims, struct err *e)
{
	auto_json json_t *header = NULL, *claims = NULL;
	const char *first, *second;

	if (token.n > TOKEN_MAX || !well_formed(token))
		return err_set(e, ERR_DENIED, "reading a token: not in compact form");
	first = memchr(token.p, '.', token.n);
	second = memchr(first + 1, '.', token.n - (size_t)(first + 1 - token.p));
	if (part_json((struct str){ token.p, (size_t)(first - token.p) }, &header, e) != 0 ||
	    part_json((struct str){ first + 1, (size_t)(second - first - 1) }, &claims, e) != 0)
		return -1;
	*ret_header = TAKE(header);
	*ret_claims = TAKE(claims);
	return 0;
}
