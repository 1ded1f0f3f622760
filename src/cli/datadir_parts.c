/* datadir_parts.c - what is in a new data directory.  See datadir_parts.h. */
#include "cli/datadir_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cli/env.h"
#include "cli/new_secret.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"
#include "crypto/x509.h"
#include "db/db.h"

/* Apple's verifiers refuse server certificates that live longer, whoever signed them. */
#define SERVER_DAYS 825

int datadir_path(const char *dir, const char *name, char ret[PATH_MAX], struct err *e)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s/%s' is too long", dir, name);
	return 0;
}

static int make_settings(struct making *m, struct err *e)
{
	auto_buf struct buf text = { 0 };
	char path[PATH_MAX];

	if (settings_write_new(&text, &m->settings, e) != 0 ||
	    datadir_path(m->built, "holdfast.conf", path, e) != 0)
		return -1;
	return fs_write_atomic(path, text.p, text.n, 0600, e);
}

static int make_dirs(struct making *m, struct err *e)
{
	static const char *const names[] = { "tls", "keys", "images" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (datadir_path(m->built, names[i], path, e) != 0 || fs_mkdirs(path, 0700, e) != 0)
			return -1;
	return 0;
}

static int make_certificates(struct making *m, struct err *e)
{
	const char *region = m->pairing != NULL ? m->settings.regions[0].name : "";
	char ca[PATH_MAX], ca_key[PATH_MAX], cert[PATH_MAX], key[PATH_MAX], name[64];

	if (datadir_path(m->built, "tls/ca.pem", ca, e) != 0 ||
	    datadir_path(m->built, "tls/ca.key", ca_key, e) != 0 ||
	    datadir_path(m->built, "tls/server.pem", cert, e) != 0 ||
	    datadir_path(m->built, "tls/server.key", key, e) != 0)
		return -1;
	/* a name of its own, so that a client which trusts two of them can tell them apart */
	(void)snprintf(name, sizeof(name), "holdfast CA %.8s%s%.40s", m->made.tenant,
	    *region != '\0' ? " " : "", region);
	if (x509_make_ca(ca, ca_key, name, e) != 0)
		return -1;
	return x509_make_server(ca, ca_key, m->names, SERVER_DAYS, cert, key, e);
}

static int make_pair_key(struct making *m, struct err *e)
{
	char path[PATH_MAX];
	uint8_t key[32];
	int r;

	if (datadir_path(m->built, "keys/pair.key", path, e) != 0)
		return -1;
	if (m->pairing != NULL)
		return key_file_put(path, m->pairing->pair_key, e) != 0 ? -1 :
		    pairing_keep_keys(m->pairing, m->built, e);
	r = key_file_create(path, key, e);
	crypto_wipe(key, sizeof(key));
	return r;
}

static int make_keys(struct making *m, struct err *e)
{
	char master[PATH_MAX], token[PATH_MAX];
	uint8_t key[32];

	if (make_pair_key(m, e) != 0 ||
	    datadir_path(m->built, "keys/master.key", master, e) != 0 ||
	    datadir_path(m->built, "keys/token.key", token, e) != 0 ||
	    key_file_create(master, key, e) != 0)
		return -1;
	crypto_wipe(key, sizeof(key));
	return jwt_key_create(token, e);
}

static int make_owner(struct making *m, struct err *e)
{
	(void)guid_new(m->owner.client_id);
	(void)guid_new(m->owner.object_id);
	(void)snprintf(m->owner.name, sizeof(m->owner.name), "admin");
	(void)snprintf(m->owner.role, sizeof(m->owner.role), "Owner");
	return new_secret(m->owner.client_id, clock_now_us(&clock_system), 0, &m->owner_secret,
	    &m->secret, e);
}

/* The administrator of the first server is that of the second. */
static int take_owner(struct making *m, struct err *e)
{
	const struct pairing *p = m->pairing;

	(void)snprintf(m->owner.client_id, sizeof(m->owner.client_id), "%s", p->admin);
	buf_adds(&m->secret, p->admin_secret);
	return buf_ok(&m->secret, e);
}

static int fill_database(struct db *db, struct making *m, struct err *e)
{
	const struct pairing *p = m->pairing;
	auto_conn struct db_conn *c = NULL;

	if (db_write_begin(db, &c, e) != 0 || fact_put(c, "tenant", m->made.tenant, e) != 0 ||
	    fact_put(c, "subscription", m->made.subscription, e) != 0 ||
	    (p == NULL && (principal_put(c, &m->owner, e) != 0 ||
	    credential_add(c, &m->owner_secret, e) != 0)))
		return -1;
	if (p != NULL && pairing_put_principals(p, c, e) != 0)
		return -1;
	return db_commit(&c, e);
}

static int make_database(struct making *m, struct err *e)
{
	char path[PATH_MAX];
	struct db *db;
	int rc;

	if (datadir_path(m->built, "control.db", path, e) != 0 || db_open(path, &db, e) != 0)
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

	if (datadir_path(m->made.dir, "tls/ca.pem", ca, e) != 0)
		return -1;
	return admin_env_write(m->built, &v, e);
}

int datadir_build(struct making *m, struct err *e)
{
	if (make_settings(m, e) != 0 || make_dirs(m, e) != 0 || make_certificates(m, e) != 0 ||
	    make_keys(m, e) != 0 ||
	    (m->pairing != NULL ? take_owner(m, e) : make_owner(m, e)) != 0 ||
	    make_database(m, e) != 0 ||
	    make_env(m, e) != 0)
		return -1;
	return fs_sync_dir(m->built, e);
}
