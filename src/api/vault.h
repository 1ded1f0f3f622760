/* vault.h - handlers of vaults; vault.c has their routes. */
#ifndef API_VAULT_H
#define API_VAULT_H

#include "api/api.h"

/* vault_put.c, vault_delete.c */
api_fn vault_put, vault_patch, vault_delete;

/* vault_info.c */
api_fn vault_usages, vault_replication_usages, vault_extended_get, vault_extended_put,
    vault_name_available;

#endif
