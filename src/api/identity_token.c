/* identity_token.c - the token endpoint: client credentials (RFC 6749, 4.4) by a secret. */
#include "api/identity.h"

#include "arm/text.h"
#include "base/codec.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "model/credential.h"

#define SECRET_BYTES_MAX 1024

struct claim {
	const char *id, *secret;
	bool basic;	/* they came in an Authorization header */
};

/* "Basic base64(id:secret)", each form-encoded (RFC 6749, 2.3.1). */
static bool read_basic(struct api_call *c, const char *header, struct claim *ret)
{
	auto_buf struct buf pair = { 0 };
	struct str text = str_c(header);
	const char *colon;
	char *id, *secret;
	bool ok = false;
	struct err e;

	if (!str_istarts(text, STR("Basic ")) ||
	    base64_decode((struct str){ text.p + 6, text.n - 6 }, &pair) != 0 || pair.n == 0)
		return false;
	colon = memchr(pair.p, ':', pair.n);
	if (colon != NULL) {
		struct str left = { pair.p, (size_t)(colon - pair.p) };
		struct str right = { colon + 1, pair.n - left.n - 1 };

		ok = text_decode(&c->arena, left, true, "client id", &id, &e) == 0 &&
		    text_decode(&c->arena, right, true, "client secret", &secret, &e) == 0;
		if (ok)
			*ret = (struct claim){ id, secret, true };
	}
	crypto_wipe(pair.p, pair.n);
	return ok;
}

/* What came of a proof. */
enum outcome { HOLDS, UNKNOWN_CLIENT, WRONG_SECRET, EXPIRED_SECRET };

/* A hash is made in any case, so that time does not tell what a secret begins with. */
static int compare(const struct credentials *known, const struct claim *claim, int64_t now_us,
    enum outcome *ret, struct err *e)
{
	auto_buf struct buf unused = { 0 };
	bool has_hashed = false, match = false;

	*ret = WRONG_SECRET;
	for (size_t i = 0; i < known->count && *ret != HOLDS; i++) {
		const struct credential *k = &known->all[i];

		if (k->kind != CREDENTIAL_SECRET ||
		    strncmp(k->hint, claim->secret, strlen(k->hint)) != 0)
			continue;
		if (secret_check(str_c(claim->secret), k->secret, &match, e) != 0)
			return -1;
		has_hashed = true;
		if (match)
			*ret = credential_is_over(k, now_us) ? EXPIRED_SECRET : HOLDS;
	}
	return has_hashed ? 0 : secret_hash(str_c(claim->secret), &unused, e);
}

static int prove(struct api_call *c, const struct claim *claim, struct principal *ret,
    enum outcome *ret_outcome, struct err *e)
{
	auto_credentials struct credentials known = { 0 };
	auto_conn struct db_conn *conn = NULL;
	int found;

	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = principal_get(conn, claim->id, ret, e);
	if (found < 0 || (found > 0 && credentials_load(conn, ret->client_id, &known, e) != 0))
		return -1;
	db_rollback(&conn);	/* hashing is slow: hold nothing meanwhile */
	*ret_outcome = UNKNOWN_CLIENT;
	return found == 0 ? 0 : compare(&known, claim, c->now_us, ret_outcome, e);
}

static int refuse_client(struct api_call *c, const struct claim *claim, enum outcome why,
    struct err *e)
{
	const char *text;

	/* Only what is surely no secret is logged. */
	log_event(LOG_WARN, "sign_in_refused", "client",
	    guid_valid(str_c(claim->id)) ? claim->id : NULL, "remote", c->http->remote,
	    "request_id", c->request_id, NULL);
	if (claim->basic)
		http_res_header(c->res, "WWW-Authenticate", "Basic realm=\"holdfast\"");
	if (why == UNKNOWN_CLIENT) {
		text = arena_fmt(&c->arena, "Application with identifier '%.64s' was not found in "
		    "the directory '%s'.", claim->id, c->world->tenant);
		return text == NULL ? err_nomem(e)
				    : identity_refuse(c, 400, "unauthorized_client", 700016, text, e);
	}
	if (why == EXPIRED_SECRET) {
		text = arena_fmt(&c->arena, "The provided client secret keys for app '%.64s' are "
		    "expired. 'holdfast principal rotate' makes a new one.", claim->id);
		return text == NULL ? err_nomem(e)
				    : identity_refuse(c, 401, "invalid_client", 7000222, text, e);
	}
	return identity_refuse(c, 401, "invalid_client", 7000215,
	    "Invalid client secret provided. Ensure the secret being sent in the request is the "
	    "client secret value, not the client secret ID.", e);
}

