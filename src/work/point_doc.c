/* point_doc.c - the documents of a recovery point. */
#include "work/take_point.h"

#define MOVE_INFO \
	"We're still determining if this Recovery Point can be moved.. Please check again after " \
	"some time."

static const char *storage_type(size_t premium, size_t attached)
{
	if (premium == 0)
		return "NormalStorage";
	return premium == attached ? "PremiumVMOnPremiumStorage"
	    : "PremiumVMOnPartialPremiumStorage";
}

/* [{lun, name}] of disks that say more; new reference. */
static json_t *short_list(const json_t *disks)
{
	auto_json json_t *list = json_array();
	const json_t *x;
	size_t i;

	json_array_foreach(disks, i, x)
		if (json_array_append_new(list, json_pack("{s:I,s:s}", "lun",
		    (json_int_t)jint(x, "lun", -1), "name", jstr(x, "name", ""))) != 0)
			return NULL;
	return TAKE(list);
}

static json_t *selection_of(const json_t *plan)
{
	const json_t *in = jat(plan, "disks"), *out = jat(plan, "excluded");
	size_t n = json_array_size(in);

	return json_pack("{s:I,s:I,s:o,s:o}", "numberOfDisksIncludedInBackup", (json_int_t)n,
	    "numberOfDisksAttachedToVm", (json_int_t)(n + json_array_size(out)), "includedDiskList",
	    short_list(in), "excludedDiskList", short_list(out));
}

static const char *os_type(const json_t *plan)
{
	const json_t *os = json_array_get(jat(plan, "disks"), 0);

	return jstr(jat(plan, "vm.body"), "properties.storageProfile.osDisk.osType",
	    jstr(os, "osType", "Linux"));
}

json_t *take_properties(const json_t *plan, const json_t *selection, const char *policy_type,
    size_t premium, size_t attached)
{
	const json_t *vm = jat(plan, "vm.body");
	auto_json json_t *props = NULL;
	char when[TIME_TEXT_MAX];

	props = json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:[{s:s,s:s},{s:s,s:s}],s:b,s:s,s:b,s:s,"
	    "s:O*}", "objectType", "IaasVMRecoveryPoint", "recoveryPointType", "CrashConsistent",
	    "recoveryPointTime", time_iso(jint(plan, "timeUs", 0), when),
	    "recoveryPointAdditionalInfo", "", "sourceVMStorageType",
	    storage_type(premium, attached),
	    "isSourceVMEncrypted", 0, "isInstantIlrSessionActive", 0, "recoveryPointTierDetails",
	    "type", "InstantRP", "status", "Valid", "type", "HardenedRP", "status", "Valid",
	    "isManagedVirtualMachine", 1, "virtualMachineSize",
	    jstr(vm, "properties.hardwareProfile.vmSize", "Standard_DS1_v2"),
	    "originalStorageAccountOption", 0, "osType", os_type(plan), "zones", jat(vm, "zones"));
	if (props == NULL || (selection != NULL && json_object_set_new(props,
	    "recoveryPointDiskConfiguration", selection_of(plan)) != 0))
		return NULL;
	if (json_object_set_new(props, "recoveryPointMoveReadinessInfo", json_pack("{s:{s:b,s:s}}",
	    "ArchivedRP", "isReadyForMove", 0, "additionalInfo", MOVE_INFO)) != 0 ||
	    json_object_set_new(props, "securityType", json_string("None")) != 0 ||
	    json_object_set_new(props, "createdWithPolicyType", json_string(policy_type)) != 0)
		return NULL;
	return TAKE(props);
}

/* The disks without what only the job is interested in. */
static json_t *disks_of(const json_t *plan)
{
	static const char *const inner[] = { "path", "inPlace", "allocated", "stamp" };
	auto_json json_t *list = json_deep_copy(jat(plan, "disks"));
	json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
		for (size_t k = 0; k < ARRAY_LEN(inner); k++)
			(void)json_object_del(x, inner[k]);
	return TAKE(list);
}

json_t *take_document(const struct take *t)
{
	const json_t *p = t->plan;

	return json_pack("{s:O,s:{s:O,s:o,s:O,s:s,s:s,s:o*}}", "properties", jat(p, "properties"),
	    "internal", "vm", jat(p, "vm"), "disks", disks_of(p), "excluded", jat(p, "excluded"),
	    "expiryTime", jstr(p, "expiryTime", ""), "jobId", job_id(t->job), "isPreRestore",
	    t->is_pre_restore ? json_true() : NULL);
}
