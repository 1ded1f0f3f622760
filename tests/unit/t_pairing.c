/* t_pairing.c - what one server of a pair tells the other: read whole, or the fault is named. */
#include "t.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cli/datadir.h"
#include "cli/env.h"

#define TENANT "11111111-1111-4111-8111-111111111111"
#define SUBSCRIPTION "22222222-2222-4222-8222-222222222222"
#define ADMIN "33333333-3333-4333-8333-333333333333"
#define OTHER "44444444-4444-4444-8444-444444444444"
#define MODULUS "oq6PqW-hVWiMYGUKhgQqQdDozVJay2bab0ntByDDVGADVaeDHW5rk7nExzbvcrimPj9LEApQoYbLh4n9" \
	"5U837Ys6-Shj4KaSfxpvjpBvZCnBiMqcLxoszXJrkXxvJUTFVravNZNPFX4N1yOniecHcndfZPqCGU5I" \
	"wJDwfiMVr6NCamm-Zy6XnoIPQIqxaSq-l8vn937LzSQuwlJhmgZbG8FbNU9vSGOTTO4oCDsGWw313TCr" \
	"SbiuA92nJIS9Kxh6NniQcwyO74exN9d9THHspMIduUZE-ZkemYZoNxzc7_NBNX7UlGTO3qI8yOxNPWka" \
	"ms-RkJd3gUtHhUWdPFnxaQ"
#define KEY_OF(n) "{\"kty\":\"RSA\",\"kid\":\"k1\",\"n\":\"" n "\",\"e\":\"AQAB\""
#define KEY KEY_OF(MODULUS)
#define KEY_TEXT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PRINCIPAL(id, name) "{\"clientId\":\"" id "\",\"objectId\":\"" id "\",\"name\":\"" name \
	"\",\"role\":\"Owner\",\"credentials\":[{\"id\":\"" id "\",\"kind\":\"secret\"," \
	"\"expiresUs\":7,\"hint\":\"abc\",\"secret\":\"hash of " name "\"}]}"
#define SECRETS(principals) ",\"secrets\":{\"pairKey\":\"" KEY_TEXT "\",\"administrator\":" \
	"{\"clientId\":\"" ADMIN "\",\"clientSecret\":\"se'cret\"},\"principals\":[" principals "]}"
#define TWO PRINCIPAL(ADMIN, "admin") "," PRINCIPAL(OTHER, "backup script")
#define AT(region, server, keys, rest) "{\"version\":2,\"region\":\"" region "\",\"pair\":" \
	"\"westus\",\"server\":\"" server "\",\"tenant\":\"" TENANT "\",\"subscription\":\"" \
	SUBSCRIPTION "\",\"keys\":" keys rest "}"
#define DOC(region, keys, rest) AT(region, "https://a.example:8443", keys, rest)

static char top[] = "/tmp/t_pairing.XXXXXX";

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) != NULL ? 0 : -1;
}

static int remove_top(void **state)
{
	char cmd[64];

	(void)state;
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", top);
	return system(cmd);
}

static void what_is_said_is_read(void **state)
{
	static const char with[] = DOC("eastus", "[" KEY ",\"d\":\"private\"}]", SECRETS(TWO));
	auto_pairing struct pairing p = { 0 }, again = { 0 };
	auto_buf struct buf out = { 0 };
	auto_json json_t *doc = NULL;
	struct err e;

	(void)state;
	OK(pairing_parse(str_c(with), &p, &e));
	assert_string_equal(p.region, "eastus");
	assert_string_equal(p.pair, "westus");
	assert_string_equal(p.server, "https://a.example:8443");
	assert_true(p.has_secrets);
	assert_int_equal(p.pair_key[1], 0x11);
	assert_int_equal(p.count, 2);
	assert_string_equal(p.principals[1].name, "backup script");
	assert_int_equal(p.credential_count, 2);
	assert_string_equal(p.credentials[1].client_id, OTHER);
	assert_string_equal(p.credentials[1].secret, "hash of backup script");
	assert_int_equal(p.credentials[1].expires_us, 7);
	/* a private member that came along is not kept */
	assert_string_equal(jstr(json_array_get(p.keys, 0), "n", ""), MODULUS);
	assert_null(jat(json_array_get(p.keys, 0), "d"));
	OK(pairing_json(&p, &doc, &e));
	OK(jdump(doc, &out, &e));
	OK(pairing_parse(buf_str(&out), &again, &e));
	assert_string_equal(again.admin_secret, "se'cret");
	assert_memory_equal(again.pair_key, p.pair_key, 32);
	assert_int_equal(again.count, 2);
	assert_int_equal(again.credential_count, 2);
	assert_memory_equal(again.credentials, p.credentials, 2 * sizeof(*p.credentials));
	assert_true(json_equal(again.keys, p.keys));
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "{}", "version: not 2" },
		{ "{\"version\":1}", "version: not 2" },
		{ DOC("../x", "[" KEY "}]", ""), "region: '../x' is not a region's name" },
		{ DOC("", "[" KEY "}]", ""), "region: ''" },
		{ DOC("eastus", "[]", ""), "keys: 0 of them" },
		{ DOC("eastus", "{}", ""), "keys" },
		{ DOC("eastus", "[{\"kty\":\"RSA\"}]", ""), "keys[0]: kid" },
		{ DOC("eastus", "[{\"kty\":\"oct\",\"kid\":\"a\",\"n\":\"b\",\"e\":\"c\"}]", ""),
		    "keys[0]: kty: 'oct' is not RSA" },
		{ DOC("eastus", "[" KEY_OF("AQAB") "}]", ""),
		    "keys[0]: this is not an RSA key of 2048 to 4096 bits" },
		{ DOC("eastus", "[" KEY "}]", ",\"secrets\":[]"), "secrets" },
		{ DOC("eastus", "[" KEY "}]", ",\"secrets\":{\"pairKey\":\"12\"}"),
		    "secrets: pairKey: not 64 hex digits" },
		{ DOC("eastus", "[" KEY "}]", SECRETS(PRINCIPAL(OTHER, "o"))),
		    "secrets: principals: the administrator '" ADMIN "' is not among them" },
		{ DOC("eastus", "[" KEY "}]", SECRETS("{}")), "secrets: principals[0]: clientId" },
		{ AT("eastus", "https://a/", "[" KEY "}]", ""),
		    "server: 'https://a/' is not a server's URL" },
		{ "{\"version\":2,\"region\":\"eastus\",\"pair\":\"\",\"server\":\"https://a\","
		    "\"tenant\":\"x\"}",
		    "tenant: 'x' is no GUID" },
	};
	auto_pairing struct pairing p = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		FAILS(pairing_parse(str_c(rows[i].text), &p, &e), ERR_INVALID);
		if (strncmp(e.msg, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("'%s' gave '%s'", rows[i].text, e.msg);
	}
	assert_null(p.keys);
}

