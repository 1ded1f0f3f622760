/* t_auth.c - tokens that are accepted, and every way of forging one that is not; SharedKey. */
#include "t.h"

#include <stdlib.h>
#include <strings.h>

#include "auth/sharedkey.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/codec.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"

#define TENANT "11111111-2222-4333-8444-555555555555"
#define NOW_US INT64_C(1715676532000000)	/* Tue, 14 May 2024 08:48:52 GMT */

static const struct principal owner = {
	.client_id = "aaaaaaaa-0000-4000-8000-000000000001",
	.object_id = "bbbbbbbb-0000-4000-8000-000000000002",
	.name = "admin",
	.role = "Owner",
};

static char dir[] = "/tmp/t_auth.XXXXXX", key_path[64], other_path[64];
static struct token_issuer *issuer;

static int set_up(void **state)
{
	struct err e;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(key_path, sizeof(key_path), "%s/token.key", dir);
	(void)snprintf(other_path, sizeof(other_path), "%s/other.key", dir);
	return jwt_key_create(key_path, &e) != 0 || jwt_key_create(other_path, &e) != 0 ||
	               token_issuer_open(key_path, TENANT, 3600, &issuer, &e) != 0
	           ? -1
	           : 0;
}

static int tear_down(void **state)
{
	char cmd[64];

	(void)state;
	token_issuer_close(issuer);
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

/* "Bearer " and a token of `t`. */
static void issue(const struct token_issuer *t, struct buf *ret)
{
	struct err e;

	buf_adds(ret, "Bearer ");
	OK(token_issue(
	    t, &owner, "https://management.azure.com/", "https://localhost:8443", NOW_US, ret, &e));
}

static void refused(const char *header, int64_t now_us, const char *code)
{
	struct token_claims c = { .expires_us = 42 };
	struct err e;

	FAILS(token_check(issuer, header, now_us, &c, &e), ERR_DENIED);
	assert_int_equal(e.status, 401);
	assert_string_equal(e.code, code);
	assert_int_equal(c.expires_us, 42);
}

static void issued_tokens_are_accepted(void **state)
{
	auto_buf struct buf b = { 0 };
	struct token_claims c;
	struct err e;

	(void)state;
	issue(issuer, &b);
	OK(token_check(issuer, b.p, NOW_US, &c, &e));
	assert_string_equal(c.client_id, owner.client_id);
	assert_string_equal(c.object_id, owner.object_id);
	assert_int_equal(c.expires_us, NOW_US + INT64_C(3600000000));
	OK(token_check(issuer, b.p, NOW_US + INT64_C(3599000000), &c, &e));
	OK(token_check(issuer, b.p, NOW_US - INT64_C(59000000), &c, &e));
	memcpy(b.p, "bEARER", 6);
	OK(token_check(issuer, b.p, NOW_US, &c, &e));
}

static void claims_are_those_that_clients_read(void **state)
{
	static const char *const texts[][2] = { { "aud", "https://management.azure.com/" },
		{ "iss", "https://localhost:8443/" TENANT "/" }, { "tid", TENANT },
		{ "ver", "1.0" }, { "appid", "aaaaaaaa-0000-4000-8000-000000000001" },
		{ "oid", "bbbbbbbb-0000-4000-8000-000000000002" } };
	auto_json json_t *claims = NULL;
	auto_buf struct buf b = { 0 };
	struct jwt_key *key;
	struct err e;

	(void)state;
	issue(issuer, &b);
	OK(jwt_key_load(key_path, &key, &e));
	OK(jwt_verify(key, str_c(b.p + 7), &claims, &e));
	jwt_key_free(key);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_string_equal(jstr(claims, texts[i][0], ""), texts[i][1]);
	assert_int_equal(jint(claims, "iat", 0), NOW_US / 1000000);
	assert_int_equal(jint(claims, "nbf", 0), NOW_US / 1000000);
	assert_int_equal(jint(claims, "exp", 0), NOW_US / 1000000 + 3600);
}

static void absent_expired_and_early_tokens_are_refused(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	issue(issuer, &b);
	refused(NULL, NOW_US, "AuthenticationFailed");
	refused("", NOW_US, "AuthenticationFailed");
	refused("Bearer", NOW_US, "InvalidAuthenticationToken");
	refused("Bearer  ", NOW_US, "InvalidAuthenticationToken");
	refused("Basic dXNlcjpwdw==", NOW_US, "InvalidAuthenticationToken");
	refused("Bearer a.b", NOW_US, "InvalidAuthenticationToken");
	refused("Bearer ..", NOW_US, "InvalidAuthenticationToken");
	refused(b.p, NOW_US + INT64_C(3600000000), "ExpiredAuthenticationToken");
	refused(b.p, NOW_US - INT64_C(61000000), "InvalidAuthenticationToken");
}

static void tokens_of_others_are_refused(void **state)
{
	auto_buf struct buf by_key = { 0 }, by_tenant = { 0 };
	struct token_issuer *t;
	struct err e;

	(void)state;
	OK(token_issuer_open(other_path, TENANT, 3600, &t, &e));
	issue(t, &by_key);
	token_issuer_close(t);
	refused(by_key.p, NOW_US, "InvalidAuthenticationToken");
	OK(token_issuer_open(key_path, "11111111-2222-4333-8444-000000000000", 3600, &t, &e));
	issue(t, &by_tenant);
	token_issuer_close(t);
	refused(by_tenant.p, NOW_US, "InvalidAuthenticationToken");
	FAILS(token_issuer_open(key_path, "not-a-guid", 3600, &t, &e), ERR_INVALID);
	FAILS(token_issuer_open("/nonexistent/key", TENANT, 3600, &t, &e), ERR_NOT_FOUND);
}

static void no_changed_character_is_accepted(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	issue(issuer, &b);
	for (size_t i = 7; i < b.n; i++) {
		char was = b.p[i];

		b.p[i] = was == 'A' ? 'B' : 'A';
		refused(b.p, NOW_US, "InvalidAuthenticationToken");
		b.p[i] = (char)(was ^ 1);
		refused(b.p, NOW_US, "InvalidAuthenticationToken");
		b.p[i] = was;
	}
	for (size_t n = 8; n < b.n; n++) {
		char was = b.p[n];

		b.p[n] = '\0';
		refused(b.p, NOW_US, "InvalidAuthenticationToken");
		b.p[n] = was;
	}
	buf_adds(&b, ".AAAA");
	refused(b.p, NOW_US, "InvalidAuthenticationToken");
}

/* header "." claims "." signature, from texts; `mac_key` NULL: the signature is `signature`. */
static void forge(const char *header, struct str claims, const void *mac_key, size_t mac_key_n,
    const char *signature, struct buf *ret)
{
	uint8_t mac[SHA256_SIZE];
	struct err e;

	buf_adds(ret, "Bearer ");
	base64url_encode(ret, header, strlen(header));
	buf_adds(ret, ".");
	buf_add(ret, claims.p, claims.n);
	if (mac_key != NULL)
		OK(hmac_sha256(mac_key, mac_key_n, ret->p + 7, ret->n - 7, mac, &e));
	buf_adds(ret, ".");
	if (mac_key != NULL)
		base64url_encode(ret, mac, sizeof(mac));
	else
		buf_adds(ret, signature);
}

static void the_token_never_chooses_the_algorithm(void **state)
{
	static const char *const headers[] = { "{\"alg\":\"none\"}",
		"{\"alg\":\"None\",\"typ\":\"JWT\"}", "{\"alg\":\"\"}", "{}", "{\"alg\":\"HS256\"}",
		"{\"alg\":\"RS512\"}", "{\"alg\":[\"RS256\"]}",
		"{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}" };
	auto_buf struct buf good = { 0 }, n_raw = { 0 };
	auto_json json_t *set = NULL;
	struct str claims, signature;
	const char *n;
	struct err e;

	(void)state;
	issue(issuer, &good);
	claims.p = strchr(good.p, '.') + 1;
	claims.n = (size_t)(strrchr(good.p, '.') - claims.p);
	signature = str_c(claims.p + claims.n + 1);
	OK(token_key_set(issuer, &set, &e));
	n = jstr(json_array_get(json_object_get(set, "keys"), 0), "n", NULL);
	assert_non_null(n);
	assert_int_equal(base64_decode(str_c(n), &n_raw), 0);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		auto_buf struct buf empty = { 0 }, old = { 0 }, by_text = { 0 }, by_modulus = { 0 };

		forge(headers[i], claims, NULL, 0, "", &empty);
		refused(empty.p, NOW_US, "InvalidAuthenticationToken");
		forge(headers[i], claims, NULL, 0, signature.p, &old);
		refused(old.p, NOW_US, "InvalidAuthenticationToken");
		forge(headers[i], claims, n, strlen(n), NULL, &by_text);
		refused(by_text.p, NOW_US, "InvalidAuthenticationToken");
		forge(headers[i], claims, n_raw.p, n_raw.n, NULL, &by_modulus);
		refused(by_modulus.p, NOW_US, "InvalidAuthenticationToken");
	}
}

