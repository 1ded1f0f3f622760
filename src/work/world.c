/* world.c - directories of regions and open vaults.  See world.h.
 *
 * Lock order: the cache's mutex is held while a vault is opened, so that it
 * is opened once; it is taken with no database connection's help. */
#include "work/world.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <strings.h>

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/crypto.h"

struct cached_vault {
	struct cached_vault *next;
	char store[40];
	struct vault *vault;
};

struct vault_cache {
	pthread_mutex_t mu;
	struct cached_vault *head;
};

int vault_cache_new(struct vault_cache **ret, struct err *e)
{
	struct vault_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	pthread_mutex_init(&c->mu, NULL);
	*ret = c;
	return 0;
}

void vault_cache_free(struct vault_cache *c)
{
	if (c == NULL)
		return;
	for (struct cached_vault *v = c->head, *next; v != NULL; v = next) {
		next = v->next;
		vault_close(v->vault);
		free(v);
	}
	pthread_mutex_destroy(&c->mu);
	free(c);
}

static int region_dir(const struct world *w, const char *region, const char *kind,
    const char *name, struct arena *a, const char **ret, struct err *e)
{
	const struct region_settings *r = settings_region(w->settings, region);
	const char *dir;

	if (r == NULL)
		return err_set(e, ERR_INVALID, "region '%s' is not configured", region);
	dir = arena_fmt(a, "%s/%s%s%s", r->store, kind, name != NULL ? "/" : "",
	    name != NULL ? name : "");
	if (dir == NULL)
		return err_nomem(e);
	if (fs_mkdirs(dir, 0750, e) != 0)
		return err_in(e, "region '%s'", region);
	*ret = dir;
	return 0;
}

int world_disk_dir(const struct world *w, const char *region, struct arena *a, const char **ret,
    struct err *e)
{
	return region_dir(w, region, "disks", NULL, a, ret, e);
}

int world_account_dir(const struct world *w, const char *region, const char *account,
    struct arena *a, const char **ret, struct err *e)
{
	return region_dir(w, region, "accounts", account, a, ret, e);
}

int world_disk_path(const struct world *w, const char *region, const char *disk_name,
    const char *extension, struct arena *a, const char **ret, struct err *e)
{
	const char *dir, *path;
	uint8_t id[4];
	char hex[HEX_SIZE(4)];

	if (world_disk_dir(w, region, a, &dir, e) != 0)
		return -1;
	random_bytes(id, sizeof(id));
	path = arena_fmt(a, "%s/%s-%s.%s", dir, disk_name, hex_encode(id, sizeof(id), hex), extension);
	if (path == NULL)
		return err_nomem(e);
	*ret = path;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* 0 or -1 with errno; an absent directory is fine. */
static int remove_tree(const char *dir)
{
	return nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT ? -1 : 0;
}

int world_vault_create(struct world *w, const char *region, json_t *body, struct err *e)
{
	auto_arena struct arena a = { 0 };
	struct object_store *store = NULL;
	uint8_t key[32], wrapped[WRAPPED_KEY_SIZE];
	char id[GUID_SIZE], hex[HEX_SIZE(WRAPPED_KEY_SIZE)];
	json_t *internal = jat(body, "internal");
	const char *dir = NULL;
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
		(void)remove_tree(dir);	/* best effort: the error to tell is the first */
	return r;
}

static int open_vault(struct world *w, const struct resource *res, const char *store_id,
    struct vault **ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *hex = jstr(res->body, "internal.wrappedKey", ""), *dir;
	struct object_store *store = NULL;
	uint8_t key[32], wrapped[WRAPPED_KEY_SIZE];
	int r = -1;

	if (hex_decode(str_c(hex), wrapped, sizeof(wrapped)) != (int)sizeof(wrapped))
		return err_set(e, ERR_CORRUPT, "vault '%s' has no usable key", res->id);
	if (key_unwrap(w->master_key, str_c(store_id), wrapped, key, e) == 0 &&
	    region_dir(w, res->location, "vaults", store_id, &a, &dir, e) == 0 &&
	    object_dir_open(dir, false, &store, e) == 0)
		r = vault_open(store, key, ret, e);
	crypto_wipe(key, sizeof(key));
	return r == 0 ? 0 : err_in(e, "opening vault '%s'", res->name);
}

static struct cached_vault **find(struct vault_cache *c, const char *store_id)
{
	struct cached_vault **at = &c->head;

	while (*at != NULL && strcmp((*at)->store, store_id) != 0)
		at = &(*at)->next;
	return at;
}

static int cached(struct world *w, const struct resource *res, const char *store_id,
    struct vault **ret, struct err *e)
{
	struct cached_vault **at = find(w->vaults, store_id), *v;

	if (*at != NULL) {
		*ret = (*at)->vault;
		return 0;
	}
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return err_nomem(e);
	(void)snprintf(v->store, sizeof(v->store), "%s", store_id);
	if (open_vault(w, res, store_id, &v->vault, e) != 0) {
		free(v);
		return -1;
	}
	*at = v;
	*ret = v->vault;
	return 0;
}

int world_vault(struct world *w, const struct resource *vault, struct vault **ret, struct err *e)
{
	const char *store_id = jstr(vault->body, "internal.store", "");
	int r;

	if (!guid_valid(str_c(store_id)))
		return err_set(e, ERR_CORRUPT, "vault '%s' names no store", vault->id);
	pthread_mutex_lock(&w->vaults->mu);
	r = cached(w, vault, store_id, ret, e);
	pthread_mutex_unlock(&w->vaults->mu);
	return r;
}

int world_vault_remove(struct world *w, const struct resource *vault, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *store_id = jstr(vault->body, "internal.store", ""), *dir;
	struct cached_vault **at, *gone;

	if (!guid_valid(str_c(store_id)))
		return 0;
	if (region_dir(w, vault->location, "vaults", store_id, &a, &dir, e) != 0)
		return -1;
	pthread_mutex_lock(&w->vaults->mu);
	at = find(w->vaults, store_id);
	gone = *at;
	if (gone != NULL)
		*at = gone->next;
	pthread_mutex_unlock(&w->vaults->mu);
	if (gone != NULL) {
		vault_close(gone->vault);
		free(gone);
	}
	if (remove_tree(dir) != 0)
		return err_sys(e, errno, "removing the store of vault '%s'", vault->name);
	return 0;
}
