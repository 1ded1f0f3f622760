/* restore.h - what the calls that restore and the calls that only validate share. */
#ifndef API_RESTORE_H
#define API_RESTORE_H

#include "api/restore_check.h"

/* For a restore in the vault's own region; everything is borrowed. */
void restore_input_fill(struct api_call *c, struct db_conn *conn, const struct resource *item,
    const struct resource *point, const json_t *request, struct restore_input *ret);

/* restore_validate.c */
api_fn restore_validate, restore_validate_trigger, restore_validate_status,
    restore_validate_results;

#endif
