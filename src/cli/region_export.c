/* region_export.c - holdfast region export: what a pair's other server must know of this one. */
#include "cli/region.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/env.h"
#include "cli/offline.h"
#include "cli/pairing.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"

static const char verb[] = "region export";
static const char help[] =
    "Usage: holdfast region export DIR REGION [--server URL] [--with-secrets] > FILE\n"
    "\n"
    "Prints what the other server of a pair must know about the server of the data directory DIR,\n"
    "which has REGION: its URL, tenant, subscription and public keys.\n"
    "\n"
    "  --server URL     URL by which clients of the other server reach this one; without it the\n"
    "                   first name and the port of DIR/holdfast.conf\n"
    "  --with-secrets   for 'holdfast init --pair', which makes the other server: the pair key,\n"
    "                   the administrator's secret and all principals as well.  Who has that\n"
    "                   file owns both servers and can read all copies: carry it safely, and\n"
    "                   remove it then.  It is made readable for its owner only\n"
    "  --help           this text\n";

struct args {
	const char *dir, *region, *server;
	bool with_secrets;
};

static void jwt_key_p(struct jwt_key **k)
{
	jwt_key_free(*k);
}

static int in_keys(const struct offline *o, const char *name, char path[PATH_MAX], struct err *e)
{
	if (snprintf(path, PATH_MAX, "%s/keys/%s", o->settings->dir, name) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", o->settings->dir);
	return 0;
}

static int choose_url(const struct settings *s, const char *given, struct pairing *p, struct err *e)
{
	char address[LISTEN_ADDRESS_MAX];
	uint16_t port;

	if (given != NULL) {
		if (!server_url_valid(given) || strlen(given) >= sizeof(p->server))
			return err_set(e, ERR_INVALID, "--server: '%.100s' is not a server's URL: "
			    "https://HOST or https://HOST:PORT", given);
		(void)snprintf(p->server, sizeof(p->server), "%s", given);
		return 0;
	}
	if (settings_listen(s->listen, address, &port, e) != 0)
		return -1;
	if (port == 0)
		return err_set(e, ERR_INVALID,
		    "holdfast.conf says no port to listen on: give --server");
	return settings_url(s->host_names[0], port, p->server, e);
}

static int add_keys(const struct offline *o, struct pairing *p, struct err *e)
{
	cleanup_with(jwt_key_p) struct jwt_key *key = NULL;
	auto_json json_t *set = NULL;
	char path[PATH_MAX];

	if (in_keys(o, "token.key", path, e) != 0 || jwt_key_load(path, &key, e) != 0 ||
	    jwt_key_set(key, &set, e) != 0)
		return -1;
	p->keys = json_incref(jat(set, "keys"));
	return 0;
}

static int add_principal(void *arg, const struct principal *who, struct err *e)
{
	struct pairing *p = arg;
	struct principal *more = reallocarray(p->principals, p->count + 1, sizeof(*more));

	if (more == NULL)
		return err_nomem(e);
	more[p->count++] = *who;
	p->principals = more;
	return 0;
}

static int add_credentials(struct db_conn *c, struct pairing *p, const char *client_id,
    struct err *e)
{
	auto_credentials struct credentials list = { 0 };
	struct credential *more;

	if (credentials_load(c, client_id, &list, e) != 0)
		return -1;
	more = reallocarray(p->credentials, p->credential_count + list.count + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	p->credentials = more;
	for (size_t i = 0; i < list.count; i++)
		more[p->credential_count++] = list.all[i];
	return 0;
}

static int add_all_principals(const struct offline *o, struct pairing *p, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (db_read_begin(o->world.db, &c, e) != 0 || principal_list(c, add_principal, p, e) < 0)
		return -1;
	for (size_t i = 0; i < p->count; i++)
		if (add_credentials(c, p, p->principals[i].client_id, e) != 0)
			return -1;
	return 0;
}

static int add_secrets(const struct offline *o, struct pairing *p, struct err *e)
{
	auto_admin_env struct admin_env env = { 0 };
	char path[PATH_MAX];

	if (in_keys(o, "pair.key", path, e) != 0)
		return -1;
	if (key_file_load(path, p->pair_key, e) != 0)
		return e->kind != ERR_NOT_FOUND ? -1 : err_set(e, ERR_NOT_FOUND,
		    "'%s' is missing: the server makes it when it is started", path);
	if (admin_env_load(o->settings->dir, &env, e) != 0 || add_all_principals(o, p, e) != 0)
		return -1;
	if (!guid_valid(str_c(env.client_id)) ||
	    strlen(env.client_secret) >= sizeof(p->admin_secret))
		return err_set(e, ERR_INVALID, "'%s/admin.env' has no usable administrator",
		    o->settings->dir);
	(void)snprintf(p->admin, sizeof(p->admin), "%s", env.client_id);
	(void)snprintf(p->admin_secret, sizeof(p->admin_secret), "%s", env.client_secret);
	p->has_secrets = true;
	return 0;
}

static int collect(const struct args *a, struct pairing *p, struct err *e)
{
	auto_offline struct offline o = { 0 };
	const struct region_settings *r;

	if (offline_open(a->dir, &o, e) != 0)
		return -1;
	r = settings_region(o.settings, a->region);
	if (r == NULL)
		return err_set(e, ERR_INVALID,
		    "region '%.60s' is not configured in '%s/holdfast.conf'", a->region, a->dir);
	if (!region_is_here(r))
		return err_set(e, ERR_INVALID, "region '%s' is served by %s: export it there",
		    r->name, r->server);
	(void)snprintf(p->region, sizeof(p->region), "%s", r->name);
	(void)snprintf(p->pair, sizeof(p->pair), "%s", r->pair);
	(void)snprintf(p->tenant, sizeof(p->tenant), "%s", o.world.tenant);
	(void)snprintf(p->subscription, sizeof(p->subscription), "%s", o.world.subscription);
	if (choose_url(o.settings, a->server, p, e) != 0 || add_keys(&o, p, e) != 0)
		return -1;
	return a->with_secrets ? add_secrets(&o, p, e) : 0;
}

/* A file that the shell made is open to others, as a rule. */
static int close_to_others(struct err *e)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) != 0)
		return err_sys(e, errno, "looking at standard output");
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0 && fchmod(STDOUT_FILENO, 0600) != 0)
		return err_sys(e, errno, "keeping the file of standard output from others");
	return 0;
}

