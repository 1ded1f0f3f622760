/* vm_check.h - is a virtual machine's document sound, and which disks has it? */
#ifndef API_VM_CHECK_H
#define API_VM_CHECK_H

#include "api/api.h"

#define VM_DISKS_MAX 65	/* OS disk and LUNs 0..63 */

struct vm_disks {
	struct {
		int lun;	/* -1: OS disk */
		const char *id;	/* the arena's */
	} disk[VM_DISKS_MAX];
	size_t count;
};

bool vm_name_valid(const char *name);
bool vm_disks_has(const struct vm_disks *d, const char *id);

/* Judge the call's body as VM `id` in `location`: every disk exists, is in the
 * region, is named once and belongs to no other VM; LUNs are 0..63 and unique.
 * Fills *ret and the document to store (new reference). `old` NULL for a new VM. */
must_check int vm_check(struct api_call *c, struct db_conn *conn, const char *id,
    const char *location, const struct resource *old, struct vm_disks *ret, json_t **ret_body,
    struct err *e);

#endif
