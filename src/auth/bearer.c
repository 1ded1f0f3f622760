/* bearer.c - see bearer.h. */
#include "auth/bearer.h"

#include <stdio.h>

#include "auth/issuer.h"

static int invalid(struct err *e, const char *why)
{
	return err_http(e, ERR_DENIED, 401, "InvalidAuthenticationToken",
	    "The access token is invalid: %s.", why);
}

static int check_claims(const struct trusted_issuer *issuer, const json_t *claims, int64_t now_us,
    int64_t *ret_until_us, struct err *e)
{
	int64_t from_us = 0, until_us;

	if (*issuer->audience == '\0' || !assertion_audience_ok(claims, issuer->audience))
		return invalid(e, "its audience is not this server");
	if (!token_seconds(claims, "exp", &until_us) ||
	    (jat(claims, "nbf") != NULL && !token_seconds(claims, "nbf", &from_us)))
		return invalid(e, "exp or nbf is missing or no time");
	*ret_until_us = until_us;
	return token_times(from_us, until_us, now_us, e);
}

static int find_principal(struct db *db, const json_t *claims, int64_t now_us,
    struct token_claims *ret, struct err *e)
{
	const char *iss = jstr(claims, "iss", ""), *sub = jstr(claims, "sub", "");
	auto_conn struct db_conn *c = NULL;
	struct credential k;
	struct principal p;
	int found;

	if (db_read_begin(db, &c, e) != 0)
		return -1;
	found = credential_by_subject(c, iss, sub, &k, e);
	if (found > 0 && !credential_is_over(&k, now_us))
		found = principal_get(c, k.client_id, &p, e);
	else if (found > 0)
		found = 0;
	if (found < 0)
		return -1;
	if (found == 0)
		return err_http(e, ERR_DENIED, 403, "AuthorizationFailed", "The subject '%.100s' "
		    "of issuer '%.100s' is no principal's; 'holdfast principal add' registers it.",
		    sub, iss);
	(void)snprintf(ret->client_id, sizeof(ret->client_id), "%s", p.client_id);
	(void)snprintf(ret->object_id, sizeof(ret->object_id), "%s", p.object_id);
	return 0;
}

static int check_trusted(const struct trusted *t, const struct trusted_issuer *issuer,
    const struct assertion *a, struct db *db, int64_t now_us, struct token_claims *ret,
    struct err *e)
{
	struct token_claims c = { 0 };

	if (check_claims(issuer, a->claims, now_us, &c.expires_us, e) != 0)
		return -1;
	if (trusted_verify(t, issuer, a, e) != 0) {
		char why[sizeof(e->msg)];

		memcpy(why, e->msg, sizeof(why));
		return e->kind == ERR_DENIED ? invalid(e, why) :
		    err_http(e, ERR_IO, 503, "ServiceUnavailable", "%s", why);
	}
	if (find_principal(db, a->claims, now_us, &c, e) != 0)
		return -1;
	*ret = c;
	return 0;
}

int bearer_check(const struct token_issuer *own, const struct trusted *t, struct db *db,
    const char *header, int64_t now_us, struct token_claims *ret, struct err *e)
{
	auto_assertion struct assertion a = { 0 };
	const struct trusted_issuer *issuer = NULL;

	if (t != NULL && header != NULL && assertion_parse(token_bearer(header), &a, e) == 0)
		issuer = trusted_find(t, a.claims);
	return issuer != NULL ? check_trusted(t, issuer, &a, db, now_us, ret, e) :
	    token_check(own, header, now_us, ret, e);
}
