/* point_token.c - see point_token.h. */
#include "auth/point_token.h"

#include "auth/issuer.h"
#include "base/clock.h"
#include "crypto/crypto.h"

#define LIFETIME_S 86400
#define EARLIER_S 300	/* "iat" lies before "nbf", as in the service's tokens */
#define ISSUERS "http://microsoft.dataprotection/issuers/"
#define SCHEMA "http://schemas.windowscloudbackup.com/2010/10/identity/claims/"

/* A GUID made of a name, the same each time (RFC 9562 version 8). */
static int name_guid(const char *tenant, const char *what, char ret[GUID_SIZE], struct err *e)
{
	static const char digits[] = "xxxxxxxx-xxxx-8xxx-8xxx-xxxxxxxxxxxx";
	auto_buf struct buf name = { 0 };
	uint8_t hash[SHA256_SIZE];
	char hex[HEX_SIZE(SHA256_SIZE)];
	size_t used = 0;

	buf_addf(&name, "%s/%s", tenant, what);
	if (buf_ok(&name, e) != 0 || sha256(name.p, name.n, hash, e) != 0)
		return -1;
	(void)hex_encode(hash, sizeof(hash), hex);
	for (size_t i = 0; i < sizeof(digits); i++)
		ret[i] = digits[i] == 'x' ? hex[used++] : digits[i];
	return 0;
}

int token_service_principal(const struct token_issuer *t, char ret[GUID_SIZE], struct err *e)
{
	return name_guid(t->tenant, "backup management service", ret, e);
}

/* "issid" and "iss" of every token of the tenant. */
static int issuer_of(const struct token_issuer *t, char ret_id[GUID_SIZE], struct buf *ret,
    struct err *e)
{
	if (name_guid(t->tenant, "issuer of point tokens", ret_id, e) != 0)
		return -1;
	buf_addf(ret, ISSUERS "%s", ret_id);
	return buf_ok(ret, e);
}

int point_token_issue(const struct token_issuer *t, const struct point_grant *g, int64_t now_us,
    struct buf *ret, struct err *e)
{
	json_int_t now_s = now_us / 1000000;
	auto_buf struct buf issuer = { 0 };
	auto_json json_t *claims = NULL;
	char id[GUID_SIZE], service[GUID_SIZE];

	if (issuer_of(t, id, &issuer, e) != 0 || token_service_principal(t, service, e) != 0)
		return -1;
	claims = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
	    "UserIdentityType", "AAD", "AadTenantId", t->tenant, "AadSPObjectId", service,
	    "PitPermissions", "Read", "BackupVaultID", g->vault_number, "ContainerID",
	    g->container_number, "DatasourceID", g->source_number, "PitID", g->point, "issid", id,
	    SCHEMA "resourceid", g->vault_number, SCHEMA "containerid", g->container_number);
	if (claims == NULL || json_object_update_new(claims, json_pack("{s:I, s:I, s:I, s:s, s:s}",
	    "nbf", now_s, "iat", now_s - EARLIER_S, "exp", now_s + LIFETIME_S, "iss", issuer.p,
	    "aud", POINT_TOKEN_AUDIENCE)) != 0 || json_object_update_new(claims,
	    json_pack("{s:s, s:s, s:s, s:s}", "oid", g->object_id, "region", g->region, "vault",
	    g->vault, "item", g->item)) != 0)
		return err_nomem(e);
	return jwt_sign(t->key, claims, ret, e);
}

static int wrong(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "%s", what);
}

static int verify(const struct token_issuer *t, struct str token, json_t **ret, struct err *e)
{
	int rc = jwt_verify(t->key, token, ret, e);

	for (size_t i = 0; rc != 0 && e->kind == ERR_DENIED && i < t->peer_count; i++)
		rc = jwt_verify(t->peer[i], token, ret, e);
	if (rc != 0 && e->kind == ERR_DENIED)
		return wrong(e,
		    "this is not a token that this server or a paired one has given out");
	return rc;
}

static int check_kind(const struct token_issuer *t, const json_t *claims, struct err *e)
{
	auto_buf struct buf issuer = { 0 };
	char id[GUID_SIZE];

	if (strcmp(jstr(claims, "aud", ""), POINT_TOKEN_AUDIENCE) != 0)
		return wrong(e, "this is a token for something else than a recovery point");
	if (issuer_of(t, id, &issuer, e) != 0)
		return -1;
	if (strcmp(jstr(claims, "iss", ""), issuer.p) != 0 ||
	    !str_ieq(str_c(jstr(claims, "AadTenantId", "")), str_c(t->tenant)))
		return wrong(e, "this is the token of another tenant");
	return 0;
}

static int check_times(const json_t *claims, int64_t now_us, struct err *e)
{
	char until[TIME_TEXT_MAX], now[TIME_TEXT_MAX];
	int64_t from_us, until_us;

	if (!token_seconds(claims, "nbf", &from_us) || !token_seconds(claims, "exp", &until_us))
		return wrong(e, "this token does not say from when to when it is good");
	if (now_us >= until_us)
		return err_set(e, ERR_INVALID,
		    "the token expired at %s, and it is %s now; get a new one", time_iso_seconds(until_us, until), time_iso_seconds(now_us, now));
	if (now_us + TOKEN_LEEWAY_US < from_us)
		return wrong(e, "this token is not good yet: the clocks of the servers differ");
	return 0;
}

static int read_grant(const json_t *claims, struct point_grant *ret, struct err *e)
{
	const struct {
		const char *claim, **to;
	} texts[] = { { "region", &ret->region }, { "vault", &ret->vault }, { "item", &ret->item },
		{ "PitID", &ret->point }, { "oid", &ret->object_id },
		{ "BackupVaultID", &ret->vault_number }, { "ContainerID", &ret->container_number },
		{ "DatasourceID", &ret->source_number } };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		*texts[i].to = jstr(claims, texts[i].claim, "");
		if (**texts[i].to == '\0')
			return err_set(e, ERR_INVALID, "the token lacks the claim '%s'",
			    texts[i].claim);
	}
	return 0;
}

int point_token_check(const struct token_issuer *t, struct str token, const char *region,
    const char *object_id, int64_t now_us, struct point_grant *ret, json_t **ret_claims,
    struct err *e)
{
	auto_json json_t *claims = NULL;
	struct point_grant g = { 0 };

	if (verify(t, token, &claims, e) != 0 || check_kind(t, claims, e) != 0 ||
	    check_times(claims, now_us, e) != 0 || read_grant(claims, &g, e) != 0)
		return -1;
	if (!str_ieq(str_c(g.region), str_c(region)))
		return err_set(e, ERR_INVALID, "the token is for region '%s', not for '%s'",
		    g.region, region);
	if (!str_ieq(str_c(g.object_id), str_c(object_id)))
		return wrong(e, "the token was given to another principal");
	*ret = g;
	*ret_claims = TAKE(claims);
	return 0;
}
