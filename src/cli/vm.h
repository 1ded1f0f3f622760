/* vm.h - what `holdfast vm add` was told, and doing it. */
#ifndef CLI_VM_H
#define CLI_VM_H

#include "cli/client.h"

#define VM_DATA_MAX 64

struct vm_disk {
	int lun;		/* -1: the OS disk */
	const char *file;
};

struct vm_request {
	const char *name, *group, *size, *os_type;
	const char *format;	/* "raw" or "qcow2", of every image; NULL: as its name says */
	const char *location; /* NULL: the group's, or the first region if there is no group */
	struct vm_disk disk[VM_DATA_MAX + 1];	/* the OS disk first */
	size_t disk_count;
};

/* Registers the images as disks and makes the VM of them: all of it, or the disks that were made
 * are removed again.  *ret_id is malloc'd. */
must_check int vm_add(struct cli_client *c, const struct vm_request *q, char **ret_id,
    struct err *e);

#endif
