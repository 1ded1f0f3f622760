/* region_import.c - holdfast region import: this server learns of the other one of a pair. */
#include "cli/region.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "cli/env.h"
#include "cli/offline.h"
#include "cli/pairing.h"
#include "crypto/crypto.h"

static const char verb[] = "region import";
static const char help[] =
    "Usage: holdfast region import DIR FILE [--replace-key] [--principals]\n"
    "\n"
    "Keeps the public keys of another server, so that the server of the data directory DIR takes\n"
    "tokens for recovery points that the other issued.  FILE is what 'holdfast region export'\n"
    "printed there (- for standard input).  DIR/holdfast.conf must say already that the region is\n"
    "that server's.  A server that runs knows the keys after its next start.\n"
    "\n"
    "  --replace-key   FILE has secrets, and another pair key than DIR: take it.  Only while DIR\n"
    "                  knows of no copies, which could not be read any more; not while the server\n"
    "                  runs\n"
    "  --principals    FILE has secrets: take its principals over, each with the credentials that\n"
    "                  it has there; others stay.  The administrator's secret goes into admin.env\n"
    "  --help          this text\n";

static int check_region(const struct offline *o, const struct pairing *p, struct err *e)
{
	const struct region_settings *r = settings_region(o->settings, p->region);

	if (r == NULL)
		return err_set(e, ERR_INVALID, "region '%s' is not configured: holdfast.conf needs "
		    "[region %s] with 'server = %s'", p->region, p->region, p->server);
	if (region_is_here(r))
		return err_set(e, ERR_CONFLICT, "region '%s' is this server's own: if it is to be "
		    "the other's, holdfast.conf needs 'server = %s' in [region %s]", p->region,
		    p->server, p->region);
	return 0;
}

static int check_ids(const struct offline *o, const struct pairing *p, struct err *e)
{
	static const char hint[] = "'holdfast init --pair' makes the second server of a pair";
	const struct world *w = &o->world;

	if (!str_ieq(str_c(p->tenant), str_c(w->tenant)))
		return err_set(e, ERR_CONFLICT,
		    "the other server's tenant is '%s', this one's '%s': %s", p->tenant, w->tenant,
		    hint);
	if (!str_ieq(str_c(p->subscription), str_c(w->subscription)))
		return err_set(e, ERR_CONFLICT,
		    "the other server's subscription is '%s', this one's '%s': %s", p->subscription,
		    w->subscription, hint);
	return 0;
}

/* What has files here cannot be reached any more once the region is another server's. */
static int check_unused(const struct offline *o, const struct pairing *p, struct err *e)
{
	static const char *const types[] = { TYPE_VAULT, TYPE_DISK, TYPE_ACCOUNT };
	auto_conn struct db_conn *c = NULL;
	int64_t count = 0;

	if (db_read_begin(o->world.db, &c, e) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct resource_query q = { .type = types[i], .location = p->region };

		if (resource_count(c, &q, &count, e) != 0)
			return -1;
		if (count > 0)
			return err_set(e, ERR_CONFLICT, "this server has %lld %s in region '%s', "
			    "which cannot be reached when the region is another server's: make it "
			    "this server's again and delete them first", (long long)count,
			    types[i], p->region);
	}
	return 0;
}

/* ---- the pair key ---- */

static int check_no_copies_in(const char *store, struct err *e)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct dirent *ent;
	int r = 0;
	DIR *d;

	if (snprintf(dir, sizeof(dir), "%s/vaults", store) >= (int)sizeof(dir))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", store);
	d = opendir(dir);
	if (d == NULL)
		return errno == ENOENT ? 0 : err_sys(e, errno, "listing '%s'", dir);
	while (r == 0 && (ent = readdir(d)) != NULL) {
		if (snprintf(path, sizeof(path), "%s/%s/replica", dir, ent->d_name) >=
		    (int)sizeof(path) || access(path, F_OK) != 0)
			continue;
		r = err_set(e, ERR_CONFLICT, "'%s/%s' is the copy of a vault under this server's "
		    "pair key, and could not be read with another", dir, ent->d_name);
	}
	(void)closedir(d);
	return r;
}

