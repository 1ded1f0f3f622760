/* t_point_token.c - which tokens open a recovery point in the paired region, and which do not. */
#include "t.h"

#include <sys/stat.h>

#include "auth/point_token.h"
#include "base/clock.h"
#include "base/fs.h"
#include "crypto/jwt.h"

#define TENANT "11111111-2222-4333-8444-555555555555"
#define CALLER "bbbbbbbb-0000-4000-8000-000000000002"
#define NOW_US INT64_C(1715676532000000)	/* 2024-05-14T08:48:52Z */
#define ISSUERS "http://microsoft.dataprotection/issuers/"
#define SCHEMA "http://schemas.windowscloudbackup.com/2010/10/identity/claims/"
#define DAY_US INT64_C(86400000000)
#define SECOND_US INT64_C(1000000)

static char dir[] = "/tmp/t_point_token.XXXXXX", own_path[64], peer_path[64], other_path[64],
	peers[64];

static const struct point_grant grant = { .region = "westus", .vault = "/subscriptions/s/v",
	.item = "/subscriptions/s/v/i", .point = "100000000000001", .object_id = CALLER,
	.vault_number = "12345", .container_number = "678", .source_number = "90" };

static int set_up(void **state)
{
	struct err e;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(own_path, sizeof(own_path), "%s/own.key", dir);
	(void)snprintf(peer_path, sizeof(peer_path), "%s/peer.key", dir);
	(void)snprintf(other_path, sizeof(other_path), "%s/other.key", dir);
	(void)snprintf(peers, sizeof(peers), "%s/peers", dir);
	return jwt_key_create(own_path, &e) != 0 || jwt_key_create(peer_path, &e) != 0 ||
	    jwt_key_create(other_path, &e) != 0 || mkdir(peers, 0700) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char cmd[64];

	(void)state;
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

static void issuer_p(struct token_issuer **t)
{
	token_issuer_close(*t);
}
#define auto_issuer cleanup_with(issuer_p)

static struct token_issuer *open_issuer(const char *key, const char *tenant)
{
	struct token_issuer *t;
	struct err e;

	OK(token_issuer_open(key, tenant, 3600, &t, &e));
	return t;
}

static void issue(const char *key, const char *tenant, struct buf *ret)
{
	auto_issuer struct token_issuer *t = open_issuer(key, tenant);
	struct err e;

	OK(point_token_issue(t, &grant, NOW_US, ret, &e));
}

static void refused(const struct token_issuer *t, const char *token, const char *region,
    const char *caller, int64_t now_us, const char *part)
{
	struct point_grant g = { .region = "untouched" };
	json_t *claims = NULL;
	struct err e;

	FAILS(point_token_check(t, str_c(token), region, caller, now_us, &g, &claims, &e),
	    ERR_INVALID);
	CONTAINS(e.msg, part);
	assert_null(e.code);
	assert_null(claims);
	assert_string_equal(g.region, "untouched");
}

static void a_token_opens_the_point_it_was_given_for(void **state)
{
	auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);
	auto_json json_t *claims = NULL, *late = NULL, *early = NULL;
	auto_buf struct buf token = { 0 };
	struct point_grant g;
	struct err e;

	(void)state;
	OK(point_token_issue(t, &grant, NOW_US, &token, &e));
	OK(point_token_check(t, buf_str(&token), "WestUS", CALLER, NOW_US, &g, &claims, &e));
	assert_string_equal(g.vault, grant.vault);
	assert_string_equal(g.item, grant.item);
	assert_string_equal(g.point, grant.point);
	assert_string_equal(g.vault_number, grant.vault_number);
	assert_string_equal(g.container_number, grant.container_number);
	assert_string_equal(g.source_number, grant.source_number);
	OK(point_token_check(t, buf_str(&token), "westus", CALLER, NOW_US + DAY_US - SECOND_US, &g,
	    &late, &e));
	OK(point_token_check(t, buf_str(&token), "westus", CALLER, NOW_US - 59 * SECOND_US, &g,
	    &early, &e));
}

