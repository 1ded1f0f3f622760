/* discovery.h - what a vault could protect and what it protects; discovery.c has the routes. */
#ifndef API_DISCOVERY_H
#define API_DISCOVERY_H

#include "api/api.h"

/* discovery_list.c */
api_fn discovery_protectable, discovery_containers, discovery_deleted_containers,
    discovery_container, discovery_usage;

/* discovery_status.c */
api_fn discovery_backup_status, discovery_pre_validate, discovery_validate_features;

/* The only fabric there is; else BMSUserErrorInvalidInput. */
must_check int discovery_check_fabric(const char *fabric, struct err *e);

/* The item, in whichever vault, that protects the VM.  1, 0, -1; *ret zeroed. */
must_check int discovery_item_of(struct db_conn *conn, const char *vm, struct resource *ret,
    struct err *e);

#endif
