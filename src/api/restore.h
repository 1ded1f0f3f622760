/* restore.h - what the calls that restore and the calls that only validate share. */
#ifndef API_RESTORE_H
#define API_RESTORE_H

#include "api/restore_check.h"

/* For a restore in the vault's own region; everything is borrowed. */
void restore_input_fill(struct api_call *c, struct db_conn *conn, const struct resource *item,
    const struct resource *point, const json_t *request, struct restore_input *ret);

/* What the job of a restore is given to do, and to show as its tasks (NULL-terminated). */
must_check int restore_arguments(struct api_call *c, const struct restore_input *in,
    const struct restore_plan *plan, json_t **ret, struct err *e);
const char *const *restore_tasks(enum restore_kind kind);

/* Besides the restore itself, the caller needs: storageAccounts/write or listKeys/action on the
 * account; disks/write over the target group, unless disks stay in the account;
 * virtualMachines/write on the VM that is made or changed; subnets/join/action on a new VM's
 * subnet.  As authorize_linked() says. */
must_check int restore_rights(struct api_call *c, const struct restore_plan *plan, struct err *e);

/* restore_validate.c */
api_fn restore_validate, restore_validate_trigger, restore_validate_status,
    restore_validate_results;

#endif
