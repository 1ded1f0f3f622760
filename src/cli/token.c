/* token.c - holdfast token: a bearer token for the administrator, signed here. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "auth/token.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/env.h"
#include "db/db.h"
#include "model/principal.h"
#include "work/settings.h"

#define AUDIENCE "https://management.azure.com/"

static const char help[] =
    "Usage: holdfast token DIR\n"
    "\n"
    "Prints a bearer token for the administrator of the data directory DIR, signed with its\n"
    "key.  The server need not run.  For use as\n"
    "\n"
    "  curl --cacert DIR/tls/ca.pem -H \"Authorization: Bearer $(holdfast token DIR)\" URL\n";

static void settings_p(struct settings **s)
{
	settings_free(*s);
}

static void issuer_p(struct token_issuer **t)
{
	token_issuer_close(*t);
}

static void db_p(struct db **db)
{
	db_close(*db);
}

/* The row, not only the file: a principal that was removed gets no token. */
static int find_principal(const char *dir, const char *client_id, struct principal *ret,
    struct err *e)
{
	cleanup_with(db_p) struct db *db = NULL;
	auto_conn struct db_conn *c = NULL;
	char path[PATH_MAX];
	int found;

	if (snprintf(path, sizeof(path), "%s/control.db", dir) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	if (access(path, F_OK) != 0)
		return err_set(e, ERR_NOT_FOUND, "'%s' is missing", path);
	if (db_open(path, &db, e) != 0 || db_read_begin(db, &c, e) != 0)
		return -1;
	found = principal_get(c, client_id, ret, e);
	db_rollback(&c);
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "principal '%s' of '%s/admin.env' does not exist",
		    client_id, dir);
	return found < 0 ? -1 : 0;
}

static int make_token(const char *dir, struct buf *ret, struct err *e)
{
	cleanup_with(settings_p) struct settings *s = NULL;
	cleanup_with(issuer_p) struct token_issuer *issuer = NULL;
	auto_admin_env struct admin_env env = { 0 };
	struct principal who = { 0 };
	char key[PATH_MAX];

	if (settings_load(dir, &s, e) != 0 || admin_env_load(s->dir, &env, e) != 0 ||
	    find_principal(s->dir, env.client_id, &who, e) != 0)
		return -1;
	if (snprintf(key, sizeof(key), "%s/keys/token.key", s->dir) >= (int)sizeof(key))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	if (token_issuer_open(key, env.tenant, s->token_lifetime_s, &issuer, e) != 0)
		return -1;
	return token_issue(issuer, &who, AUDIENCE, env.url, clock_now_us(&clock_system), ret, e);
}

int cmd_token(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	auto_buf struct buf token = { 0 };
	struct err e = { 0 };
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o != 'h')
			return cli_usage(argv[0], "%s: no such option", argv[optind - 1]);
		(void)fputs(help, stdout);
		return CLI_OK;
	}
	if (argc - optind != 1)
		return cli_usage(argv[0], "one data directory is wanted");
	if (make_token(argv[optind], &token, &e) != 0)
		return cli_fail("token", &e);
	return puts(token.p) >= 0 && fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
