/* restore_alternate.c - a new VM of restored disks, with an interface in the given subnet. */
#include "base/clock.h"
#include "work/restore.h"

static char *nic_id(struct restore *r)
{
	return arena_fmt(&r->arena, "%s/providers/" TYPE_NIC "/%s-nic-%s",
	    jstr(r->target, "groupId", ""), jstr(r->target, "vmName", ""), jstr(r->state, "hex", ""));
}

static int put_nic(struct restore *r, struct db_conn *c, const char *id, const char *vm,
    struct err *e)
{
	int64_t now_us = clock_now_us(r->world->clock);
	auto_resource struct resource nic = { 0 };
	json_t *body = json_pack("{s:{s:[{s:s,s:{s:{s:s},s:s,s:s,s:b}}],s:{s:s},s:b,s:s}}",
	    "properties", "ipConfigurations", "name", "ipconfig1", "properties", "subnet", "id",
	    jstr(r->target, "subnetId", ""), "privateIPAllocationMethod", "Dynamic",
	    "privateIPAddressVersion", "IPv4", "primary", 1, "virtualMachine", "id", vm, "primary", 1,
	    "provisioningState", "Succeeded");

	if (resource_init(&nic, TYPE_NIC, id, jstr(r->target, "region", ""),
	    jstr(r->target, "groupId", ""), body, e) != 0 || resource_set(&nic.ref, vm, e) != 0)
		return -1;
	nic.sort = now_us;
	return resource_put(c, &nic, now_us, e);
}

static json_t *storage_profile(const struct restore *r)
{
	auto_json json_t *data = json_array(), *os = NULL;
	json_t *disk;
	size_t i;

	json_array_foreach(r->disks, i, disk) {
		json_t *x = restore_profile_entry(r, disk);

		if (jint(disk, "lun", -1) < 0)
			os = x;
		else if (json_array_append_new(data, x) != 0)
			return NULL;
	}
	return json_pack("{s:O,s:O}", "osDisk", os, "dataDisks", data);
}

static json_t *vm_body(const struct restore *r, const char *nic, int64_t now_us)
{
	const json_t *source = jat(restore_source_vm(r), "body");
	char when[TIME_TEXT_MAX];
	json_t *properties = json_pack("{s:{s:s},s:o,s:{s:[{s:s,s:{s:b}}]},s:s,s:s,s:s}",
	    "hardwareProfile", "vmSize",
	    jstr(source, "properties.hardwareProfile.vmSize", "Standard_DS1_v2"), "storageProfile",
	    storage_profile(r), "networkProfile", "networkInterfaces", "id", nic, "properties",
	    "primary", 1, "vmId", jstr(r->state, "vmGuid", ""), "timeCreated",
	    time_iso(now_us, when), "provisioningState", "Succeeded");

	return json_pack("{s:o,s:O*,s:O*,s:{s:s}}", "properties", properties, "tags",
	    jat(source, "tags"), "zones", restore_zones(r, source), "internal", "powerState",
	    "PowerState/deallocated");
}

static bool is_ours(const struct restore *r, const struct resource *vm)
{
	return strcmp(jstr(vm->body, "properties.vmId", ""), jstr(r->state, "vmGuid", "-")) == 0;
}

static int put_all(struct restore *r, struct db_conn *c, const char *id, struct err *e)
{
	int64_t now_us = clock_now_us(r->world->clock);
	auto_resource struct resource vm = { 0 };
	const char *nic = nic_id(r);
	json_t *disk;
	size_t i;

	if (nic == NULL)
		return err_nomem(e);
	json_array_foreach(r->disks, i, disk)
		if (restore_put_disk(r, c, disk, id, e) != 0)
			return -1;
	if (put_nic(r, c, nic, id, e) != 0 ||
	    resource_init(&vm, TYPE_VM, id, jstr(r->target, "region", ""),
	    jstr(r->target, "groupId", ""), vm_body(r, nic, now_us), e) != 0)
		return -1;
	vm.sort = now_us;
	return resource_put(c, &vm, now_us, e);
}

int restore_new_vm(struct restore *r, struct db_conn *c, struct err *e)
{
	const char *id = jstr(r->target, "vmId", "");
	auto_resource struct resource old = { 0 };
	int found = resource_get(c, id, &old, e);

	if (found < 0)
		return -1;
	if (found > 0)
		return is_ours(r, &old) ? 0 : err_code(e, ERR_CONFLICT,
		    "UserErrorVmAlreadyExistWithSameName",
		    "A VM with the same name already exists in the same Resource Group: '%s'", id);
	return put_all(r, c, id, e);
}

int restore_new_vm_undo(struct restore *r, struct db_conn *c, struct err *e)
{
	const char *id = jstr(r->target, "vmId", ""), *nic = nic_id(r);
	auto_resource struct resource vm = { 0 };
	int found = resource_get(c, id, &vm, e);

	if (found < 0)
		return -1;
	if (nic == NULL)
		return err_nomem(e);
	if (found == 0 || !is_ours(r, &vm))
		return 0;	/* never committed: then nothing was */
	if (resource_delete(c, id, e) < 0 || resource_delete(c, nic, e) < 0)
		return -1;
	return restore_drop_disks(r, c, e);
}
