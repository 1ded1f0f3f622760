/* item.h - protected items: what handlers of items, points and restores share. */
#ifndef API_ITEM_H
#define API_ITEM_H

#include "api/api.h"

#define IAAS_MANAGEMENT "AzureIaasVM"	/* backupManagementType of everything here */

/* The item that a call's path names.  ERR_NOT_FOUND with BMSUserErrorDataSourceObjectNotFound
 * naming it. */
must_check int item_find(struct api_call *c, struct db_conn *conn, struct resource *ret,
    struct err *e);
int item_not_found(const char *id, struct err *e);

/* $filter of a GET: is extendedInfo asked for? */
must_check int item_filter_extended(struct api_call *c, bool *ret, struct err *e);
/* $filter of a list.  *ret_none: it cannot match any item here. */
must_check int item_filter_read(struct api_call *c, struct arm_filter *ret, bool *ret_none,
    struct err *e);
/* Does a list with this filter have the item?  `shown`: as item_render() has it. */
bool item_filter_wants(const struct arm_filter *f, const struct resource *item,
    const json_t *shown);

/* In the soft-deleted state: only undelete and, with soft delete switched off, delete apply. */
bool item_soft_deleted(const struct resource *item);
int item_refuse_soft_deleted(const struct resource *item, struct err *e);

/* ERR_BUSY (answered 400) when a job runs on the item; what clients know depends on whether it is
 * of the same `operation` ("Backup", "Restore"). */
must_check int item_check_free(struct db_conn *conn, const char *item, const char *operation,
    struct err *e);

/* PUT of an item (item_put.c), POST of its backup (item_backup.c). */
api_fn item_put, item_backup;

#endif
