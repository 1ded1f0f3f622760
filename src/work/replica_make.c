/* replica_make.c - making copies, and opening them from the side of the vault. */
#include <errno.h>

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/crypto.h"
#include "work/replicas.h"

bool replica_wanted(const struct resource *vault)
{
	return jbool(vault->body, "internal.storageConfig.crossRegionRestoreFlag", false) &&
	    strcmp(jstr(vault->body, "internal.storageConfig.storageModelType", "GeoRedundant"),
	    "GeoRedundant") == 0;
}

/* Another server's store is not made: it may be on a file system that is not mounted just now. */
static int make_dir(const struct region_settings *to, const char *dir, struct err *e)
{
	if (!region_is_here(to) && access(to->store, F_OK) != 0)
		return err_sys(e, errno, "opening '%s', the store of region '%s'", to->store,
		    to->name);
	return fs_mkdirs(dir, 0750, e);
}

/* The copy as it is open already, or opened for the caller alone, who then owns *ret_own. */
static int open_for(struct world *w, const struct region_settings *to, const char *store,
    const uint8_t key[32], struct vault **ret, struct vault **ret_own, struct err *e)
{
	if (replicas_get(w, to, store, ret))
		return 0;
	if (replica_load(w, to, store, key, ret_own, e) != 0)
		return -1;
	*ret = *ret_own;
	return 0;
}

/* The object `replica` comes last: what has it says which vault it is of. */
static int begin(struct world *w, const struct resource *vault, struct vault *from,
    const struct region_settings *to, const uint8_t key[32], struct vault **ret, struct err *e)
{
	const char *store = jstr(vault->body, "internal.store", "");
	auto_json json_t *doc = replica_document(vault);
	auto_arena struct arena a = { 0 };
	struct object_store *s = NULL;
	struct vault *v = NULL, *own = NULL;
	const char *dir;
	int r = -1;

	if (doc == NULL)
		return err_nomem(e);
	if (replica_dir(to, store, &a, &dir, e) != 0 || make_dir(to, dir, e) != 0 ||
	    object_dir_open(dir, true, &s, e) != 0)
		return -1;
	if (vault_copy_begin(from, s, e) == 0 && open_for(w, to, store, key, &v, &own, e) == 0 &&
	    replica_put(v, REPLICA_VAULT_DOCUMENT, doc, false, e) == 0 &&
	    replica_key_save(w, s, store, vault->location, key, e) == 0)
		r = own == NULL ? 0 : replicas_add(w, to, store, TAKE(own), &v, e);
	object_close(s);
	vault_close(own);
	if (r == 0)
		*ret = v;
	return r;
}

int replica_of(struct world *w, const struct resource *vault, const struct region_settings *to,
    struct vault **ret, struct err *e)
{
	const char *store = jstr(vault->body, "internal.store", "");
	struct vault *v = NULL;
	uint8_t key[32];
	int r;

	if (!replica_is_there(to, store))
		return 0;
	if (replicas_get(w, to, store, ret))
		return 1;
	if (world_vault_key(w, vault, key, e) != 0)
		return -1;
	r = replica_load(w, to, store, key, &v, e) != 0 ||
	    replicas_add(w, to, store, v, ret, e) != 0 ? -1 : 1;
	crypto_wipe(key, sizeof(key));
	return r > 0 ? 1 :
	    err_in(e, "opening the copy of vault '%s' in '%s'", vault->name, to->name);
}

int replica_make(struct world *w, const struct resource *vault, struct vault *from,
    const struct region_settings *to, struct vault **ret, struct err *e)
{
	uint8_t key[32];
	int r;

	if (world_vault_key(w, vault, key, e) != 0)
		return -1;
	r = begin(w, vault, from, to, key, ret, e);
	crypto_wipe(key, sizeof(key));
	return r == 0 ? 0 : err_in(e, "making a copy of vault '%s' in '%s'", vault->name, to->name);
}

int replica_mend_key(struct world *w, const struct resource *vault,
    const struct region_settings *to, struct err *e)
{
	const char *store = jstr(vault->body, "internal.store", "");
	auto_arena struct arena a = { 0 };
	struct object_store *s = NULL;
	const char *dir;
	uint8_t key[32];
	int r = -1;

	if (world_vault_key(w, vault, key, e) != 0)
		return -1;
	if (replica_dir(to, store, &a, &dir, e) == 0 && object_dir_open(dir, false, &s, e) == 0)
		r = replica_key_save(w, s, store, vault->location, key, e);
	object_close(s);
	crypto_wipe(key, sizeof(key));
	return r == 0 ? 0 : err_in(e, "key of the copy of vault '%s' in '%s'", vault->name, to->name);
}