static int missing(struct api_call *c, const char *name, struct err *e)
{
	const char *text = arena_fmt(&c->arena,
	    "The request body must contain the following parameter: '%s'.", name);

	return text == NULL ? err_nomem(e)
			    : identity_refuse(c, 400, "invalid_request", 900144, text, e);
}

/* What the token is for: the first scope without "/.default", or the resource. */
static const char *audience(struct api_call *c, const struct arm_query *form)
{
	const char *given = arm_query_get(form, "scope");
	struct str s;

	if (given == NULL || *given == '\0')
		given = arm_query_get(form, "resource");
	if (given == NULL)
		return NULL;
	given += strspn(given, " ");
	s = (struct str){ given, strcspn(given, " ") };
	if (s.n > strlen("/.default") &&
	    memcmp(s.p + s.n - strlen("/.default"), "/.default", strlen("/.default")) == 0)
		s.n -= strlen("/.default");
	return s.n > 0 ? arena_str(&c->arena, s) : NULL;
}

static int answer_token(struct api_call *c, const struct principal *who, const char *audience,
    struct err *e)
{
	auto_buf struct buf token = { 0 };
	json_int_t lifetime = token_lifetime_s(c->api->issuer);

	if (token_issue(c->api->issuer, who, audience, c->base_url, c->now_us, &token, e) != 0)
		return -1;
	return api_json(c, 200,
	    json_pack("{s:s, s:I, s:I, s:s}", "token_type", "Bearer", "expires_in", lifetime,
		"ext_expires_in", lifetime, "access_token", token.p),
	    e);
}

static int with_form(struct api_call *c, const struct arm_query *form, struct err *e)
{
	const char *header = http_req_header(c->http, "Authorization");
	const char *grant = arm_query_get(form, "grant_type"), *wanted = audience(c, form);
	struct claim claim = { arm_query_get(form, "client_id"),
		arm_query_get(form, "client_secret"), false };
	struct principal who = { 0 };
	enum outcome outcome = WRONG_SECRET;

	if (grant == NULL || *grant == '\0')
		return missing(c, "grant_type", e);
	if (strcmp(grant, "client_credentials") != 0)
		return identity_refuse(c, 400, "unsupported_grant_type", 70003,
		    "The app requested an unsupported grant type. Only 'client_credentials' with a "
		    "client secret is supported.",
		    e);
	if (claim.secret == NULL && header != NULL)
		(void)read_basic(c, header, &claim);
	if (claim.id == NULL || *claim.id == '\0')
		return missing(c, "client_id", e);
	if (claim.secret == NULL || *claim.secret == '\0')
		return identity_refuse(c, 401, "invalid_client", 7000218,
		    "The request body must contain the following parameter: 'client_secret'.", e);
	if (wanted == NULL)
		return missing(c, "scope", e);
	if (strlen(claim.secret) > SECRET_BYTES_MAX)
		return refuse_client(c, &claim, WRONG_SECRET, e);
	if (prove(c, &claim, &who, &outcome, e) != 0)
		return -1;
	return outcome == HOLDS ? answer_token(c, &who, wanted, e)
				: refuse_client(c, &claim, outcome, e);
}

int identity_token(struct api_call *c, struct err *e)
{
	struct arm_query form = { 0 };
	struct err unused;

	http_res_header(c->res, "Cache-Control", "no-store");
	http_res_header(c->res, "Pragma", "no-cache");
	http_res_header(c->res, "X-Content-Type-Options", "nosniff");
	if (!identity_tenant_ok(c)) {
		const char *text = arena_fmt(&c->arena,
		    "Tenant '%.64s' not found. Check that the tenant id is this server's.",
		    c->param[0]);

		return text == NULL ? err_nomem(e)
				    : identity_refuse(c, 400, "invalid_request", 90002, text, e);
	}
	/* The parser's own words might quote a secret: they are not passed on. */
	if (arm_query_parse(&c->arena, c->http->body, &form, &unused) != 0)
		return identity_refuse(c, 400, "invalid_request", 900144,
		    "The request body must be of type application/x-www-form-urlencoded.", e);
	return with_form(c, &form, e);
}
