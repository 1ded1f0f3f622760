/* template.c - azuredeploy<job>.json: a deployment that makes the VM from the restored disks. */
#include "work/vmconfig.h"

#define SCHEMA "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#"
#define NIC_NAME "[variables('nicName')]"
#define VM_NAME "[parameters('VirtualMachineName')]"

static json_t *text_parameter(const char *preset)
{
	return json_pack("{s:s,s:s*}", "type", "String", "defaultValue", preset);
}

static json_t *parameters(struct restore *r, const struct template_network *n)
{
	const char *vm = jstr(restore_source_vm(r), "name", "vm");
	const char *prefix = arena_fmt(&r->arena, "%sRestoredNIC", vm);
	const char *address = arena_fmt(&r->arena, "%sRestoredip", vm);
	const char *os = jstr(json_array_get(r->disks, 0), "name", "");

	if (prefix == NULL || address == NULL)
		return NULL;
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "VirtualMachineName", text_parameter(NULL),
	    "VirtualNetwork", text_parameter(n->vnet), "VirtualNetworkResourceGroup",
	    text_parameter(n->group), "Subnet", text_parameter(n->subnet), "OSDiskName",
	    text_parameter(os), "NetworkInterfacePrefixName", text_parameter(prefix),
	    "PublicIpAddressName", text_parameter(address));
}

static json_t *nic(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:{s:[{s:s,s:{s:s,s:{s:s}}}]}}", "type", TYPE_NIC,
	    "apiVersion", "2020-11-01", "name", NIC_NAME, "location", "[variables('location')]",
	    "properties", "ipConfigurations", "name", "ipconfig1", "properties",
	    "privateIPAllocationMethod", "Dynamic", "subnet", "id", "[variables('subnetId')]");
}

/* A disk of the template's VM.  The OS disk is the one that the parameter names. */
static json_t *disk_entry(struct restore *r, const json_t *disk)
{
	int64_t lun = jint(disk, "lun", -1);
	auto_json json_t *x = restore_profile_entry(r, disk);
	const char *url, *id = lun < 0
	    ? "[resourceId('" TYPE_DISK "', parameters('OSDiskName'))]"
	    : arena_fmt(&r->arena, "[resourceId('" TYPE_DISK "', '%s')]", jstr(disk, "name", ""));
	struct err e;

	(void)json_object_del(x, "diskSizeGB");
	if (x == NULL || id == NULL || (lun < 0 && jset(x, "name",
	    json_string("[parameters('OSDiskName')]"), &e) != 0))
		return NULL;
	if (!r->is_unmanaged)
		return jset(x, "managedDisk", json_pack("{s:s}", "id", id), &e) == 0 ? TAKE(x) : NULL;
	(void)json_object_del(x, "managedDisk");
	if (restore_blob_url(r, jstr(disk, "blob", ""), &url, &e) != 0 ||
	    jset(x, "vhd", json_pack("{s:s}", "uri", url), &e) != 0)
		return NULL;
	return TAKE(x);
}

static json_t *storage_profile(struct restore *r)
{
	auto_json json_t *profile = json_object(), *data = json_array();
	json_t *disk;
	size_t i;

	json_array_foreach(r->disks, i, disk) {
		json_t *x = disk_entry(r, disk);

		if ((jint(disk, "lun", -1) < 0 ? json_object_set_new(profile, "osDisk", x)
		    : json_array_append_new(data, x)) != 0)
			return NULL;
	}
	return json_object_set(profile, "dataDisks", data) == 0 ? TAKE(profile) : NULL;
}

static json_t *vm(struct restore *r)
{
	const json_t *body = jat(restore_source_vm(r), "body");

	return json_pack("{s:s,s:s,s:s,s:s,s:O*,s:O*,s:[s],s:{s:{s:s},s:o,s:{s:[{s:s}]}}}", "type",
	    TYPE_VM, "apiVersion", "2020-12-01", "name", VM_NAME, "location",
	    "[variables('location')]", "tags", jat(body, "tags"), "zones", jat(body, "zones"),
	    "dependsOn", "[resourceId('" TYPE_NIC "', variables('nicName'))]", "properties",
	    "hardwareProfile", "vmSize",
	    jstr(body, "properties.hardwareProfile.vmSize", "Standard_DS1_v2"), "storageProfile",
	    storage_profile(r), "networkProfile", "networkInterfaces", "id",
	    "[resourceId('" TYPE_NIC "', variables('nicName'))]");
}

static json_t *variables(struct restore *r)
{
	const char *name = arena_fmt(&r->arena, "[concat(parameters('NetworkInterfacePrefixName'), "
	    "'%s')]", jstr(r->state, "hex", ""));

	if (name == NULL)
		return NULL;
	return json_pack("{s:s,s:s,s:s}", "location", jstr(r->target, "region", ""), "nicName", name,
	    "subnetId", "[resourceId(parameters('VirtualNetworkResourceGroup'), '" TYPE_VNET
	    "/subnets', parameters('VirtualNetwork'), parameters('Subnet'))]");
}

int template_make(struct restore *r, const struct template_network *n, json_t **ret,
    struct err *e)
{
	json_t *t = json_pack("{s:s,s:s,s:o,s:o,s:[o,o]}", "$schema", SCHEMA, "contentVersion",
	    "1.0.0.0", "parameters", parameters(r, n), "variables", variables(r), "resources", nic(),
	    vm(r));

	if (t == NULL)
		return err_nomem(e);
	*ret = t;
	return 0;
}
