/* archive.c - archives of vaults: where they lie, opening them, and what rows say of them.  See
 * archive.h. */
#include "work/archive.h"

#include <errno.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/crypto.h"
#include "vault/copy.h"

struct opening {
	struct world *world;
	const struct resource *vault;
	struct vault *from;	/* NULL: only what is there is opened */
	const char *dir;
};

bool archive_configured(const struct settings *s, const char *region)
{
	const struct region_settings *r = settings_region(s, region);

	return r != NULL && r->archive != NULL;
}

static const char *store_of(const struct resource *vault)
{
	return jstr(vault->body, "internal.store", "");
}

static int dir_of(const struct world *w, const struct resource *vault, struct arena *a,
    const char **ret, struct err *e)
{
	const struct region_settings *r = settings_region(w->settings, vault->location);

	if (r == NULL || r->archive == NULL)
		return err_set(e, ERR_INVALID, "region '%s' has no archive tier: 'archive' is not "
		    "set in its section of holdfast.conf", vault->location);
	if (!guid_valid(str_c(store_of(vault))))
		return err_set(e, ERR_CORRUPT, "vault '%s' names no store", vault->id);
	if (access(r->archive, F_OK) != 0)
		return err_sys(e, errno, "opening '%s', the archive of region '%s'", r->archive,
		    r->name);
	*ret = arena_fmt(a, "%s/vaults/%s", r->archive, store_of(vault));
	return *ret != NULL ? 0 : err_nomem(e);
}

static int make(const struct opening *o, struct err *e)
{
	struct object_store *store = NULL;
	int r = -1;

	if (fs_mkdirs(o->dir, 0750, e) == 0 && object_dir_open(o->dir, true, &store, e) == 0 &&
	    vault_copy_begin(o->from, store, e) == 0)
		r = fs_sync_parent(o->dir, e);
	object_close(store);
	return r;
}

/* The vault's archive begins with the object `config`. */
static bool is_there(const char *dir)
{
	auto_arena struct arena a = { 0 };
	const char *path = arena_fmt(&a, "%s/config", dir);

	return path != NULL && access(path, F_OK) == 0;
}

/* world_open_fn */
static int open_it(void *arg, struct vault **ret, struct err *e)
{
	const struct opening *o = arg;
	struct object_store *store = NULL;
	uint8_t key[32];
	int r = -1;

	if (!is_there(o->dir) && (o->from == NULL || make(o, e) != 0))
		return o->from == NULL ? 0 : -1;
	if (world_vault_key(o->world, o->vault, key, e) == 0 &&
	    object_dir_open(o->dir, false, &store, e) == 0)
		r = vault_open(store, key, ret, e) == 0 ? 1 : -1;
	crypto_wipe(key, sizeof(key));
	return r;
}

static struct vault *peer(void *arg)
{
	return arg;
}

static int open_at(struct world *w, const struct resource *vault, struct vault *from,
    struct vault **ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	struct opening o = { .world = w, .vault = vault, .from = from };
	char name[WORLD_CACHE_NAME];
	int found;

	if (dir_of(w, vault, &a, &o.dir, e) != 0)
		return -1;
	(void)snprintf(name, sizeof(name), "archive/%s", store_of(vault));
	/* What went from under an open archive is not there, or made anew. */
	if (!is_there(o.dir))
		world_uncache(w, name);
	found = world_cached(w, name, open_it, &o, ret, e);
	return found >= 0 ? found : err_in(e, "opening the archive of vault '%s'", vault->name);
}

int archive_open(struct world *w, const struct resource *vault, struct vault **ret, struct err *e)
{
	return open_at(w, vault, NULL, ret, e);
}

int archive_make(struct world *w, const struct resource *vault, struct vault **ret, struct err *e)
{
	struct vault *from, *v;

	if (world_vault(w, vault, &from, e) != 0 || open_at(w, vault, from, &v, e) < 0)
		return -1;
	vault_set_peer(v, peer, from);
	*ret = v;
	return 0;
}

