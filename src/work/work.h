/* work.h - the kinds of job, and what their arguments are.
 *
 * backup     args {vaultId, itemId, expiryTime?}
 * configure  args {vaultId, itemId, vmId, policyId, protectionState, extendedProperties?}: makes the
 *            item protected (or stops it: protectionState "ProtectionStopped", "BackupsSuspended").
 *            The API wrote the item's row as it is to be; soft delete and undelete are this too
 * delete     args {vaultId, itemId}: removes the item's points and the item
 * restore    args {vaultId, itemId, pointId, baseUrl, recoveryType, request: the validated
 *            properties of the restore request, target: see below, source?: {region}: the data come
 *            from the vault's copy in that region (replica.h), not from the vault}
 * move       args {vaultId, itemId, pointId}: the point into the archive tier
 *
 * A restore's args.target is worked out by the API before it answers 202:
 *   {"region","accountId","accountName","groupId"?, "groupName"?, "unmanaged":bool,
 *    "luns":[…]|absent, "vmId"?, "vmName"?, "subnetId"?, "vnetName"?, "vnetGroup"?,
 *    "rehydration"? {"durationUs", "priority"}: the point is in the archive} */
#ifndef WORK_WORK_H
#define WORK_WORK_H

#include "job/job.h"

extern const struct job_kind backup_kind, configure_kind, delete_kind, restore_kind, move_kind;

/* NULL-terminated, for job_engine_opts. */
extern const struct job_kind *const work_kinds[];

#endif
