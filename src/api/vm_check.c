/* vm_check.c - see vm_check.h. */
#include "api/vm_check.h"

#include "api/authorize.h"
#include "base/codec.h"

bool vm_name_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 64 || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		char ch = name[i];

		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
		    ch == '-' || ch == '_' || ch == '.'))
			return false;
	}
	return true;
}

bool vm_disks_has(const struct vm_disks *d, const char *id)
{
	for (size_t i = 0; i < d->count; i++)
		if (arm_id_same(str_c(d->disk[i].id), str_c(id)))
			return true;
	return false;
}

struct checker {
	struct api_call *c;
	struct db_conn *conn;
	const char *vm_id, *location;
	struct vm_disks *disks;
};

/* Or a machine of one's own, and then its backup, would be a way to read any disk. */
static int may_attach(const struct checker *k, const struct resource *disk, const char *id,
    struct err *e)
{
	if (disk->id != NULL && arm_id_same(str_c(disk->ref), str_c(k->vm_id)))
		return 0;
	return authorize_linked(k->c, TYPE_DISK "/write", disk->id != NULL ? disk->id : id, e);
}

/* One disk object of the body, at `path`: fills in what clients expect to read back. */
static int check_disk(struct checker *k, json_t *d, int lun, const char *path, struct err *e)
{
	auto_resource struct resource disk = { 0 };
	const char *id, *option = NULL, *stored;
	int found;

	if (jneed_str(d, "managedDisk.id", &id, e) != 0 ||
	    jget_str(d, "createOption", &option, e) < 0)
		return err_in(e, "%s", path);
	if (option != NULL && !str_ieq(str_c(option), STR("Attach")))
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "%s.createOption: '%.40s' is not supported here; disks are made as "
		    "Microsoft.Compute/disks and attached", path, option);
	found = resource_get(k->conn, id, &disk, e);
	if (found < 0 || may_attach(k, &disk, id, e) != 0)
		return -1;
	if (found == 0 || strcmp(disk.type, TYPE_DISK) != 0)
		return err_http(e, ERR_NOT_FOUND, 404, "NotFound",
		    "%s.managedDisk.id: disk '%.300s' is not found", path, id);
	if (!str_ieq(str_c(disk.location), str_c(k->location)))
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "%s.managedDisk.id: disk '%s' is in region '%s', the VM in '%s'", path, disk.name,
		    disk.location, k->location);
	if (disk.ref[0] != '\0' && !arm_id_same(str_c(disk.ref), str_c(k->vm_id)))
		return err_code(e, ERR_CONFLICT, "AttachDiskWhileBeingDetached",
		    "%s.managedDisk.id: disk '%s' is attached to VM '%s'", path, disk.name, disk.ref);
	if (vm_disks_has(k->disks, disk.id))
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "%s.managedDisk.id: disk '%s' is named twice", path, disk.name);
	if (k->disks->count == VM_DISKS_MAX)
		return err_code(e, ERR_INVALID, "InvalidParameter", "%s: more than %d disks", path,
		    VM_DISKS_MAX);
	stored = arena_dup(&k->c->arena, disk.id);
	if (stored == NULL)
		return err_nomem(e);
	k->disks->disk[k->disks->count].lun = lun;
	k->disks->disk[k->disks->count++].id = stored;
	if (jset(d, "createOption", json_string("Attach"), e) != 0 ||
	    jset(d, "name", json_string(disk.name), e) != 0 ||
	    jset(d, "diskSizeGB", json_incref(jat(disk.body, "properties.diskSizeGB")), e) != 0 ||
	    jset(jat(d, "managedDisk"), "id", json_string(stored), e) != 0 ||
	    jset(jat(d, "managedDisk"), "storageAccountType",
	    json_incref(jat(disk.body, "sku.name")), e) != 0)
		return -1;
	if (jat(d, "caching") == NULL)
		return jset(d, "caching", json_string(lun < 0 ? "ReadWrite" : "None"), e);
	return 0;
}

static int check_os_disk(struct checker *k, json_t *storage, struct err *e)
{
	static const char path[] = "properties.storageProfile.osDisk";
	static const char *const systems[] = { "Linux", "Windows" };
	const char *os = "Linux", *known = NULL;
	json_t *d = NULL;
	int got = jget_obj(storage, "osDisk", &d, e);

	if (got < 0)
		return err_in(e, "properties.storageProfile");
	if (got == 0)
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "%s: required, but missing", path);
	if (jget_str(d, "osType", &os, e) < 0)
		return err_in(e, "%s", path);
	for (size_t i = 0; i < ARRAY_LEN(systems); i++)
		if (str_ieq(str_c(os), str_c(systems[i])))	/* az vm create sends "linux" */
			known = systems[i];
	if (known == NULL)
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "%s.osType: '%.40s' is neither Linux nor Windows", path, os);
	return jset(d, "osType", json_string(known), e) != 0 ? -1 : check_disk(k, d, -1, path, e);
}

