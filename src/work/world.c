/* world.c - directories of regions and open vaults.  See world.h.
 *
 * Lock order: the cache's mutex is held while a vault is opened, so that it
 * is opened once; it is taken with no database connection's help. */
#include "work/world.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/crypto.h"
#include "work/archive.h"
#include "work/replicas.h"

struct cached_vault {
	struct cached_vault *next;
	char name[WORLD_CACHE_NAME];
	struct vault *vault;
};

struct vault_cache {
	pthread_mutex_t mu;
	struct cached_vault *head;	/* guarded by mu, like all below */
	struct cached_vault *removed;	/* of deleted vaults: somebody may still hold what
					 * world_vault() lent, so they close with the world */
	struct replicas *replicas;	/* owned; has a mutex of its own */
};

int vault_cache_new(struct vault_cache **ret, struct err *e)
{
	struct vault_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	if (replicas_new(&c->replicas, e) != 0) {
		free(c);
		return -1;
	}
	pthread_mutex_init(&c->mu, NULL);
	*ret = c;
	return 0;
}

struct replicas *vault_cache_replicas(struct vault_cache *c)
{
	return c->replicas;
}

static void close_all(struct cached_vault *v)
{
	while (v != NULL) {
		struct cached_vault *next = v->next;

		vault_close(v->vault);
		free(v);
		v = next;
	}
}

void vault_cache_free(struct vault_cache *c)
{
	if (c == NULL)
		return;
	close_all(c->head);
	close_all(c->removed);
	replicas_free(c->replicas);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

static int region_path(const struct world *w, const char *region, const char *kind,
    const char *name, struct arena *a, const char **ret, struct err *e)
{
	const struct region_settings *r = settings_region(w->settings, region);
	const char *dir;

	if (r == NULL)
		return err_set(e, ERR_INVALID, "region '%s' is not configured", region);
	if (!region_is_here(r))
		return err_set(e, ERR_INVALID, "region '%s' is served by %s: send the request there",
		    r->name, r->server);
	dir = arena_fmt(a, "%s/%s%s%s", r->store, kind, name != NULL ? "/" : "",
	    name != NULL ? name : "");
	if (dir == NULL)
		return err_nomem(e);
	*ret = dir;
	return 0;
}

static int region_dir(const struct world *w, const char *region, const char *kind,
    const char *name, struct arena *a, const char **ret, struct err *e)
{
	const char *dir = NULL;

	if (region_path(w, region, kind, name, a, &dir, e) != 0)
		return -1;
	if (fs_mkdirs(dir, 0750, e) != 0)
		return err_in(e, "region '%s'", region);
	*ret = dir;
	return 0;
}

/* Names come from requests: what the routes let through must not leave the directory. */
static bool name_safe(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 200 || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] == '/' || (unsigned char)name[i] < ' ')
			return false;
	return true;
}

int world_disk_dir(const struct world *w, const char *region, struct arena *a, const char **ret,
    struct err *e)
{
	return region_dir(w, region, "disks", NULL, a, ret, e);
}

int world_account_dir(const struct world *w, const char *region, const char *account,
    struct arena *a, const char **ret, struct err *e)
{
	if (!name_safe(account))
		return err_set(e, ERR_INVALID, "'%.200s' cannot name a directory", account);
	return region_dir(w, region, "accounts", account, a, ret, e);
}

int world_disk_path(const struct world *w, const char *region, const char *disk_name,
    const char *extension, struct arena *a, const char **ret, struct err *e)
{
	const char *dir, *path;
	uint8_t id[4];
	char hex[HEX_SIZE(4)];

	if (!name_safe(disk_name))
		return err_set(e, ERR_INVALID, "'%.200s' cannot name a file", disk_name);
	if (world_disk_dir(w, region, a, &dir, e) != 0)
		return -1;
	random_bytes(id, sizeof(id));
	path = arena_fmt(a, "%s/%s-%s.%s", dir, disk_name, hex_encode(id, sizeof(id), hex),
	    extension);
	if (path == NULL)
		return err_nomem(e);
	*ret = path;
	return 0;
}

