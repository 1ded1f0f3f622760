/* t_cli.c - the administrator's file, and data directories that are made whole or not at all. */
#include "t.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cli/datadir.h"
#include "cli/env.h"
#include "crypto/crypto.h"
#include "model/credential.h"
#include "model/principal.h"

static char top[] = "/tmp/t_cli.XXXXXX";

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

static const char *in_top(const char *name, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s/%s", top, name);
	return out;
}

static unsigned entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

static void variables_come_back_as_written(void **state)
{
	static char url[] = "https://[::1]:8443", ca[] = "/srv/my back'up \\ $x/ca.pem",
		    tenant[] = "t", subscription[] = "s", id[] = "i", secret[] = "a_b-c";
	struct admin_env v = { url, ca, tenant, subscription, id, secret };
	auto_admin_env struct admin_env got = { 0 };
	char dir[PATH_MAX], cmd[PATH_MAX + 128];
	struct err e;

	(void)state;
	OK(fs_mkdirs(in_top("env", dir), 0700, &e));
	OK(admin_env_write(dir, &v, &e));
	OK(admin_env_load(dir, &got, &e));
	assert_string_equal(got.url, url);
	assert_string_equal(got.ca, ca);
	assert_string_equal(got.client_secret, secret);
	/* and a shell reads the same */
	(void)snprintf(cmd, sizeof(cmd),
	    ". %s/admin.env && [ \"$HOLDFAST_CA\" = "
	    "\"/srv/my back'up \\\\ \\$x/ca.pem\" ] && [ $HOLDFAST_URL = 'https://[::1]:8443' ]",
	    dir);
	assert_int_equal(system(cmd), 0);
	v.client_secret = (char[]){ "a\nb" };
	FAILS(admin_env_write(dir, &v, &e), ERR_INVALID);
	CONTAINS(e.msg, "HOLDFAST_CLIENT_SECRET");
}

static void missing_variables_are_named(void **state)
{
	struct admin_env v = { 0 };
	char dir[PATH_MAX], path[PATH_MAX + 16];
	struct err e;

	(void)state;
	FAILS(admin_env_load(in_top("nowhere", dir), &v, &e), ERR_NOT_FOUND);
	OK(fs_mkdirs(in_top("partial", dir), 0700, &e));
	(void)snprintf(path, sizeof(path), "%s/admin.env", dir);
	OK(fs_write_atomic(path, "HOLDFAST_URL=x\nHOLDFAST_CA=\n", 28, 0600, &e));
	FAILS(admin_env_load(dir, &v, &e), ERR_INVALID);
	CONTAINS(e.msg, "HOLDFAST_CA");
	assert_int_equal(unsetenv("HOLDFAST_URL"), 0);
	FAILS(admin_env_load(NULL, &v, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, "HOLDFAST_URL");
	assert_null(v.url);
}

static void check_modes(const char *dir)
{
	static const struct {
		const char *name;
		mode_t mode;
	} rows[] = { { "", 0700 }, { "holdfast.conf", 0600 }, { "admin.env", 0600 },
		{ "control.db", 0600 }, { "keys", 0700 }, { "keys/master.key", 0600 },
		{ "keys/pair.key", 0600 },
		{ "keys/token.key", 0600 }, { "tls/ca.pem", 0644 }, { "tls/ca.key", 0600 },
		{ "tls/server.pem", 0644 }, { "tls/server.key", 0600 }, { "images", 0700 } };
	char path[PATH_MAX + 32];
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, rows[i].name);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, rows[i].mode);
	}
}

static void check_owner(const char *dir, const struct admin_env *env)
{
	auto_free char *tenant = NULL, *subscription = NULL;
	auto_credentials struct credentials known = { 0 };
	struct principal p = { 0 };
	struct db_conn *c = NULL;
	struct db *db = NULL;
	char path[PATH_MAX + 16];
	bool match = false;
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/control.db", dir);
	OK(db_open(path, &db, &e));
	OK(db_read_begin(db, &c, &e));
	assert_int_equal(principal_get(c, env->client_id, &p, &e), 1);
	assert_string_equal(p.role, "Owner");
	OK(credentials_load(c, p.client_id, &known, &e));
	assert_int_equal(known.count, 1);
	assert_int_equal(known.all[0].expires_us, 0);
	assert_memory_equal(known.all[0].hint, env->client_secret, 3);
	OK(secret_check(str_c(env->client_secret), known.all[0].secret, &match, &e));
	assert_true(match);
	assert_int_equal(fact_get(c, "tenant", &tenant, &e), 1);
	assert_string_equal(tenant, env->tenant);
	assert_int_equal(fact_get(c, "subscription", &subscription, &e), 1);
	assert_string_equal(subscription, env->subscription);
	db_rollback(&c);
	db_close(db);
}