static void signed_claims_must_be_complete(void **state)
{
	static const char *const bad[] = { "{}", "{\"tid\":\"" TENANT "\"}",
		"{\"tid\":\"" TENANT
		"\",\"appid\":\"x\",\"oid\":\"y\",\"nbf\":1,\"exp\":9999999999}",
		"{\"tid\":\"" TENANT "\",\"appid\":\"aaaaaaaa-0000-4000-8000-000000000001\","
		"\"oid\":\"bbbbbbbb-0000-4000-8000-000000000002\",\"nbf\":1}",
		"{\"tid\":\"" TENANT "\",\"appid\":\"aaaaaaaa-0000-4000-8000-000000000001\","
		"\"oid\":\"bbbbbbbb-0000-4000-8000-000000000002\",\"nbf\":1,\"exp\":"
		"9223372036854775807}" };
	struct jwt_key *key;
	struct err e;

	(void)state;
	OK(jwt_key_load(key_path, &key, &e));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_json json_t *claims = NULL;
		auto_buf struct buf b = { 0 };

		OK(jparse(str_c(bad[i]), &claims, &e));
		buf_adds(&b, "Bearer ");
		OK(jwt_sign(key, claims, &b, &e));
		refused(b.p, NOW_US, "InvalidAuthenticationToken");
	}
	jwt_key_free(key);
}

