/* identity_token.c - the token endpoint: client credentials (RFC 6749, 4.4) by a secret or a signed
 * assertion (RFC 7523). */
#include "api/identity.h"
#include "api/identity_proof.h"

#include "arm/text.h"
#include "base/codec.h"
#include "base/log.h"
#include "crypto/crypto.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* "Basic base64(id:secret)", each form-encoded (RFC 6749, 2.3.1). */
static bool read_basic(struct api_call *c, const char *header, struct identity_proof *ret)
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
			*ret = (struct identity_proof){ id, secret, NULL };
	}
	crypto_wipe(pair.p, pair.n);
	return ok;
}

static int refuse_client(struct api_call *c, const char *client_id, bool is_basic,
    const struct identity_refusal *why, struct err *e)
{
	/* Only what is surely no secret is logged. */
	log_event(LOG_WARN, "sign_in_refused", "client",
	    guid_valid(str_c(client_id)) ? client_id : NULL, "remote", c->http->remote,
	    "request_id", c->request_id, NULL);
	if (is_basic)
		http_res_header(c->res, "WWW-Authenticate", "Basic realm=\"holdfast\"");
	return identity_refuse(c, why->status, why->error, why->number, why->text, e);
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

/* What the form, or the header in its place, says of who sends it.  1, 0: *ret_answer is what came
 * of the refusal. */
static int read_proof(struct api_call *c, const struct arm_query *form, struct identity_proof *ret,
    bool *ret_basic, int *ret_answer, struct err *e)
{
	const char *header = http_req_header(c->http, "Authorization");
	const char *type = arm_query_get(form, "client_assertion_type");
	struct identity_proof p = { arm_query_get(form, "client_id"),
		arm_query_get(form, "client_secret"), arm_query_get(form, "client_assertion") };

	if (p.secret == NULL && p.assertion == NULL && header != NULL)
		*ret_basic = read_basic(c, header, &p);
	*ret = p;
	if (p.client_id == NULL || *p.client_id == '\0')
		*ret_answer = missing(c, "client_id", e);
	else if (p.assertion != NULL && (type == NULL || strcmp(type, ASSERTION_TYPE) != 0))
		*ret_answer = identity_refuse(c, 400, "invalid_request", 900144, "The request body "
		    "must contain the parameter 'client_assertion_type' with the value '"
		    ASSERTION_TYPE "'.", e);
	else if (p.assertion == NULL && (p.secret == NULL || *p.secret == '\0'))
		*ret_answer = identity_refuse(c, 401, "invalid_client", 7000218, "The request body "
		    "must contain the following parameter: 'client_assertion' or 'client_secret'.",
		    e);
	else
		return 1;
	return 0;
}

static int refuse_for_now(struct api_call *c, int64_t wait_us, struct err *e)
{
	int64_t wait_s = wait_us > 1000000 ? (wait_us + 999999) / 1000000 : 1;
	const char *text = arena_fmt(&c->arena,
	    "There are too many incoming requests. Please try again after '%lld' seconds.",
	    (long long)wait_s);

	if (text == NULL)
		return err_nomem(e);
	http_res_headerf(c->res, "Retry-After", "%lld", (long long)wait_s);
	return identity_refuse(c, 429, "temporarily_unavailable", 90055, text, e);
}

/* 1; 0: not so often, *ret_answer is what came of saying so; -1. */
static int may_try(struct api_call *c, const struct sign_in *try, int *ret_answer, struct err *e)
{
	int64_t wait_us = 0;
	int r = c->api->sign_ins == NULL ? 1 :
	    sign_ins_begin(c->api->sign_ins, try, c->now_us, &wait_us, e);

	if (r == 0)
		*ret_answer = refuse_for_now(c, wait_us, e);
	return r;
}

static int note_try(struct api_call *c, const struct sign_in *try, bool proved, struct err *e)
{
	return c->api->sign_ins == NULL ? 0 :
	    sign_ins_end(c->api->sign_ins, try, proved, c->now_us, e);
}

/* The proof is whole: does it prove anything? */
static int with_proof(struct api_call *c, const struct identity_proof *proof, const char *wanted,
    bool is_basic, struct err *e)
{
	const struct sign_in try = { c->http->remote, proof->client_id,
		proof->assertion == NULL ? proof->secret : NULL };
	struct identity_refusal why;
	struct principal who = { 0 };
	int answer = 0, r = may_try(c, &try, &answer, e);

	if (r <= 0)
		return r < 0 ? -1 : answer;
	r = identity_prove(c, proof, &who, &why, e);
	if (r < 0 || note_try(c, &try, r > 0, e) != 0)
		return -1;
	return r > 0 ? answer_token(c, &who, wanted, e) :
	    refuse_client(c, proof->client_id, is_basic, &why, e);
}

static int with_form(struct api_call *c, const struct arm_query *form, struct err *e)
{
	const char *grant = arm_query_get(form, "grant_type"), *wanted = audience(c, form);
	struct identity_proof proof = { 0 };
	bool is_basic = false;
	int r;

	if (grant == NULL || *grant == '\0')
		return missing(c, "grant_type", e);
	if (strcmp(grant, "client_credentials") != 0)
		return identity_refuse(c, 400, "unsupported_grant_type", 70003,
		    "The app requested an unsupported grant type. Only 'client_credentials' is "
		    "supported.", e);
	if (read_proof(c, form, &proof, &is_basic, &r, e) == 0)
		return r;
	if (wanted == NULL)
		return missing(c, "scope", e);
	return with_proof(c, &proof, wanted, is_basic, e);
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