/* The names that the service's own tokens have. */
static void claims_are_those_of_the_service(void **state)
{
	static const char *const texts[][2] = { { "UserIdentityType", "AAD" },
		{ "AadTenantId", TENANT }, { "PitPermissions", "Read" },
		{ "BackupVaultID", "12345" }, { "ContainerID", "678" }, { "DatasourceID", "90" }, { "PitID", "100000000000001" },
		{ SCHEMA "resourceid", "12345" }, { SCHEMA "containerid", "678" },
		{ "aud", "http://microsoft.dataprotection/ProtectionService" } };
	auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);
	auto_json json_t *claims = NULL;
	auto_buf struct buf token = { 0 };
	char service[GUID_SIZE];
	struct point_grant g;
	struct err e;

	(void)state;
	OK(point_token_issue(t, &grant, NOW_US, &token, &e));
	OK(point_token_check(t, buf_str(&token), "westus", CALLER, NOW_US, &g, &claims, &e));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_string_equal(json_string_value(json_object_get(claims, texts[i][0])),
		    texts[i][1]);
	OK(token_service_principal(t, service, &e));
	assert_string_equal(jstr(claims, "AadSPObjectId", ""), service);
	assert_true(guid_valid(str_c(jstr(claims, "issid", ""))));
	assert_memory_equal(jstr(claims, "iss", ""), ISSUERS, strlen(ISSUERS));
	assert_string_equal(jstr(claims, "iss", "") + strlen(ISSUERS), jstr(claims, "issid", ""));
	assert_int_equal(jint(claims, "nbf", 0), NOW_US / SECOND_US);
	assert_int_equal(jint(claims, "iat", 0), NOW_US / SECOND_US - 300);
	assert_int_equal(jint(claims, "exp", 0), NOW_US / SECOND_US + 86400);
}

static void each_limit_of_a_token_holds(void **state)
{
	auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);
	auto_buf struct buf token = { 0 }, other_tenant = { 0 };

	(void)state;
	issue(own_path, TENANT, &token);
	refused(t, token.p, "eastus", CALLER, NOW_US, "for region 'westus', not for 'eastus'");
	refused(t, token.p, "westus", "bbbbbbbb-0000-4000-8000-000000000003", NOW_US,
	    "another principal");
	refused(t, token.p, "westus", CALLER, NOW_US + DAY_US, "expired at 2024-05-15T08:48:52Z");
	refused(t, token.p, "westus", CALLER, NOW_US - 61 * SECOND_US, "not good yet");
	issue(own_path, "11111111-2222-4333-8444-000000000000", &other_tenant);
	refused(t, other_tenant.p, "westus", CALLER, NOW_US, "another tenant");
	refused(t, "", "westus", CALLER, NOW_US, "not a token");
	refused(t, "a.b.c", "westus", CALLER, NOW_US, "not a token");
}

static void no_changed_character_is_accepted(void **state)
{
	auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);
	auto_buf struct buf token = { 0 };

	(void)state;
	issue(own_path, TENANT, &token);
	for (size_t i = 0; i < token.n; i++) {
		char was = token.p[i];

		token.p[i] = was == 'A' ? 'B' : 'A';
		refused(t, token.p, "westus", CALLER, NOW_US, "not a token");
		token.p[i] = was;
	}
}

static void bearer_tokens_and_point_tokens_do_not_stand_in_for_each_other(void **state)
{
	static const struct principal owner = { .client_id = "aaaaaaaa-0000-4000-8000-000000000001",
		.object_id = CALLER, .name = "admin", .role = "Owner" };
	static const char *const audiences[] = { "https://management.azure.com/",
		POINT_TOKEN_AUDIENCE };
	auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);
	auto_buf struct buf header = { 0 };
	struct token_claims c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(audiences); i++) {
		auto_buf struct buf bearer = { 0 }, as_header = { 0 };

		OK(token_issue(t, &owner, audiences[i], "https://localhost", NOW_US, &bearer, &e));
		refused(t, bearer.p, "westus", CALLER, NOW_US, "token");
		buf_addf(&as_header, "Bearer %s", bearer.p);
		if (i == 0)
			OK(token_check(t, as_header.p, NOW_US, &c, &e));
		else
			FAILS(token_check(t, as_header.p, NOW_US, &c, &e), ERR_DENIED);
	}
	buf_adds(&header, "Bearer ");
	OK(point_token_issue(t, &grant, NOW_US, &header, &e));
	FAILS(token_check(t, header.p, NOW_US, &c, &e), ERR_DENIED);
	assert_string_equal(e.code, "InvalidAuthenticationToken");
}

