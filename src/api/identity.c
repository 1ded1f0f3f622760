/* identity.c - health, and the documents by which clients find the token endpoint. */
#include "api/identity.h"

#include "base/clock.h"
#include "model/principal.h"

static int health(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_free char *tenant = NULL;
	struct err why;

	if (db_read_begin(c->world->db, &conn, &why) != 0 ||
	    fact_get(conn, "tenant", &tenant, &why) < 0)
		return err_http(e, why.kind, 503, "ServiceUnavailable", "the database: %s",
		    why.msg);
	return api_json(c, 200,
	    json_pack("{s:s, s:s}", "status", "ok", "version", HOLDFAST_VERSION), e);
}

bool identity_tenant_ok(const struct api_call *c)
{
	struct str given;

	if (c->param_count == 0)
		return true;
	given = str_c(c->param[0]);
	return str_ieq(given, str_c(c->world->tenant)) || str_ieq(given, STR("common")) ||
	       str_ieq(given, STR("organizations"));
}

int identity_refuse(struct api_call *c, int status, const char *error, int64_t number,
    const char *text, struct err *e)
{
	char when[TIME_TEXT_MAX];
	const char *whole;

	(void)time_iso_seconds(c->now_us, when);
	when[10] = ' ';	/* "2024-05-14 08:48:52Z" */
	whole = arena_fmt(&c->arena,
	    "AADSTS%lld: %s Trace ID: %s Correlation ID: %s Timestamp: %s", (long long)number, text,
	    c->request_id, c->client_request_id, when);
	if (whole == NULL)
		return err_nomem(e);
	return api_json(c, status,
	    json_pack("{s:s, s:s, s:[I], s:s, s:s, s:s}", "error", error, "error_description",
		whole, "error_codes", (json_int_t)number, "timestamp", when, "trace_id",
		c->request_id, "correlation_id", c->client_request_id),
	    e);
}

static int wrong_tenant(struct api_call *c, struct err *e)
{
	const char *text = arena_fmt(&c->arena, "Tenant '%.64s' not found.", c->param[0]);

	return text == NULL ? err_nomem(e)
			    : identity_refuse(c, 400, "invalid_tenant", 90002, text, e);
}

int identity_configuration(struct api_call *c, struct err *e)
{
	bool adfs = c->path.count > 0 && str_ieq(c->path.segment[0], STR("adfs"));
	const char *tenant = c->world->tenant, *at, *token, *keys;
	auto_json json_t *doc = NULL;

	if (!identity_tenant_ok(c))
		return wrong_tenant(c, e);
	at = adfs && c->param_count > 0
		 ? arena_fmt(&c->arena, "%s/adfs/%s/oauth2/v2.0", c->base_url, tenant)
	     : adfs ? arena_fmt(&c->arena, "%s/adfs/oauth2", c->base_url)
		  : arena_fmt(&c->arena, "%s/%s/oauth2/v2.0", c->base_url, tenant);
	keys = adfs ? arena_fmt(&c->arena, "%s/adfs/discovery/keys", c->base_url)
		    : arena_fmt(&c->arena, "%s/%s/discovery/v2.0/keys", c->base_url, tenant);
	token = arena_fmt(&c->arena, "%s/token", at != NULL ? at : "");
	/* The issuer is what tokens carry as "iss", whichever way they were asked for. */
	doc = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[s, s, s], s:[s, s], s:[s], s:[s],"
	    " s:[s]}", "issuer",
	    arena_fmt(&c->arena, "%s/%s/", c->base_url, tenant), "authorization_endpoint",
	    arena_fmt(&c->arena, "%s/authorize", at != NULL ? at : ""), "token_endpoint", token,
	    "jwks_uri", keys, "grant_types_supported", "client_credentials",
	    "token_endpoint_auth_methods_supported", "client_secret_post", "client_secret_basic",
	    "private_key_jwt", "token_endpoint_auth_signing_alg_values_supported", "RS256", "PS256",
	    "response_types_supported", "token", "subject_types_supported", "pairwise",
	    "id_token_signing_alg_values_supported", "RS256");
	return at == NULL ? err_nomem(e) : api_json(c, 200, TAKE(doc), e);
}

int identity_keys(struct api_call *c, struct err *e)
{
	json_t *keys = NULL;

	if (!identity_tenant_ok(c))
		return wrong_tenant(c, e);
	return token_key_set(c->api->issuer, &keys, e) != 0 ? -1 : api_json(c, 200, keys, e);
}

#define OPEN (API_NO_TOKEN | API_NO_VERSION)

/* Literal "adfs" comes before {tenant}, which would take it. */
const struct api_route identity_routes[] = {
	{ "GET", "health", health, OPEN, NULL },
	{ "GET", "metadata/endpoints", cloud_metadata, OPEN, NULL },
	{ "POST", "adfs/oauth2/token", identity_token, OPEN | API_RAW, NULL },
	{ "POST", "adfs/{tenant}/oauth2/v2.0/token", identity_token, OPEN | API_RAW, NULL },
	{ "POST", "{tenant}/oauth2/v2.0/token", identity_token, OPEN | API_RAW, NULL },
	{ "POST", "{tenant}/oauth2/token", identity_token, OPEN | API_RAW, NULL },
	{ "GET", "adfs/.well-known/openid-configuration", identity_configuration, OPEN, NULL },
	{ "GET", "{tenant}/v2.0/.well-known/openid-configuration", identity_configuration, OPEN,
	    NULL },
	{ "GET", "{tenant}/.well-known/openid-configuration", identity_configuration, OPEN, NULL },
	{ "GET", "adfs/{tenant}/v2.0/.well-known/openid-configuration", identity_configuration,
	    OPEN, NULL },
	{ "GET", "adfs/discovery/keys", identity_keys, OPEN, NULL },
	{ "GET", "{tenant}/discovery/v2.0/keys", identity_keys, OPEN, NULL },
	{ "GET", "{tenant}/discovery/keys", identity_keys, OPEN, NULL },
	{ "GET", "{tenant}/discovery/instance", instance_discovery, OPEN, NULL },
	{ 0 },
};