int archive_remove(struct world *w, const struct resource *vault, struct err *e)
{
	auto_arena struct arena a = { 0 };
	char name[WORLD_CACHE_NAME];
	const char *dir;

	if (!archive_configured(w->settings, vault->location))
		return 0;
	if (dir_of(w, vault, &a, &dir, e) != 0)
		return -1;
	(void)snprintf(name, sizeof(name), "archive/%s", store_of(vault));
	world_uncache(w, name);
	return fs_remove_tree(dir, e) != 0 ? err_in(e, "removing its archive") : 0;
}

/* ---- rows of points ---- */
bool archive_has(const struct resource *point)
{
	return jat(point->body, "internal.archive") != NULL;
}

bool archive_is_rehydrated(const struct resource *point)
{
	return jbool(point->body, "internal.archive.isRehydrated", false);
}

int64_t archive_keep_until(const struct resource *point)
{
	return jint(point->body, "internal.archive.keepUntilUs", 0);
}

static int set_tiers(struct resource *point, json_t *tiers, struct err *e)
{
	if (tiers == NULL)
		return err_nomem(e);
	return jset(jat(point->body, "properties"), "recoveryPointTierDetails", tiers, e);
}

/* Rows of points have both parts; one that has not was written by something else. */
static int check_row(const struct resource *point, struct err *e)
{
	return json_is_object(jat(point->body, "internal")) &&
	    json_is_object(jat(point->body, "properties")) ? 0 :
	    err_set(e, ERR_CORRUPT, "the row of recovery point '%s' is not whole", point->id);
}

int archive_tell_archived(struct resource *point, struct err *e)
{
	json_t *before = jat(point->body, archive_has(point) ? "internal.archive.before" :
	    "properties.recoveryPointTierDetails");

	if (check_row(point, e) != 0 || jset(jat(point->body, "internal"), "archive",
	    json_pack("{s:I, s:b, s:O*}", "keepUntilUs", (json_int_t)0, "isRehydrated", 0, "before",
	    before), e) != 0)
		return -1;
	return set_tiers(point, json_pack("[{s:s, s:s}]", "type", "ArchivedRP", "status", "Valid"),
	    e);
}

int archive_tell_keep(struct resource *point, int64_t until_us, struct err *e)
{
	return jset(jat(point->body, "internal.archive"), "keepUntilUs", json_integer(until_us), e);
}

int archive_tell_rehydrated(struct resource *point, struct err *e)
{
	char until[TIME_TEXT_MAX];

	if (jset(jat(point->body, "internal.archive"), "isRehydrated", json_true(), e) != 0)
		return -1;
	return set_tiers(point, json_pack("[{s:s, s:s}, {s:s, s:s, s:{s:s}}]", "type", "HardenedRP",
	    "status", "Valid", "type", "ArchivedRP", "status", "Rehydrated", "extendedInfo",
	    "RehydratedRPExpiryTime", time_iso(archive_keep_until(point), until)), e);
}

int archive_tell_vault(struct resource *point, struct err *e)
{
	json_t *before = jat(point->body, "internal.archive.before");
	json_t *tiers = before != NULL ? json_incref(before) :
	    json_pack("[{s:s, s:s}]", "type", "HardenedRP", "status", "Valid");

	if (check_row(point, e) != 0) {
		json_decref(tiers);
		return -1;
	}
	if (set_tiers(point, tiers, e) != 0)
		return -1;
	(void)json_object_del(jat(point->body, "internal"), "archive");
	return 0;
}

/* ---- points ---- */
int archive_probe(struct vault *v, const struct resource *point, struct err *e)
{
	auto_point struct vault_point *p = NULL;
	auto_arena struct arena a = { 0 };
	const char *item = arena_lower(&a, str_c(point->parent));

	if (item == NULL)
		return err_nomem(e);
	if (vault_point_open(v, item, point->name, &p, e) == 0)
		return 1;
	return e->kind == ERR_NOT_FOUND ? 0 : -1;
}
