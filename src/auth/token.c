/* token.c - see token.h. */
#include "auth/token.h"

#include <stdio.h>

#include "auth/issuer.h"
#include "auth/point_token.h"
#include "base/clock.h"

int token_issuer_open(const char *key_path, const char *tenant, int64_t lifetime_s,
    struct token_issuer **ret, struct err *e)
{
	struct token_issuer *t;

	if (!guid_valid(str_c(tenant)))
		return err_set(e, ERR_INVALID, "tenant '%.60s' is not a GUID", tenant);
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_nomem(e);
	memcpy(t->tenant, tenant, sizeof(t->tenant));
	t->lifetime_s = lifetime_s;
	if (jwt_key_load(key_path, &t->key, e) != 0) {
		token_issuer_close(t);
		return -1;
	}
	*ret = t;
	return 0;
}

void token_issuer_close(struct token_issuer *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->peer_count; i++)
		jwt_key_free(t->peer[i]);
	jwt_key_free(t->key);
	free(t);
}

int64_t token_lifetime_s(const struct token_issuer *t)
{
	return t->lifetime_s;
}

int token_key_set(const struct token_issuer *t, json_t **ret, struct err *e)
{
	return jwt_key_set(t->key, ret, e);
}

int token_issue(const struct token_issuer *t, const struct principal *p, const char *audience,
    const char *base_url, int64_t now_us, struct buf *ret, struct err *e)
{
	int64_t now_s = now_us / 1000000;
	auto_buf struct buf issuer = { 0 };
	auto_json json_t *claims = NULL;

	buf_addf(&issuer, "%s/%s/", base_url, t->tenant);
	if (buf_ok(&issuer, e) != 0)
		return -1;
	claims = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "aud", audience,
	    "iss", issuer.p, "iat", (json_int_t)now_s, "nbf", (json_int_t)now_s, "exp",
	    (json_int_t)(now_s + t->lifetime_s), "tid", t->tenant, "oid", p->object_id, "sub",
	    p->object_id, "appid", p->client_id, "ver", "1.0");
	if (claims == NULL)
		return err_set(
		    e, ERR_INVALID, "signing a token: audience or address is not UTF-8 text");
	return jwt_sign(t->key, claims, ret, e);
}

static int refuse(struct err *e, const char *code, const char *text)
{
	return err_http(e, ERR_DENIED, 401, code, "%s", text);
}

static int invalid(struct err *e)
{
	return refuse(e, "InvalidAuthenticationToken", "The access token is invalid.");
}

struct str token_bearer(const char *header)
{
	struct str s = str_c(header);

	if (!str_istarts(s, STR("Bearer ")))
		return STR("");
	s.p += 7;
	s.n -= 7;
	while (s.n > 0 && *s.p == ' ') {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

static bool copy_guid(const json_t *claims, const char *key, char *out)
{
	const char *v = jstr(claims, key, "");

	if (!guid_valid(str_c(v)))
		return false;
	memcpy(out, v, GUID_SIZE);
	return true;
}

bool token_seconds(const json_t *claims, const char *key, int64_t *ret_us)
{
	int64_t s = jint(claims, key, -1);

	if (s < 0 || s > TOKEN_SECONDS_MAX)
		return false;
	*ret_us = s * 1000000;
	return true;
}

int token_times(int64_t from_us, int64_t until_us, int64_t now_us, struct err *e)
{
	char until[TIME_TEXT_MAX], now[TIME_TEXT_MAX];

	if (now_us >= until_us)
		return err_http(e, ERR_DENIED, 401, "ExpiredAuthenticationToken",
		    "The access token expiry UTC time '%s' is earlier than current UTC time '%s'.",
		    time_us_english(until_us, until), time_us_english(now_us, now));
	if (now_us + TOKEN_LEEWAY_US < from_us)
		return invalid(e);
	return 0;
}

int token_check(const struct token_issuer *t, const char *header, int64_t now_us,
    struct token_claims *ret, struct err *e)
{
	auto_json json_t *claims = NULL;
	struct token_claims c = { 0 };
	struct str token;
	int64_t from_us;

	if (header == NULL || *header == '\0')
		return refuse(e, "AuthenticationFailed",
		    "Authentication failed. The 'Authorization' header is missing.");
	token = token_bearer(header);
	if (token.n == 0)
		return refuse(e, "InvalidAuthenticationToken",
		    "The 'Authorization' header is not of the form 'Bearer <token>'.");
	if (jwt_verify(t->key, token, &claims, e) != 0)
		return e->kind == ERR_DENIED ? invalid(e) : -1;
	if (!str_ieq(str_c(jstr(claims, "tid", "")), str_c(t->tenant)) ||
	    !copy_guid(claims, "appid", c.client_id) || !copy_guid(claims, "oid", c.object_id) ||
	    strcmp(jstr(claims, "aud", ""), POINT_TOKEN_AUDIENCE) == 0 ||
	    !token_seconds(claims, "nbf", &from_us) ||
	    !token_seconds(claims, "exp", &c.expires_us))
		return invalid(e);
	if (token_times(from_us, c.expires_us, now_us, e) != 0)
		return -1;
	*ret = c;
	return 0;
}
