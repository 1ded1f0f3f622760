/* vm_nics.h - the network interfaces that a virtual machine's document names. */
#ifndef API_VM_NICS_H
#define API_VM_NICS_H

#include "api/api.h"

/* Make the interfaces in `body` (the VM's stored document) the VM's, and let go of those that were.
 * Ids of interfaces that are not here are left alone: documents from elsewhere name some.  NicInUse
 * if one is another VM's; LinkedAuthorizationFailed if the caller may not join one. */
must_check int vm_nics_take(struct api_call *c, struct db_conn *conn, const char *vm_id,
    const json_t *body, struct err *e);

#endif