static int run(const struct args *a, struct err *e)
{
	auto_pairing struct pairing p = { 0 };
	auto_buf struct buf out = { 0 };
	auto_json json_t *doc = NULL;
	int r = 0;

	if (collect(a, &p, e) != 0 || (a->with_secrets && close_to_others(e) != 0) ||
	    pairing_json(&p, &doc, e) != 0 || jdump(doc, &out, e) != 0)
		return -1;
	if (puts(out.p) < 0 || fflush(stdout) != 0)
		r = err_sys(e, errno, "writing to standard output");
	crypto_wipe(out.p, out.cap);
	return r;
}

int region_cmd_export(int argc, char **argv)
{
	static const struct option options[] = {
		{ "server", required_argument, NULL, 's' },
		{ "with-secrets", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct args a = { 0 };
	struct err e = { 0 };
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o == 's')
			a.server = optarg;
		else if (o == 'w')
			a.with_secrets = true;
		else
			return cli_usage(verb, "%s: no such option, or its value is missing",
			    argv[optind - 1]);
	}
	if (argc - optind != 2)
		return cli_usage(verb, "a data directory and a region are wanted");
	a.dir = argv[optind];
	a.region = argv[optind + 1];
	return run(&a, &e) != 0 ? cli_fail(verb, &e) : CLI_OK;
}
