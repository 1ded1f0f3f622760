/* datadir.c - see datadir.h. */
#include "cli/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cli/env.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"
#include "crypto/x509.h"
#include "db/db.h"
#include "model/principal.h"

/* Apple's verifiers refuse server certificates that live longer, whoever signed them. */
#define SERVER_DAYS 825
#define SECRET_SIZE 32

struct making {
	const char *built;	/* directory under construction */
	const char *names[HOST_NAMES_MAX + 1];
	char address[LISTEN_ADDRESS_MAX];
	struct settings_new settings;
	struct principal owner;
	struct buf secret;
	struct datadir_made made;
};

static int path_in(const char *dir, const char *name, char ret[PATH_MAX], struct err *e)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s/%s' is too long", dir, name);
	return 0;
}

/* ---- the pieces, each made inside m->built ---- */

static int make_settings(struct making *m, struct err *e)
{
	auto_buf struct buf text = { 0 };
	char path[PATH_MAX];

	if (settings_write_new(&text, &m->settings, e) != 0 ||
	    path_in(m->built, "holdfast.conf", path, e) != 0)
		return -1;
	return fs_write_atomic(path, text.p, text.n, 0600, e);
}

static int make_dirs(struct making *m, struct err *e)
{
	static const char *const names[] = { "tls", "keys", "images" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (path_in(m->built, names[i], path, e) != 0 || fs_mkdirs(path, 0700, e) != 0)
			return -1;
	return 0;
}

static int make_certificates(struct making *m, struct err *e)
{
	char ca[PATH_MAX], ca_key[PATH_MAX], cert[PATH_MAX], key[PATH_MAX], name[64];

	if (path_in(m->built, "tls/ca.pem", ca, e) != 0 ||
	    path_in(m->built, "tls/ca.key", ca_key, e) != 0 ||
	    path_in(m->built, "tls/server.pem", cert, e) != 0 ||
	    path_in(m->built, "tls/server.key", key, e) != 0)
		return -1;
	/* a name of its own, so that a client which trusts two of them can tell them apart */
	(void)snprintf(name, sizeof(name), "holdfast CA %.8s", m->made.tenant);
	if (x509_make_ca(ca, ca_key, name, e) != 0)
		return -1;
	return x509_make_server(ca, ca_key, m->names, SERVER_DAYS, cert, key, e);
}

static int make_keys(struct making *m, struct err *e)
{
	char master[PATH_MAX], token[PATH_MAX];
	uint8_t key[32];

	if (path_in(m->built, "keys/master.key", master, e) != 0 ||
	    path_in(m->built, "keys/token.key", token, e) != 0 ||
	    key_file_create(master, key, e) != 0)
		return -1;
	crypto_wipe(key, sizeof(key));
	return jwt_key_create(token, e);
}

static int make_owner(struct making *m, struct err *e)
{
	auto_buf struct buf hashed = { 0 };
	uint8_t raw[SECRET_SIZE];

	random_bytes(raw, sizeof(raw));
	base64url_encode(&m->secret, raw, sizeof(raw));
	crypto_wipe(raw, sizeof(raw));
	if (buf_ok(&m->secret, e) != 0 || secret_hash(buf_str(&m->secret), &hashed, e) != 0)
		return -1;
	(void)guid_new(m->owner.client_id);
	(void)guid_new(m->owner.object_id);
	(void)snprintf(m->owner.name, sizeof(m->owner.name), "admin");
	(void)snprintf(m->owner.role, sizeof(m->owner.role), "Owner");
	(void)snprintf(m->owner.secret, sizeof(m->owner.secret), "%s", hashed.p);
	return 0;
}

static int fill_database(struct db *db, struct making *m, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (db_write_begin(db, &c, e) != 0 || fact_put(c, "tenant", m->made.tenant, e) != 0 ||
	    fact_put(c, "subscription", m->made.subscription, e) != 0 ||
	    principal_put(c, &m->owner, e) != 0)
		return -1;
	return db_commit(&c, e);
}

static int make_database(struct making *m, struct err *e)
{
	char path[PATH_MAX];
	struct db *db;
	int rc;

	if (path_in(m->built, "control.db", path, e) != 0 || db_open(path, &db, e) != 0)
		return -1;
	rc = fill_database(db, m, e);
	db_close(db);
	return rc;
}

static int make_env(struct making *m, struct err *e)
{
	char ca[PATH_MAX];
	struct admin_env v = { m->made.url, ca, m->made.tenant, m->made.subscription,
		m->owner.client_id, m->secret.p };

	if (path_in(m->made.dir, "tls/ca.pem", ca, e) != 0)
		return -1;
	return admin_env_write(m->built, &v, e);
}

static int make_all(struct making *m, struct err *e)
{
	if (make_settings(m, e) != 0 || make_dirs(m, e) != 0 || make_certificates(m, e) != 0 ||
	    make_keys(m, e) != 0 || make_owner(m, e) != 0 || make_database(m, e) != 0 ||
	    make_env(m, e) != 0)
		return -1;
	return fs_sync_dir(m->built, e);
}

/* ---- names and addresses ---- */

static int add_name(struct making *m, const char *name, struct err *e)
{
	size_t n = 0;

	for (; m->names[n] != NULL; n++)
		if (strcasecmp(m->names[n], name) == 0)
			return 0;
	if (n == HOST_NAMES_MAX)
		return err_set(e, ERR_INVALID, "more than %d names for the server", HOST_NAMES_MAX);
	m->names[n] = name;
	return 0;
}

/* Given names first, for the first is the one in URLs; then what always leads here. */
static int choose_names(struct making *m, const struct settings_new *o, const char *address,
    struct err *e)
{
	const char *const always[] = { address, "localhost", "127.0.0.1", "::1" };
	bool everywhere = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
	bool here = strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0;

	for (size_t i = 0; o->names != NULL && o->names[i] != NULL; i++)
		if (add_name(m, o->names[i], e) != 0)
			return -1;
	for (size_t i = everywhere || here; i < ARRAY_LEN(always); i++)
		if (add_name(m, always[i], e) != 0)
			return -1;
	return 0;
}

static int choose_addresses(struct making *m, const struct settings_new *o, struct err *e)
{
	const char *listen = o->listen != NULL ? o->listen : LISTEN_PRESET;
	char *url = m->made.url;
	size_t size = sizeof(m->made.url);
	uint16_t port;
	bool v6;

	if (settings_listen(listen, m->address, &port, e) != 0)
		return -1;
	if (port == 0)
		return err_set(
		    e, ERR_INVALID, "'%s': clients need a port that stays the same", listen);
	if (choose_names(m, o, m->address, e) != 0)
		return -1;
	m->settings = (struct settings_new){ listen, m->names, o->images };
	v6 = strchr(m->names[0], ':') != NULL;
	if (snprintf(url, size, v6 ? "https://[%s]:%u" : "https://%s:%u", m->names[0], port) >=
	    (int)size)
		return err_set(e, ERR_INVALID, "host name '%.60s' is too long", m->names[0]);
	return 0;
}

/* ---- where it goes ---- */

static int check_empty(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *ent;
	int rc = 0;

	if (d == NULL)
		return err_sys(e, errno, "opening '%s'", dir);
	while (rc == 0 && (ent = readdir(d)) != NULL) {
		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
			continue;
		if (faccessat(dirfd(d), "holdfast.conf", F_OK, 0) == 0)
			rc = err_set(e, ERR_CONFLICT, "'%s' is a data directory already", dir);
		else
			rc = err_set(e, ERR_CONFLICT, "'%s' is not empty: it has '%.80s'", dir,
			    ent->d_name);
	}
	(void)closedir(d);
	return rc;
}

/* The absolute path of `dir`, which need not exist but whose parent is made if it does not. */
static int resolve(const char *dir, char ret[PATH_MAX], struct err *e)
{
	char given[PATH_MAX], parent[PATH_MAX], *slash;
	size_t n = strlen(dir);

	if (realpath(dir, ret) != NULL)
		return check_empty(ret, e);
	if (errno != ENOENT)
		return err_sys(e, errno, "opening '%s'", dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (n == 0 || n + 3 > sizeof(given))
		return err_set(e, ERR_INVALID, "directory name '%.100s' is empty or too long", dir);
	/* "./" in front of a relative one, so that there is always a parent */
	(void)snprintf(given, sizeof(given), "%s%.*s", *dir == '/' ? "" : "./", (int)n, dir);
	slash = strrchr(given, '/');
	*slash = '\0';
	if (fs_mkdirs(*given != '\0' ? given : "/", 0755, e) != 0)
		return -1;
	if (realpath(*given != '\0' ? given : "/", parent) == NULL)
		return err_sys(e, errno, "opening '%s'", given);
	return path_in(strcmp(parent, "/") == 0 ? "" : parent, slash + 1, ret, e);
}

int datadir_make(const char *dir, const struct settings_new *o, struct datadir_made *ret,
    struct err *e)
{
	struct making m = { 0 };
	char built[PATH_MAX];
	struct err left;
	int rc;

	if (choose_addresses(&m, o, e) != 0 || resolve(dir, m.made.dir, e) != 0)
		return -1;
	if (snprintf(built, sizeof(built), "%s.tmp-XXXXXX", m.made.dir) >= (int)sizeof(built))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", m.made.dir);
	if (mkdtemp(built) == NULL)
		return err_sys(e, errno, "creating '%s'", built);
	m.built = built;
	(void)guid_new(m.made.tenant);
	(void)guid_new(m.made.subscription);
	rc = make_all(&m, e);
	if (rc == 0 && rename(built, m.made.dir) != 0)
		rc = err_sys(e, errno, "renaming '%s' to '%s'", built, m.made.dir);
	if (rc != 0)
		(void)!fs_remove_tree(built, &left);
	else
		rc = fs_sync_parent(m.made.dir, e);
	crypto_wipe(m.secret.p, m.secret.cap);
	buf_done(&m.secret);
	if (rc == 0)
		*ret = m.made;
	return rc;
}