static int check_data_disks(struct checker *k, json_t *storage, struct err *e)
{
	json_t *list = NULL, *d;
	uint64_t used = 0;
	size_t i;
	int got = jget_arr(storage, "dataDisks", &list, e);

	if (got < 0)
		return err_in(e, "properties.storageProfile");
	if (got == 0)
		return jset(storage, "dataDisks", json_array(), e);
	json_array_foreach(list, i, d) {
		const char *path = arena_fmt(&k->c->arena, "properties.storageProfile.dataDisks[%zu]", i);
		int64_t lun = -1;

		if (path == NULL)
			return err_nomem(e);
		if (jget_int(d, "lun", &lun, e) < 0)
			return err_in(e, "%s", path);
		if (lun < 0 || lun > 63)
			return err_code(e, ERR_INVALID, "InvalidParameter",
			    "%s.lun: required, 0 to 63", path);
		if ((used & (UINT64_C(1) << lun)) != 0)
			return err_code(e, ERR_INVALID, "InvalidParameter", "%s.lun: %lld is used twice",
			    path, (long long)lun);
		used |= UINT64_C(1) << lun;
		if (check_disk(k, d, (int)lun, path, e) != 0)
			return -1;
	}
	return 0;
}

static int add_facts(struct api_call *c, const struct resource *old, json_t *props, struct err *e)
{
	char guid[GUID_SIZE], when[TIME_TEXT_MAX];
	const char *vm_guid = old != NULL ? jstr(old->body, "properties.vmId", "") : guid_new(guid);
	const char *created = old != NULL ? jstr(old->body, "properties.timeCreated", "") :
	    time_iso(c->now_us, when);

	if (jat(props, "hardwareProfile.vmSize") == NULL && jset(props, "hardwareProfile",
	    json_pack("{s:s}", "vmSize", "Standard_DS1_v2"), e) != 0)
		return -1;
	if (jat(props, "networkProfile.networkInterfaces") == NULL && jset(props, "networkProfile",
	    json_pack("{s:[]}", "networkInterfaces"), e) != 0)
		return -1;
	if (jset(props, "vmId", json_string(vm_guid), e) != 0 ||
	    jset(props, "timeCreated", json_string(created), e) != 0)
		return -1;
	return jset(props, "provisioningState", json_string("Succeeded"), e);
}

int vm_check(struct api_call *c, struct db_conn *conn, const char *id, const char *location,
    const struct resource *old, struct vm_disks *ret, json_t **ret_body, struct err *e)
{
	static const char *const kept[] = { "tags", "zones", "identity", "plan" };
	struct checker k = { c, conn, id, location, ret };
	json_t *given = NULL, *storage = NULL;
	auto_json json_t *props = NULL, *doc = NULL;
	const char *power = old != NULL ? jstr(old->body, "internal.powerState", "") :
	    "PowerState/deallocated";
	int got = jget_obj(c->body, "properties", &given, e);

	if (got <= 0)
		return got < 0 ? -1 : err_code(e, ERR_INVALID, "InvalidParameter",
		    "properties: required, but missing");
	props = json_deep_copy(given);
	if (props == NULL)
		return err_nomem(e);
	got = jget_obj(props, "storageProfile", &storage, e);
	if (got <= 0)
		return got < 0 ? err_in(e, "properties") : err_code(e, ERR_INVALID, "InvalidParameter",
		    "properties.storageProfile: required, but missing");
	if (check_os_disk(&k, storage, e) != 0 || check_data_disks(&k, storage, e) != 0 ||
	    add_facts(c, old, props, e) != 0)
		return -1;
	(void)json_object_del(props, "instanceView");
	(void)json_object_del(jat(props, "osProfile"), "adminPassword");	/* never shown again */
	(void)json_object_del(jat(props, "osProfile"), "customData");
	doc = json_pack("{s:O, s:{s:s}}", "properties", props, "internal", "powerState", power);
	if (doc == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		json_t *v = jat(c->body, kept[i]);

		if (v != NULL && json_object_set(doc, kept[i], v) != 0)
			return err_nomem(e);
	}
	*ret_body = TAKE(doc);
	return 0;
}