static int replace_key(struct offline *o, const struct pairing *p, struct err *e)
{
	char path[PATH_MAX];

	if (offline_lock(o, e) != 0)
		return -1;
	for (size_t i = 0; i < o->settings->region_count; i++)
		if (o->settings->regions[i].store != NULL &&
		    check_no_copies_in(o->settings->regions[i].store, e) != 0)
			return err_in(e, "replacing the pair key");
	if (snprintf(path, sizeof(path), "%s/keys/pair.key", o->settings->dir) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", o->settings->dir);
	return key_file_put(path, p->pair_key, e);
}

static int take_key(struct offline *o, const struct pairing *p, bool replace, struct err *e)
{
	if (!p->has_secrets)
		return replace ? err_set(e, ERR_INVALID, "--replace-key: the file has no pair key; "
		    "'holdfast region export --with-secrets' prints it") : 0;
	if (crypto_equal(p->pair_key, o->world.pair_key, sizeof(p->pair_key)))
		return 0;
	if (!replace)
		return err_set(e, ERR_CONFLICT, "the other server's pair key is not this one's, so "
		    "neither could read the other's copies: --replace-key takes it over here");
	return replace_key(o, p, e);
}

/* ---- principals ---- */

/* The administrator that both servers have signs in with what the other's admin.env says. */
static int take_admin(const char *dir, const struct pairing *p, struct err *e)
{
	auto_admin_env struct admin_env env = { 0 };

	if (admin_env_load(dir, &env, e) != 0)
		return -1;
	if (!str_ieq(str_c(env.client_id), str_c(p->admin)))
		return 0;
	free(env.client_secret);
	env.client_secret = strdup(p->admin_secret);
	return env.client_secret == NULL ? err_nomem(e) : admin_env_write(dir, &env, e);
}

static int take_principals(const struct offline *o, const struct pairing *p, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (!p->has_secrets)
		return err_set(e, ERR_INVALID, "--principals: the file has none; 'holdfast region "
		    "export --with-secrets' prints them");
	if (db_write_begin(o->world.db, &c, e) != 0 || pairing_put_principals(p, c, e) != 0 ||
	    db_commit(&c, e) != 0)
		return -1;
	return take_admin(o->settings->dir, p, e);
}

static int import(const char *dir, const char *file, bool replace, bool principals, struct err *e)
{
	auto_offline struct offline o = { 0 };
	auto_pairing struct pairing p = { 0 };

	if (offline_open(dir, &o, e) != 0 || pairing_load(file, &p, e) != 0)
		return -1;
	if (check_region(&o, &p, e) != 0 || check_ids(&o, &p, e) != 0 ||
	    check_unused(&o, &p, e) != 0 || take_key(&o, &p, replace, e) != 0 ||
	    (principals && take_principals(&o, &p, e) != 0))
		return err_in(e, "'%s'", file);
	if (pairing_keep_keys(&p, o.settings->dir, e) != 0)
		return -1;
	(void)printf("The server at %s has region %s; its tokens for recovery points are "
	    "taken from the next start on.\n", p.server, p.region);
	return 0;
}

int region_cmd_import(int argc, char **argv)
{
	static const struct option options[] = {
		{ "replace-key", no_argument, NULL, 'r' },
		{ "principals", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool replace = false, principals = false;
	struct err e = { 0 };
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o == 'r')
			replace = true;
		else if (o == 'p')
			principals = true;
		else
			return cli_usage(verb, "%s: no such option", argv[optind - 1]);
	}
	if (argc - optind != 2)
		return cli_usage(verb, "a data directory and a file are wanted");
	if (import(argv[optind], argv[optind + 1], replace, principals, &e) != 0)
		return cli_fail(verb, &e);
	return CLI_OK;
}
