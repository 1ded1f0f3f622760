/* vault_config.h - handlers of a vault's settings; vault_config.c has their routes. */
#ifndef API_VAULT_CONFIG_H
#define API_VAULT_CONFIG_H

#include "api/api.h"

/* guard_proxy.c */
api_fn guard_list, guard_get, guard_put, guard_delete, guard_unlock_delete, security_pin;

#endif