static int sweep_dir(const char *dir, const char *tail, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *ent;
	int r = 0;

	if (d == NULL)
		return err_sys(e, errno, "listing '%s'", dir);
	while (r == 0 && (ent = readdir(d)) != NULL) {
		size_t n = strlen(ent->d_name);
		auto_free char *path = NULL;

		if (n <= strlen(tail) || strcmp(ent->d_name + n - strlen(tail), tail) != 0)
			continue;
		r = asprintf(&path, "%s/%s", dir, ent->d_name) < 0 ? err_nomem(e) :
		    fs_remove_tree(path, e);
	}
	(void)closedir(d);
	return r;
}

int world_sweep(const struct world *w, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *disks, *accounts;

	for (size_t i = 0; i < w->settings->region_count; i++) {
		const char *region = w->settings->regions[i].name;

		if (!region_is_here(&w->settings->regions[i]))
			continue;	/* what is not whole there may be in the making */
		if (world_disk_dir(w, region, &a, &disks, e) != 0 ||
		    region_dir(w, region, "accounts", NULL, &a, &accounts, e) != 0 ||
		    sweep_dir(disks, WORLD_PARTIAL, e) != 0 ||
		    sweep_dir(accounts, WORLD_REMOVED, e) != 0)
			return -1;
	}
	return 0;
}

int world_vault_create(struct world *w, const char *region, json_t *body, struct err *e)
{
	auto_arena struct arena a = { 0 };
	struct object_store *store = NULL;
	uint8_t key[32], wrapped[WRAPPED_KEY_SIZE];
	char id[GUID_SIZE], hex[HEX_SIZE(WRAPPED_KEY_SIZE)];
	json_t *internal = jat(body, "internal");
	const char *dir = NULL;
	struct err left;
	int r = -1;

	if (!json_is_object(internal))
		return err_set(e, ERR_BUG, "a vault's document has no internal part");
	random_bytes(key, sizeof(key));
	if (region_dir(w, region, "vaults", guid_new(id), &a, &dir, e) == 0 &&
	    key_wrap(w->master_key, str_c(id), key, wrapped, e) == 0 &&
	    object_dir_open(dir, true, &store, e) == 0 && vault_create(store, key, e) == 0 &&
	    fs_sync_parent(dir, e) == 0 && jset(internal, "store", json_string(id), e) == 0 &&
	    jset(internal, "wrappedKey", json_string(hex_encode(wrapped, sizeof(wrapped), hex)),
	    e) == 0)
		r = 0;
	object_close(store);
	crypto_wipe(key, sizeof(key));
	if (r != 0 && dir != NULL)
		(void)!fs_remove_tree(dir, &left);	/* the error to tell is the first */
	return r;
}

int world_vault_key(const struct world *w, const struct resource *vault, uint8_t ret[32],
    struct err *e)
{
	const char *hex = jstr(vault->body, "internal.wrappedKey", "");
	const char *store_id = jstr(vault->body, "internal.store", "");
	uint8_t wrapped[WRAPPED_KEY_SIZE];

	if (hex_decode(str_c(hex), wrapped, sizeof(wrapped)) != (int)sizeof(wrapped))
		return err_set(e, ERR_CORRUPT, "vault '%s' has no usable key", vault->id);
	return key_unwrap(w->master_key, str_c(store_id), wrapped, ret, e);
}

static int open_vault(struct world *w, const struct resource *res, const char *store_id,
    struct vault **ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	struct object_store *store = NULL;
	const char *dir = NULL;
	uint8_t key[32];
	int r = -1;

	if (world_vault_key(w, res, key, e) == 0 &&
	    region_path(w, res->location, "vaults", store_id, &a, &dir, e) == 0 &&
	    object_dir_open(dir, false, &store, e) == 0)
		r = vault_open(store, key, ret, e);
	crypto_wipe(key, sizeof(key));
	return r == 0 ? 0 : err_in(e, "opening vault '%s'", res->name);
}

/* That the key opens the vault is seen before anything changes. */
static int check_key(struct world *w, const struct resource *res, const char *store_id,
    const uint8_t key[32], struct err *e)
{
	auto_arena struct arena a = { 0 };
	struct object_store *store = NULL;
	struct vault *v = NULL;
	const char *dir = NULL;
	int r = -1;

	if (region_path(w, res->location, "vaults", store_id, &a, &dir, e) == 0 &&
	    object_dir_open(dir, false, &store, e) == 0)
		r = vault_open(store, key, &v, e);
	vault_close(v);
	return r;
}

