/* assertion.c - see assertion.h. */
#include "auth/assertion.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "crypto/jwt.h"

#define LEEWAY_US (INT64_C(300) * 1000000)
#define LIFE_US (INT64_C(86400) * 1000000)
#define SECONDS_MAX ((double)(INT64_C(1) << 40))	/* keeps microseconds inside int64_t */

void assertion_done(struct assertion *a)
{
	json_decref(a->header);
	json_decref(a->claims);
	*a = (struct assertion){ 0 };
}

int assertion_parse(struct str token, struct assertion *ret, struct err *e)
{
	struct assertion a = { .token = token };

	if (jwt_peek(token, &a.header, &a.claims, e) != 0)
		return -1;
	*ret = a;
	return 0;
}

int assertion_refuse(struct assertion_fault *f, int64_t number, const char *fmt, ...)
{
	char text[sizeof(f->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->number = number;
	(void)utf8_copy(f->text, sizeof(f->text), text);
	return 0;
}

/* ---- claims ---- */

bool assertion_audience_ok(const json_t *claims, const char *audience)
{
	const json_t *aud = json_object_get(claims, "aud");

	if (!json_is_array(aud))
		return str_ieq(str_c(json_string_value(aud)), str_c(audience));
	for (size_t i = 0; i < json_array_size(aud); i++)
		if (str_ieq(str_c(json_string_value(json_array_get(aud, i))), str_c(audience)))
			return true;
	return false;
}

/* A time claim; some clients send fractions of a second.  False if it is senseless. */
static bool read_time(const json_t *claims, const char *key, int64_t absent_us, int64_t *ret_us)
{
	const json_t *v = json_object_get(claims, key);
	double seconds;

	*ret_us = absent_us;
	if (v == NULL)
		return true;
	seconds = json_number_value(v);
	if (!json_is_number(v) || !(seconds >= 0 && seconds < SECONDS_MAX))
		return false;
	*ret_us = (int64_t)(seconds * 1e6);
	return true;
}

bool assertion_times_ok(const json_t *claims, int64_t now_us, int64_t *ret_until_us,
    struct assertion_fault *ret_fault)
{
	char now[TIME_TEXT_MAX], from[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
	int64_t from_us, until_us;

	if (!read_time(claims, "nbf", 0, &from_us) || !read_time(claims, "exp", -1, &until_us) ||
	    until_us < 0) {
		(void)assertion_refuse(ret_fault, 50027,
		    "JWT token is invalid or malformed: 'exp' or 'nbf' is missing or no time.");
		return false;
	}
	if (now_us < until_us + LEEWAY_US && from_us <= now_us + LEEWAY_US) {
		*ret_until_us = until_us;
		return true;
	}
	(void)assertion_refuse(ret_fault, 700024, "Client assertion is not within its valid time "
	    "range. Current time: %s, assertion valid from %s, expiry time of assertion %s.",
	    time_iso_seconds(now_us, now), time_iso_seconds(from_us, from),
	    time_iso_seconds(until_us, until));
	return false;
}

/* ---- the certificate ---- */

/* Is the base64 text, padded or not, the same bytes as `x5t`? */
static bool same_print(const char *given, const char *x5t)
{
	auto_buf struct buf raw = { 0 }, text = { 0 };

	if (*x5t == '\0' || base64_decode(str_c(given), &raw) != 0)
		return false;
	base64url_encode(&text, raw.p, raw.n);
	return !text.failed && str_eq(buf_str(&text), str_c(x5t));
}

/* kid: a thumbprint as people write it, in hexadecimal, or as in the other headers. */
static bool same_kid(const char *kid, const struct credential *k)
{
	auto_buf struct buf raw = { 0 };
	char hex[HEX_SIZE(64)];

	if (same_print(kid, k->x5t) || same_print(kid, k->x5t_s256))
		return true;
	if (base64_decode(str_c(k->x5t), &raw) != 0 || raw.n > 64)
		return false;
	return str_ieq(str_c(hex_encode(raw.p, raw.n, hex)), str_c(kid));
}

static const struct credential *find_certificate(const json_t *header,
    const struct credentials *known)
{
	const char *x5t = json_string_value(json_object_get(header, "x5t"));
	const char *s256 = json_string_value(json_object_get(header, "x5t#S256"));
	const char *kid = json_string_value(json_object_get(header, "kid"));

	for (size_t i = 0; i < known->count; i++) {
		const struct credential *k = &known->all[i];

		if (k->kind == CREDENTIAL_CERTIFICATE &&
		    (s256 != NULL ? same_print(s256, k->x5t_s256) :
		    x5t != NULL ? same_print(x5t, k->x5t) : kid != NULL && same_kid(kid, k)))
			return k;
	}
	return NULL;
}

static void jwt_key_p(struct jwt_key **k)
{
	jwt_key_free(*k);
}

static int check_signature(const struct assertion *a, const struct credential *k,
    struct assertion_fault *f, struct err *e)
{
	auto_json json_t *jwk = json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", k->modulus, "e",
	    k->exponent);
	auto_json json_t *claims = NULL;
	cleanup_with(jwt_key_p) struct jwt_key *key = NULL;

	if (jwk == NULL)
		return err_nomem(e);
	if (jwt_key_public(jwk, &key, e) != 0)
		return -1;
	if (jwt_verify_assertion(key, a->token, &claims, e) == 0)
		return 1;
	return e->kind != ERR_DENIED ? -1 : assertion_refuse(f, 700027,
	    "Client assertion failed signature validation.");
}

/* ---- all of it ---- */

static int check_claims(const struct assertion *a, const char *client_id, const char *audience,
    int64_t now_us, int64_t *ret_until_us, struct assertion_fault *f)
{
	struct str id = str_c(client_id);

	if (!str_ieq(str_c(jstr(a->claims, "iss", "")), id) ||
	    !str_ieq(str_c(jstr(a->claims, "sub", "")), id))
		return assertion_refuse(f, 700021, "Client assertion application identifier "
		    "doesn't match 'client_id' parameter.");
	if (!assertion_audience_ok(a->claims, audience))
		return assertion_refuse(f, 700023, "Client assertion audience claim does not match "
		    "'%.200s', the URL that it was sent to.", audience);
	if (!assertion_times_ok(a->claims, now_us, ret_until_us, f))
		return 0;
	return *ret_until_us <= now_us + LIFE_US ? 1 :
	    assertion_refuse(f, 700024, "Client assertion is not within its valid time range: it "
	    "lives for more than a day.");
}

/* The id is unique within a client only; without one the whole token counts. */
static int check_use(const struct assertion *a, const char *client_id, int64_t until_us,
    int64_t now_us, struct replay *used, struct assertion_fault *f, struct err *e)
{
	const char *jti = json_string_value(json_object_get(a->claims, "jti"));
	auto_buf struct buf text = { 0 };
	int r;

	buf_addf(&text, "%s ", client_id);
	buf_add(&text, jti != NULL ? jti : a->token.p, jti != NULL ? strlen(jti) : a->token.n);
	if (buf_ok(&text, e) != 0)
		return -1;
	r = replay_use(used, buf_str(&text), until_us + LEEWAY_US, now_us, e);
	return r != 0 ? r : assertion_refuse(f, 50027, "JWT token is invalid or malformed: the "
	    "assertion was used before. Each needs a 'jti' of its own; for clients that use one "
	    "again there is 'assertion_uses' in the server's settings.");
}

int assertion_by_certificate(const struct assertion *a, const char *client_id,
    const struct credentials *known, const char *audience, int64_t now_us, struct replay *used,
    struct assertion_fault *ret_fault, struct err *e)
{
	const struct credential *k = find_certificate(a->header, known);
	int64_t until_us;
	int r;

	if (k == NULL)
		return assertion_refuse(ret_fault, 700027, "The certificate with identifier used "
		    "to sign the client assertion is not registered on application. [Reason - The "
		    "key was not found.]");
	r = check_signature(a, k, ret_fault, e);
	if (r != 1)
		return r;
	if (credential_is_over(k, now_us))
		return assertion_refuse(ret_fault, 1000502,
		    "The provided certificate is not within its specified validity period.");
	r = check_claims(a, client_id, audience, now_us, &until_us, ret_fault);
	return r != 1 ? r : check_use(a, client_id, until_us, now_us, used, ret_fault, e);
}