static void the_key_set_shows_only_public_parts(void **state)
{
	auto_json json_t *set = NULL;
	auto_buf struct buf b = { 0 };
	json_t *key;
	struct err e;

	(void)state;
	OK(token_key_set(issuer, &set, &e));
	key = json_array_get(json_object_get(set, "keys"), 0);
	assert_string_equal(jstr(key, "kty", ""), "RSA");
	assert_string_equal(jstr(key, "alg", ""), "RS256");
	assert_string_equal(jstr(key, "use", ""), "sig");
	assert_int_equal(strlen(jstr(key, "kid", "")), 43);
	assert_int_equal(json_object_size(key), 6);
	OK(jdump(set, &b, &e));
	assert_null(strstr(b.p, "\"d\""));
	assert_null(strstr(b.p, "\"p\""));
}

/* ---- SharedKey: requests from tables of headers ---- */

#define ACCOUNT "restorestore"
#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

struct fake {
	const char *header[12][2];
};

const char *http_req_header(const struct http_req *r, const char *name)
{
	const struct fake *f = r->impl;

	for (size_t i = 0; f->header[i][0] != NULL; i++)
		if (strcasecmp(f->header[i][0], name) == 0)
			return f->header[i][1];
	return NULL;
}

void http_req_each(const struct http_req *r, http_header_fn *fn, void *arg)
{
	const struct fake *f = r->impl;

	for (size_t i = 0; f->header[i][0] != NULL; i++)
		fn(arg, f->header[i][0], f->header[i][1]);
}

static int check(const struct fake *f, const char *path, const struct arm_query *q, int64_t now_us,
    struct err *e)
{
	static const char *const keys[] = { "c2Vjb25k", KEY };
	struct http_req r = { .method = "GET", .path = str_c(path), .impl = f };

	return sharedkey_check(&r, q, ACCOUNT, keys, 2, now_us, e);
}

/* A header value signing `text` with KEY. */
static const char *authorization(const char *text, struct buf *b)
{
	struct err e;

	buf_adds(b, "SharedKey " ACCOUNT ":");
	OK(sharedkey_sign(KEY, str_c(text), b, &e));
	return b->p;
}

#define DATE "Tue, 14 May 2024 08:48:52 GMT"

static const struct arm_query list_query = {
	.pair = { { "restype", "container" }, { "Comp", "list" }, { "include", "snapshots" },
	          { "include", "metadata" } },
	.count = 4,
};

static void a_known_signature_is_made(void **state)
{
	auto_buf struct buf b = { 0 };
	struct err e;

	(void)state;
	OK(sharedkey_sign(KEY, STR("what do ya want for nothing?"), &b, &e));
	assert_string_equal(b.p, "E35lV8PBOhyl3H5So4mg+Gvoy020rmHGI5YFiwCsrNA=");
	FAILS(sharedkey_sign("!", STR("x"), &b, &e), ERR_INVALID);
}