/* ---- paired servers ---- */

static void put_file(const char *name, struct str text)
{
	char path[128];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/%s", peers, name);
	OK(fs_write_atomic(path, text.p, text.n, 0600, &e));
}

static void put_key_set(const char *name, const char *key)
{
	auto_issuer struct token_issuer *t = open_issuer(key, TENANT);
	auto_json json_t *set = NULL;
	auto_buf struct buf text = { 0 };
	struct err e;

	OK(token_key_set(t, &set, &e));
	OK(jdump(set, &text, &e));
	put_file(name, buf_str(&text));
}

static void drop_file(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", peers, name);
	assert_int_equal(unlink(path), 0);
}

static void tokens_of_paired_servers_are_good_here(void **state)
{
	auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);
	auto_buf struct buf token = { 0 }, foreign = { 0 };
	auto_json json_t *claims = NULL;
	struct point_grant g;
	struct err e;

	(void)state;
	issue(peer_path, TENANT, &token);
	issue(other_path, TENANT, &foreign);
	OK(token_issuer_trust(t, "/nonexistent/peers", &e));
	refused(t, token.p, "westus", CALLER, NOW_US, "not a token");
	put_key_set("eastus.json", peer_path);
	put_file("notes.txt", STR("not read"));
	OK(token_issuer_trust(t, peers, &e));
	drop_file("notes.txt");
	OK(point_token_check(t, buf_str(&token), "westus", CALLER, NOW_US, &g, &claims, &e));
	assert_string_equal(g.point, grant.point);
	refused(t, foreign.p, "westus", CALLER, NOW_US, "not a token");
	drop_file("eastus.json");
}

/* A paired server vouches for recovery points, not for who its callers are. */
static void bearer_tokens_of_paired_servers_are_not(void **state)
{
	static const struct principal owner = { .client_id = "aaaaaaaa-0000-4000-8000-000000000001",
		.object_id = CALLER, .name = "admin", .role = "Owner" };
	auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);
	auto_issuer struct token_issuer *peer = open_issuer(peer_path, TENANT);
	auto_buf struct buf header = { 0 };
	struct token_claims c;
	struct err e;

	(void)state;
	put_key_set("eastus.json", peer_path);
	OK(token_issuer_trust(t, peers, &e));
	buf_adds(&header, "Bearer ");
	OK(token_issue(peer, &owner, "https://m/", "https://localhost", NOW_US, &header, &e));
	FAILS(token_check(t, header.p, NOW_US, &c, &e), ERR_DENIED);
	drop_file("eastus.json");
}

static void bad_key_files_are_named(void **state)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"keys\":[]}", "{\"keys\":7}",
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
		"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_issuer struct token_issuer *t = open_issuer(own_path, TENANT);

		put_file("westus.json", str_c(bad[i]));
		FAILS(token_issuer_trust(t, peers, &e), ERR_INVALID);
		CONTAINS(e.msg, "peers/westus.json");
	}
	drop_file("westus.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_opens_the_point_it_was_given_for),
		cmocka_unit_test(claims_are_those_of_the_service),
		cmocka_unit_test(each_limit_of_a_token_holds),
		cmocka_unit_test(no_changed_character_is_accepted),
		cmocka_unit_test(bearer_tokens_and_point_tokens_do_not_stand_in_for_each_other),
		cmocka_unit_test(tokens_of_paired_servers_are_good_here),
		cmocka_unit_test(bearer_tokens_of_paired_servers_are_not),
		cmocka_unit_test(bad_key_files_are_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
