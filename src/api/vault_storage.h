/* vault_storage.h - how redundantly a vault is kept.
 *
 * internal.storageConfig of the vault is the one truth.  Clients see it twice:
 * as backupstorageconfig and as the vault's redundancySettings. */
#ifndef API_VAULT_STORAGE_H
#define API_VAULT_STORAGE_H

#include "api/api.h"

extern const char *const vault_storage_models[];	/* NULL-terminated */

/* Of a new vault: geo-redundant, unlocked, no cross-region restore.  NULL out of memory. */
json_t *vault_storage_new(void);

struct vault_storage_change {
	const char *model;		/* storageModelType to have, or NULL */
	const char *model_path;		/* the request's member that says so, for errors */
	const bool *cross_region;	/* crossRegionRestoreFlag to have, or NULL */
	const char *cross_region_path;
};

/* Changes the document; the caller stores it.  ERR_INVALID with the path: the vault is locked,
 * cross-region restore is to go off, or does not go with the redundancy or the region. */
must_check int vault_storage_apply(struct api_call *c, struct db_conn *conn,
    struct resource *vault, const struct vault_storage_change *change, struct err *e);

/* Locked once cross-region restore is on or an item was registered. */
must_check int vault_storage_locked(struct db_conn *conn, const struct resource *vault,
    bool *ret, struct err *e);

/* properties of backupstorageconfig, and redundancySettings; NULL out of memory. */
json_t *vault_storage_json(const struct resource *vault, bool locked);
json_t *vault_storage_redundancy(const struct resource *vault);

#endif