static int put_key(struct world *w, const char *id, const char *hex, struct err *e)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	if (db_write_begin(w->db, &c, e) != 0)
		return -1;
	found = resource_get(c, id, &row, e);
	if (found <= 0)
		return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "vault '%s' is gone", id);
	if (jset(jat(row.body, "internal"), "wrappedKey", json_string(hex), e) != 0 ||
	    resource_put(c, &row, clock_now_us(w->clock), e) != 0)
		return -1;
	return db_commit(&c, e);
}

int world_vault_rewrap(struct world *w, const struct resource *vault, const uint8_t key[32],
    struct err *e)
{
	const char *store_id = jstr(vault->body, "internal.store", "");
	uint8_t wrapped[WRAPPED_KEY_SIZE];
	char hex[HEX_SIZE(WRAPPED_KEY_SIZE)];

	if (!guid_valid(str_c(store_id)))
		return err_set(e, ERR_CORRUPT, "vault '%s' names no store", vault->id);
	if (check_key(w, vault, store_id, key, e) != 0 ||
	    key_wrap(w->master_key, str_c(store_id), key, wrapped, e) != 0)
		return err_in(e, "vault '%s'", vault->name);
	return put_key(w, vault->id, hex_encode(wrapped, sizeof(wrapped), hex), e);
}

static struct cached_vault **find(struct vault_cache *c, const char *name)
{
	struct cached_vault **at = &c->head;

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static int cached(struct vault_cache *c, const char *name, world_open_fn *fn, void *arg,
    struct vault **ret, struct err *e)
{
	struct cached_vault *v = *find(c, name);

	if (v != NULL) {
		*ret = v->vault;
		return 1;
	}
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return err_nomem(e);
	(void)snprintf(v->name, sizeof(v->name), "%s", name);
	switch (fn(arg, &v->vault, e)) {
	case 0:
		free(v);
		return 0;
	case 1:
		v->next = c->head;
		c->head = v;
		*ret = v->vault;
		return 1;
	default:
		free(v);
		return -1;
	}
}

int world_cached(struct world *w, const char *name, world_open_fn *fn, void *arg,
    struct vault **ret, struct err *e)
{
	int found;

	pthread_mutex_lock(&w->vaults->mu);
	found = cached(w->vaults, name, fn, arg, ret, e);
	pthread_mutex_unlock(&w->vaults->mu);
	return found;
}

void world_uncache(struct world *w, const char *name)
{
	struct cached_vault **at, *gone;

	pthread_mutex_lock(&w->vaults->mu);
	at = find(w->vaults, name);
	gone = *at;
	if (gone != NULL) {
		*at = gone->next;
		gone->next = w->vaults->removed;
		w->vaults->removed = gone;
	}
	pthread_mutex_unlock(&w->vaults->mu);
}

struct opening {
	struct world *world;
	const struct resource *vault;
};

static int open_own(void *arg, struct vault **ret, struct err *e)
{
	const struct opening *o = arg;

	return open_vault(o->world, o->vault, jstr(o->vault->body, "internal.store", ""), ret,
	    e) != 0 ? -1 : 1;
}

int world_vault(struct world *w, const struct resource *vault, struct vault **ret, struct err *e)
{
	const char *store_id = jstr(vault->body, "internal.store", "");
	struct opening o = { w, vault };

	if (!guid_valid(str_c(store_id)))
		return err_set(e, ERR_CORRUPT, "vault '%s' names no store", vault->id);
	return world_cached(w, store_id, open_own, &o, ret, e) < 0 ? -1 : 0;
}

int world_vault_remove(struct world *w, const struct resource *vault, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *store_id = jstr(vault->body, "internal.store", ""), *dir = "";

	if (!guid_valid(str_c(store_id)))
		return 0;
	if (region_path(w, vault->location, "vaults", store_id, &a, &dir, e) != 0)
		return -1;
	world_uncache(w, store_id);
	return fs_remove_tree(dir, e) != 0 || replica_remove(w, vault, e) != 0 ||
	    archive_remove(w, vault, e) != 0 ? err_in(e, "vault '%s'", vault->name) : 0;
}