static void a_signed_request_passes_in_both_path_styles(void **state)
{
	static const char *const prefixes[] = { "/" ACCOUNT "/" ACCOUNT "/c", "/" ACCOUNT "/c" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		auto_buf struct buf text = { 0 }, auth = { 0 };
		struct fake f = { { { "x-ms-version", " 2021-08-06 " }, { "X-MS-Date", DATE },
		    { "Date", "ignored" }, { "Content-Length", "0" }, { "Range", "bytes=0-511" },
		    { "Accept", "*/*" } } };

		buf_addf(&text,
		    "GET\n\n\n\n\n\n\n\n\n\n\nbytes=0-511\nx-ms-date:" DATE
		    "\nx-ms-version:2021-08-06\n%s\ncomp:list\ninclude:metadata,snapshots\nrestype:"
		    "container",
		    prefixes[i]);
		f.header[6][0] = "Authorization";
		f.header[6][1] = authorization(text.p, &auth);
		f.header[0][1] = "2021-08-06";
		OK(check(&f, "/" ACCOUNT "/c", &list_query, NOW_US, &e));
		/* anything that is signed and changed */
		FAILS(check(&f, "/" ACCOUNT "/d", &list_query, NOW_US, &e), ERR_DENIED);
		FAILS(check(&f, "/" ACCOUNT "/c", &(struct arm_query){ .count = 0 }, NOW_US, &e),
		    ERR_DENIED);
		f.header[4][1] = "bytes=0-512";
		FAILS(check(&f, "/" ACCOUNT "/c", &list_query, NOW_US, &e), ERR_DENIED);
		f.header[4][1] = "bytes=0-511";
		f.header[5][0] = "x-ms-range";
		FAILS(check(&f, "/" ACCOUNT "/c", &list_query, NOW_US, &e), ERR_DENIED);
		assert_int_equal(e.status, 403);
		assert_string_equal(e.code, "AuthenticationFailed");
	}
}

static void a_zero_length_counts_before_2015(void **state)
{
	auto_buf struct buf auth = { 0 };
	struct fake f = { { { "x-ms-version", "2014-02-14" }, { "Date", DATE },
	    { "Content-Length", "0" } } };
	struct arm_query none = { .count = 0 };
	struct err e;

	(void)state;
	f.header[3][0] = "Authorization";
	f.header[3][1] = authorization("GET\n\n\n0\n\n\n" DATE
				       "\n\n\n\n\n\nx-ms-version:2014-02-14\n"
				       "/" ACCOUNT "/c/b",
	    &auth);
	OK(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US, &e));
	f.header[0][1] = "2015-02-21";
	FAILS(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US, &e), ERR_DENIED);
}

static void dates_must_be_near(void **state)
{
	auto_buf struct buf auth = { 0 }, undated = { 0 };
	struct fake f = { { { "x-ms-date", DATE } } };
	struct arm_query none = { .count = 0 };
	const int64_t minute = INT64_C(60000000);
	struct err e;

	(void)state;
	f.header[1][0] = "Authorization";
	f.header[1][1] = authorization(
	    "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:" DATE "\n/" ACCOUNT "/c/b", &auth);
	OK(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US + 15 * minute, &e));
	OK(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US - 15 * minute, &e));
	FAILS(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US + 15 * minute + 1, &e), ERR_DENIED);
	FAILS(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US - 15 * minute - 1, &e), ERR_DENIED);
	f.header[0][1] = "yesterday";
	FAILS(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US, &e), ERR_DENIED);
	CONTAINS(e.msg, "RFC 1123");
	f.header[0][0] = "Accept";
	f.header[1][1] = authorization("GET\n\n\n\n\n\n\n\n\n\n\n\n/" ACCOUNT "/c/b", &undated);
	FAILS(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US, &e), ERR_DENIED);
}

static void other_forms_of_authorization_are_refused(void **state)
{
	static const char *const bad[] = { "", "SharedKey", "SharedKey ", "SharedKey " ACCOUNT,
		"SharedKey " ACCOUNT ":", "SharedKey other:AAAA", "SharedKey " ACCOUNT "x:AAAA",
		"SharedKeyLite " ACCOUNT ":AAAA", "SharedKey " ACCOUNT ":AAAA", "Bearer x" };
	struct arm_query none = { .count = 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fake f = { { { "x-ms-date", DATE }, { "Authorization", bad[i] } } };

		FAILS(check(&f, "/" ACCOUNT "/c/b", &none, NOW_US, &e), ERR_DENIED);
		assert_int_equal(e.status, 403);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issued_tokens_are_accepted),
		cmocka_unit_test(claims_are_those_that_clients_read),
		cmocka_unit_test(absent_expired_and_early_tokens_are_refused),
		cmocka_unit_test(tokens_of_others_are_refused),
		cmocka_unit_test(no_changed_character_is_accepted),
		cmocka_unit_test(the_token_never_chooses_the_algorithm),
		cmocka_unit_test(signed_claims_must_be_complete),
		cmocka_unit_test(the_key_set_shows_only_public_parts),
		cmocka_unit_test(a_known_signature_is_made),
		cmocka_unit_test(a_signed_request_passes_in_both_path_styles),
		cmocka_unit_test(a_zero_length_counts_before_2015),
		cmocka_unit_test(dates_must_be_near),
		cmocka_unit_test(other_forms_of_authorization_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