static void a_data_directory_is_complete(void **state)
{
	auto_admin_env struct admin_env env = { 0 };
	struct datadir_made made;
	struct settings *s = NULL;
	char dir[PATH_MAX], want[PATH_MAX + 16], cmd[3 * PATH_MAX];
	struct err e;

	(void)state;
	OK(datadir_make(in_top("a/b/data/", dir), &(struct settings_new){ 0 }, NULL, &made, &e));
	in_top("a/b/data", dir);
	assert_string_equal(made.dir, dir);
	assert_string_equal(made.url, "https://localhost:8443");
	assert_int_equal(entries(in_top("a/b", want)), 1);
	assert_int_equal(entries(dir), 6);
	check_modes(dir);
	OK(admin_env_load(dir, &env, &e));
	assert_string_equal(env.url, made.url);
	(void)snprintf(want, sizeof(want), "%s/tls/ca.pem", dir);
	assert_string_equal(env.ca, want);
	check_owner(dir, &env);
	OK(settings_load(dir, &s, &e));
	assert_string_equal(s->host_names[0], "localhost");
	settings_free(s);
	(void)snprintf(cmd, sizeof(cmd),
	    "openssl verify -x509_strict -CAfile %s -verify_hostname localhost "
	    "%s/tls/server.pem >/dev/null 2>&1",
	    env.ca, dir);
	assert_int_equal(system(cmd), 0);
}

static void names_and_addresses_decide_the_url(void **state)
{
	static const char *const given[] = { "backup.example", NULL },
				 *const v6[] = { "fd00::1", NULL };
	static const struct {
		struct settings_new o;
		const char *url;
	} rows[] = {
		{ { "0.0.0.0:443", given, NULL }, "https://backup.example:443" },
		{ { "0.0.0.0:443", NULL, NULL }, "https://localhost:443" },
		{ { "192.0.2.7:8443", NULL, NULL }, "https://192.0.2.7:8443" },
		{ { "[::1]:1", NULL, NULL }, "https://localhost:1" },
		{ { NULL, v6, NULL }, "https://[fd00::1]:8443" },
	};
	char name[32], dir[PATH_MAX];
	struct datadir_made made;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(name, sizeof(name), "url%zu", i);
		OK(datadir_make(in_top(name, dir), &rows[i].o, NULL, &made, &e));
		assert_string_equal(made.url, rows[i].url);
	}
}

static void an_empty_directory_will_do_and_a_full_one_not(void **state)
{
	struct settings_new o = { 0 };
	struct datadir_made made;
	char dir[PATH_MAX], file[PATH_MAX + 16];
	struct err e;

	(void)state;
	OK(fs_mkdirs(in_top("empty", dir), 0755, &e));
	OK(datadir_make(dir, &o, NULL, &made, &e));
	FAILS(datadir_make(dir, &o, NULL, &made, &e), ERR_CONFLICT);
	CONTAINS(e.msg, "is a data directory already");
	OK(fs_mkdirs(in_top("full", dir), 0755, &e));
	(void)snprintf(file, sizeof(file), "%s/precious", dir);
	OK(fs_write_atomic(file, "x", 1, 0600, &e));
	FAILS(datadir_make(dir, &o, NULL, &made, &e), ERR_CONFLICT);
	CONTAINS(e.msg, "precious");
	assert_int_equal(entries(dir), 1);
	assert_true(datadir_make(file, &o, NULL, &made, &e) < 0);
	assert_int_equal(access(file, F_OK), 0);
}

static void a_failure_leaves_nothing(void **state)
{
	static const char *const bad_name[] = { "two words", NULL },
				 *const bad_dir[] = { "relative", NULL };
	const struct settings_new rows[] = { { "localhost:1", NULL, NULL },
		{ "127.0.0.1:0", NULL, NULL }, { NULL, bad_name, NULL }, { NULL, NULL, bad_dir } };
	struct datadir_made made;
	char dir[PATH_MAX], inside[PATH_MAX];
	struct err e;

	(void)state;
	OK(fs_mkdirs(in_top("none", dir), 0755, &e));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		FAILS(datadir_make(in_top("none/data", inside), &rows[i], NULL, &made, &e), ERR_INVALID);
		assert_int_equal(entries(dir), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_come_back_as_written),
		cmocka_unit_test(missing_variables_are_named),
		cmocka_unit_test(a_data_directory_is_complete),
		cmocka_unit_test(names_and_addresses_decide_the_url),
		cmocka_unit_test(an_empty_directory_will_do_and_a_full_one_not),
		cmocka_unit_test(a_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
