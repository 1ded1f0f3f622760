/* vmconfig.h - what a restore of disks leaves in the storage account beside them: the VM's
 * configuration, for scripts, and a deployment template that makes the VM again. */
#ifndef WORK_VMCONFIG_H
#define WORK_VMCONFIG_H

#include "work/restore.h"

/* The ARM model of the VM flattened by one level: keys are "properties.hardwareProfile",
 * "properties.storageProfile", …  Disks are the restored ones.  The row of the point must be
 * loaded.  New reference. */
must_check int vmconfig_make(struct restore *r, json_t **ret, struct err *e);

/* As the file is stored: UTF-16LE without a byte order mark, NULs up to a whole 512-byte page. */
must_check int vmconfig_encode(const json_t *config, struct buf *ret, struct err *e);

/* Where the template's interface goes unless the deployment says otherwise. */
struct template_network {
	const char *vnet, *group, *subnet;
};

/* An ARM deployment template; every parameter but VirtualMachineName has a default. */
must_check int template_make(struct restore *r, const struct template_network *n, json_t **ret,
    struct err *e);

#endif
