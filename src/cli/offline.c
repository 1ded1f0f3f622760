/* offline.c - see offline.h. */
#include "cli/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "crypto/crypto.h"
#include "model/principal.h"

void offline_done(struct offline *o)
{
	vault_cache_free(o->world.vaults);
	db_close(o->world.db);
	settings_free(o->settings);
	crypto_wipe(o->world.master_key, sizeof(o->world.master_key));
	crypto_wipe(o->world.pair_key, sizeof(o->world.pair_key));
	if (o->lock_fd > 0)
		(void)close(o->lock_fd);
	*o = (struct offline){ 0 };
}

static int in_dir(const char *dir, const char *name, char path[PATH_MAX], struct err *e)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	return 0;
}

/* The server makes the key where it is absent, as in a data directory from before there were paired
 * regions; until then there are no copies that it could open. */
static int load_pair_key(const char *dir, struct offline *o, struct err *e)
{
	char path[PATH_MAX];

	if (in_dir(dir, "keys/pair.key", path, e) != 0)
		return -1;
	return key_file_load(path, o->world.pair_key, e) == 0 || e->kind == ERR_NOT_FOUND ? 0 : -1;
}

static int load_facts(struct offline *o, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (db_read_begin(o->world.db, &c, e) != 0)
		return -1;
	return fact_id(c, "tenant", o->world.tenant, e) != 0 ? -1 :
	    fact_id(c, "subscription", o->world.subscription, e);
}

static int open_parts(const char *dir, struct offline *o, struct err *e)
{
	char db[PATH_MAX], key[PATH_MAX];

	if (settings_load(dir, &o->settings, e) != 0 || in_dir(dir, "control.db", db, e) != 0 ||
	    in_dir(dir, "keys/master.key", key, e) != 0 ||
	    key_file_load(key, o->world.master_key, e) != 0 || load_pair_key(dir, o, e) != 0 ||
	    db_open(db, &o->world.db, e) != 0 || load_facts(o, e) != 0 ||
	    vault_cache_new(&o->world.vaults, e) != 0)
		return -1;
	o->world.clock = &clock_system;
	o->world.settings = o->settings;
	return 0;
}

int offline_open(const char *dir, struct offline *ret, struct err *e)
{
	struct offline o = { 0 };

	if (dir == NULL)
		dir = getenv("HOLDFAST_DIR");
	if (dir == NULL)
		return err_set(e, ERR_INVALID, "no data directory: give --dir DIR or set HOLDFAST_DIR");
	if (in_dir(dir, "", o.dir, e) != 0)
		return -1;
	if (open_parts(dir, &o, e) != 0) {
		offline_done(&o);
		return -1;
	}
	*ret = o;
	return 0;
}

int offline_lock(struct offline *o, struct err *e)
{
	char path[PATH_MAX];

	if (in_dir(o->dir, "lock", path, e) != 0)
		return -1;
	o->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (o->lock_fd < 0)
		return err_sys(e, errno, "opening '%s'", path);
	if (flock(o->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno != EWOULDBLOCK ? err_sys(e, errno, "locking '%s'", path) :
	    err_set(e, ERR_BUSY, "a server runs on data directory '%s': stop it first", o->dir);
}

struct search {
	const char *name;
	struct resource found;
	unsigned count;
};

static int match(void *arg, struct resource *r, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (!str_ieq(str_c(r->name), str_c(s->name)) && !str_ieq(str_c(r->id), str_c(s->name)))
		return 0;
	if (s->count++ == 0) {
		s->found = *r;
		*r = (struct resource){ 0 };
	}
	return 0;
}

int offline_vault(struct offline *o, const char *name, struct resource *ret, struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	struct resource_query q = { .type = TYPE_VAULT };
	struct search s = { .name = name };
	int r = -1;

	if (db_read_begin(o->world.db, &c, e) != 0)
		return -1;
	if (resource_list(c, &q, match, &s, e) < 0)
		r = -1;
	else if (s.count == 0)
		r = err_set(e, ERR_NOT_FOUND, "no vault is called '%s'", name);
	else if (s.count > 1)
		r = err_set(e, ERR_INVALID, "%u vaults are called '%s': give the resource id", s.count,
		    name);
	else
		r = 0;
	if (r != 0) {
		resource_done(&s.found);
		return -1;
	}
	*ret = s.found;
	return 0;
}
