/* compute.h - what disks and virtual machines share. */
#ifndef API_COMPUTE_H
#define API_COMPUTE_H

#include "api/api.h"

/* Delete a disk's file if it is ours (internal.owned). */
void disk_remove_file(const struct resource *disk);

/* Point the disk at the VM that uses it (managedBy, diskState, ref), or at
 * none with vm_id "".  Changes only the document; the caller stores it. */
must_check int disk_set_owner(struct resource *disk, const char *vm_id, struct err *e);

/* Let go of what the VM uses: its disks but for those in `keep`, or, with `keep` NULL, all its
 * disks and network interfaces. */
struct vm_disks;
must_check int compute_release(struct db_conn *conn, const char *vm_id,
    const struct vm_disks *keep, int64_t now_us, struct err *e);

/* 202 with an operation row that is finished already, under
 * locations/{region}/operations/{id} as Microsoft.Compute has them. */
must_check int compute_accepted(struct api_call *c, const char *region, const char *scope,
    struct err *e);

/* All resources of `type` in the call's group (param[1]) or subscription, paged. */
must_check int api_list_type(struct api_call *c, const char *type, bool in_group,
    json_t *(*render)(struct api_call *c, const struct resource *r), struct err *e);

#endif
