/* canon.c - ids in the casing that clients search for, case-sensitively.  See id.h. */
#include "arm/id.h"

#include "base/buf.h"

static const char *const providers[] = {
	"Microsoft.Compute", "Microsoft.Network", "Microsoft.RecoveryServices",
	"Microsoft.Resources", "Microsoft.Storage", NULL,
};

static const char *const types[] = {
	"backupFabrics", "backupJobs", "backupOperationResults", "backupOperations",
	"backupPolicies", "backupProtectableItems", "backupProtectedItems",
	"backupProtectionContainers", "backupResourceGuardProxies", "backupconfig",
	"backupEncryptionConfigs", "backupstorageconfig", "deployments", "disks", "locations",
	"networkInterfaces", "networkSecurityGroups", "operationResults", "operationStatus", "operations", "operationsStatus", "protectableItems",
	"protectedItems", "protectionContainers", "recoveryPoints", "resourceGroups",
	"storageAccounts", "subnets", "vaults", "virtualMachines", "virtualNetworks", NULL,
};

static struct str canonical(const char *const *known, struct str word)
{
	for (; *known != NULL; known++)
		if (str_ieq(str_c(*known), word))
			return str_c(*known);
	return word;
}

static void add(struct buf *b, const char *lead, struct str s)
{
	buf_adds(b, lead);
	buf_add(b, s.p, s.n);
}

char *arm_id_canonical(struct arena *a, const struct arm_id *id)
{
	auto_buf struct buf b = { 0 };

	add(&b, "/subscriptions/", id->subscription);
	if (id->group.n > 0)
		add(&b, "/resourceGroups/", id->group);
	if (id->provider.n > 0)
		add(&b, "/providers/", canonical(providers, id->provider));
	for (unsigned i = 0; i < id->depth; i++) {
		add(&b, "/", canonical(types, id->part[i].type));
		add(&b, "/", id->part[i].name);
	}
	return b.failed ? NULL : arena_str(a, buf_str(&b));
}
