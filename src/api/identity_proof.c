/* identity_proof.c - see identity_proof.h. */
#include "api/identity_proof.h"

#include "auth/assertion.h"
#include "crypto/crypto.h"
#include "model/credential.h"

#define SECRET_BYTES_MAX 1024

/* 0, as "not proved"; -1 if there is no memory for the text. */
static int refuse(struct identity_refusal *why, int64_t number, const char *text, struct err *e)
{
	*why = (struct identity_refusal){ 401, "invalid_client", number, text };
	return text != NULL ? 0 : err_nomem(e);
}

/* ---- by a secret ---- */

static int wrong_secret(struct identity_refusal *why, struct err *e)
{
	return refuse(why, 7000215, "Invalid client secret provided. Ensure the secret being sent "
	    "in the request is the client secret value, not the client secret ID.", e);
}

/* A hash is made in any case, so that time does not tell what a secret begins with. */
static int find_secret(const struct credentials *known, const char *secret,
    const struct credential **ret, struct err *e)
{
	auto_buf struct buf unused = { 0 };
	bool has_hashed = false, match = false;

	for (size_t i = 0; i < known->count; i++) {
		const struct credential *k = &known->all[i];

		if (k->kind != CREDENTIAL_SECRET || strncmp(k->hint, secret, strlen(k->hint)) != 0)
			continue;
		if (secret_check(str_c(secret), k->secret, &match, e) != 0)
			return -1;
		has_hashed = true;
		if (match) {
			*ret = k;
			return 0;
		}
	}
	return has_hashed ? 0 : secret_hash(str_c(secret), &unused, e);
}

static int by_secret(struct api_call *c, const struct identity_proof *p,
    const struct credentials *known, struct identity_refusal *why, struct err *e)
{
	const struct credential *k = NULL;

	if (strlen(p->secret) > SECRET_BYTES_MAX)
		return wrong_secret(why, e);
	if (find_secret(known, p->secret, &k, e) != 0)
		return -1;
	if (k == NULL)
		return wrong_secret(why, e);
	return !credential_is_over(k, c->now_us) ? 1 : refuse(why, 7000222, arena_fmt(&c->arena,
	    "The provided client secret keys for app '%.64s' are expired. 'holdfast principal "
	    "rotate' makes a new one.", p->client_id), e);
}

/* ---- by an assertion ---- */

/* What may go better later: too many assertions at once, an issuer that does not answer. */
static int not_now(struct err *e)
{
	char why[sizeof(e->msg)];

	if (e->kind != ERR_BUSY && e->kind != ERR_IO)
		return -1;
	memcpy(why, e->msg, sizeof(why));
	return err_http(e, ERR_BUSY, 503, "ServiceUnavailable", "%s", why);
}

/* Its own client's, signed by a certificate; or that of a trusted issuer. */
static int by_assertion(struct api_call *c, const struct identity_proof *p,
    const struct credentials *known, struct identity_refusal *why, struct err *e)
{
	const char *url = arena_fmt(&c->arena, "%s" STR_F, c->base_url, STR_A(c->http->path));
	auto_assertion struct assertion a = { 0 };
	struct assertion_fault fault = { 0 };
	int r;

	if (url == NULL)
		return err_nomem(e);
	if (assertion_parse(str_c(p->assertion), &a, e) != 0)
		return e->kind != ERR_DENIED ? -1 : refuse(why, 50027,
		    "JWT token is invalid or malformed.", e);
	r = str_ieq(str_c(jstr(a.claims, "iss", "")), str_c(p->client_id)) ?
	    assertion_by_certificate(&a, p->client_id, known, url, c->now_us, c->api->used, &fault,
	    e) : trusted_prove(c->api->trusted, &a, known, c->now_us, &fault, e);
	if (r < 0)
		return not_now(e);
	return r > 0 ? 1 : refuse(why, fault.number, arena_dup(&c->arena, fault.text), e);
}

/* ---- either ---- */

int identity_prove(struct api_call *c, const struct identity_proof *p, struct principal *ret,
    struct identity_refusal *ret_why, struct err *e)
{
	auto_credentials struct credentials known = { 0 };
	auto_conn struct db_conn *conn = NULL;
	int found;

	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = principal_get(conn, p->client_id, ret, e);
	if (found < 0 || (found > 0 && credentials_load(conn, ret->client_id, &known, e) != 0))
		return -1;
	db_rollback(&conn);	/* hashing is slow: hold nothing meanwhile */
	if (found > 0) {
		/* the stored spelling: uses of an assertion are counted under one id */
		const struct identity_proof its = { ret->client_id, p->secret, p->assertion };

		return p->assertion != NULL ? by_assertion(c, &its, &known, ret_why, e) :
		    by_secret(c, &its, &known, ret_why, e);
	}
	if (refuse(ret_why, 700016, arena_fmt(&c->arena, "Application with identifier '%.64s' was "
	    "not found in the directory '%s'.", p->client_id, c->world->tenant), e) != 0)
		return -1;
	ret_why->status = 400;
	ret_why->error = "unauthorized_client";
	return 0;
}
