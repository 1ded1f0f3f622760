/* world.h - what jobs and request handlers work with. */
#ifndef WORK_WORLD_H
#define WORK_WORLD_H

#include <pthread.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"
#include "db/db.h"
#include "job/job.h"
#include "model/resource.h"
#include "vault/vault.h"
#include "work/settings.h"

struct world {
	struct db *db;
	const struct clock *clock;
	const struct settings *settings;
	struct job_engine *engine;
	uint8_t master_key[32];
	uint8_t pair_key[32];	/* shared with the paired regions' servers; see replica.h */
	char tenant[40], subscription[40];
	struct vault_cache *vaults;	/* open vaults, and copies of vaults */
	struct replicator *replicator;	/* NULL in programs that copy nothing */
	_Atomic int64_t stamp_us;	/* the last time that went into names of restored disks */
};

/* Directories of a region, made on first use: STORE/vaults, STORE/disks, STORE/accounts.
 * `region` must be configured, and this server's, else ERR_INVALID; so with vaults. */
must_check int world_disk_dir(const struct world *w, const char *region, struct arena *a,
    const char **ret, struct err *e);
must_check int world_account_dir(const struct world *w, const char *region, const char *account,
    struct arena *a, const char **ret, struct err *e);

/* New resources' unique file name inside world_disk_dir(): "<disk name>-<8
 * hex>.<raw|qcow2|vhd>". */
must_check int world_disk_path(const struct world *w, const char *region, const char *disk_name,
    const char *extension, struct arena *a, const char **ret, struct err *e);

/* Ends of the names of an image that is not whole yet, in a disk pool, and of a storage account's
 * directory that is being removed.  world_sweep() removes what a crash left of them in every
 * region of this server; before any request or job runs. */
#define WORLD_PARTIAL ".partial"
#define WORLD_REMOVED ".removed"
must_check int world_sweep(const struct world *w, struct err *e);

must_check int vault_cache_new(struct vault_cache **ret, struct err *e);
void vault_cache_free(struct vault_cache *c);	/* NULL is fine */
struct replicas *vault_cache_replicas(struct vault_cache *c);	/* see replicas.h */

/* Make the store of a new vault: directory, key wrapped by the master key.
 * Sets internal.store and internal.wrappedKey of `body`. */
must_check int world_vault_create(struct world *w, const char *region, json_t *body, struct err *e);

/* The open vault of a vault resource (borrowed; stays open until the world ends). */
must_check int world_vault(struct world *w, const struct resource *vault, struct vault **ret,
    struct err *e);
/* The vault's key in the clear; wipe it. */
must_check int world_vault_key(const struct world *w, const struct resource *vault, uint8_t ret[32],
    struct err *e);
/* Wrap `key`, which must be the vault's (else ERR_DENIED), with the world's master key. */
must_check int world_vault_rewrap(struct world *w, const struct resource *vault,
    const uint8_t key[32], struct err *e);
/* Remove the vault's directory, its archive's and its copy's, for a vault that was deleted; who
 * still holds the open vault gets errors from it. */
must_check int world_vault_remove(struct world *w, const struct resource *vault, struct err *e);

/* ---- inside src/work ---- */
/* The open vault that the cache has under `name`; else what `fn` opens, under the cache's mutex:
 * 1 and *ret, 0 there is none, -1. */
#define WORLD_CACHE_NAME 48	/* bytes of a name at most */
typedef int world_open_fn(void *arg, struct vault **ret, struct err *e);
must_check int world_cached(struct world *w, const char *name, world_open_fn *fn, void *arg,
    struct vault **ret, struct err *e);
/* It is opened anew from now on; who holds the open one may go on. */
void world_uncache(struct world *w, const char *name);

#endif