static void files_are_named(void **state)
{
	auto_pairing struct pairing p = { 0 };
	char path[PATH_MAX];
	struct err e;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/none", top);
	FAILS(pairing_load(path, &p, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, path);
	(void)snprintf(path, sizeof(path), "%s/bad", top);
	OK(fs_write_atomic(path, "{}", 2, 0600, &e));
	FAILS(pairing_load(path, &p, &e), ERR_INVALID);
	CONTAINS(e.msg, path);
	CONTAINS(e.msg, "version");
}

static void keys_are_kept_by_region(void **state)
{
	static const char first[] = DOC("eastus", "[" KEY "}]", ""),
		second[] = DOC("eastus", "[" KEY "}," KEY "}]", "");
	auto_pairing struct pairing p = { 0 }, q = { 0 };
	auto_buf struct buf text = { 0 };
	auto_json json_t *set = NULL;
	char path[PATH_MAX];
	struct stat st;
	struct err e;

	(void)state;
	OK(pairing_parse(str_c(first), &p, &e));
	OK(pairing_parse(str_c(second), &q, &e));
	OK(pairing_keep_keys(&p, top, &e));
	OK(pairing_keep_keys(&q, top, &e));	/* a server that has a new key */
	(void)snprintf(path, sizeof(path), "%s/keys/peers/eastus.json", top);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	OK(fs_read_all(path, 65536, &text, &e));
	OK(jparse(buf_str(&text), &set, &e));
	assert_int_equal(json_array_size(jat(set, "keys")), 2);
}

static void a_second_server_is_made_from_the_first(void **state)
{
	static const char with[] = DOC("eastus", "[" KEY "}]", SECRETS(TWO));
	static const struct settings_new_region regions[] = {
		{ "westus", "eastus", NULL }, { "eastus", "westus", "https://a.example:8443" },
		{ NULL, NULL, NULL } };
	const struct settings_new o = { .regions = regions };
	auto_pairing struct pairing p = { 0 };
	auto_admin_env struct admin_env env = { 0 };
	auto_buf struct buf key = { 0 };
	auto_credentials struct credentials known = { 0 };
	struct principal who = { 0 };
	struct datadir_made made;
	struct db_conn *c = NULL;
	struct db *db = NULL;
	char dir[PATH_MAX - 32], path[PATH_MAX];
	struct err e;

	(void)state;
	OK(pairing_parse(str_c(with), &p, &e));
	(void)snprintf(dir, sizeof(dir), "%s/second", top);
	OK(datadir_make(dir, &o, &p, &made, &e));
	assert_string_equal(made.tenant, TENANT);
	assert_string_equal(made.subscription, SUBSCRIPTION);
	OK(admin_env_load(dir, &env, &e));
	assert_string_equal(env.client_id, ADMIN);
	assert_string_equal(env.client_secret, "se'cret");
	(void)snprintf(path, sizeof(path), "%s/keys/pair.key", dir);
	OK(fs_read_all(path, 100, &key, &e));
	assert_string_equal(key.p, KEY_TEXT "\n");
	(void)snprintf(path, sizeof(path), "%s/keys/peers/eastus.json", dir);
	assert_int_equal(access(path, F_OK), 0);
	(void)snprintf(path, sizeof(path), "%s/control.db", dir);
	OK(db_open(path, &db, &e));
	OK(db_read_begin(db, &c, &e));
	assert_int_equal(principal_get(c, OTHER, &who, &e), 1);
	OK(credentials_load(c, OTHER, &known, &e));
	assert_int_equal(known.count, 1);
	assert_string_equal(known.all[0].secret, "hash of backup script");
	assert_int_equal(principal_get(c, ADMIN, &who, &e), 1);
	db_rollback(&c);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_is_read),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(files_are_named),
		cmocka_unit_test(keys_are_kept_by_region),
		cmocka_unit_test(a_second_server_is_made_from_the_first),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
