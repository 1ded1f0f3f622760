/* vmconfig.c - the config blob.  See vmconfig.h. */
#include "work/vmconfig.h"

#define PAGE 512

static int add_vhd(struct restore *r, json_t *entry, const json_t *disk, struct err *e)
{
	const char *url;

	if (restore_blob_url(r, jstr(disk, "blob", ""), &url, e) != 0)
		return -1;
	(void)json_object_del(entry, "managedDisk");
	return jset(entry, "vhd", json_pack("{s:s}", "uri", url), e);
}

static int add_disk(struct restore *r, json_t *profile, json_t *data, const json_t *disk,
    struct err *e)
{
	json_t *x = restore_profile_entry(r, disk);
	bool is_os = jint(disk, "lun", -1) < 0;

	if ((is_os ? json_object_set_new(profile, "osDisk", x) : json_array_append_new(data, x)) != 0)
		return err_nomem(e);
	return r->is_unmanaged ? add_vhd(r, x, disk, e) : 0;
}

static int storage_profile(struct restore *r, json_t **ret, struct err *e)
{
	auto_json json_t *profile = json_object(), *data = json_array();
	json_t *disk;
	size_t i;

	if (profile == NULL || data == NULL)
		return err_nomem(e);
	json_array_foreach(r->disks, i, disk)
		if (add_disk(r, profile, data, disk, e) != 0)
			return -1;
	if (jset(profile, "dataDisks", TAKE(data), e) != 0)
		return -1;
	*ret = TAKE(profile);
	return 0;
}

int vmconfig_make(struct restore *r, json_t **ret, struct err *e)
{
	const json_t *vm = restore_source_vm(r), *body = jat(vm, "body");
	auto_json json_t *profile = NULL, *config = NULL;

	if (storage_profile(r, &profile, e) != 0)
		return -1;
	config = json_pack("{s:s*,s:s*,s:s,s:s*,s:O*,s:O*,s:O*,s:O,s:O*,s:O*}", "id",
	    jstr(vm, "id", NULL), "name", jstr(vm, "name", NULL), "type", TYPE_VM, "location",
	    jstr(vm, "location", NULL), "tags", jat(body, "tags"), "zones", jat(body, "zones"),
	    "properties.hardwareProfile", jat(body, "properties.hardwareProfile"),
	    "properties.storageProfile", profile, "properties.osProfile",
	    jat(body, "properties.osProfile"), "properties.networkProfile",
	    jat(body, "properties.networkProfile"));
	if (config == NULL)
		return err_nomem(e);
	*ret = TAKE(config);
	return 0;
}

int vmconfig_encode(const json_t *config, struct buf *ret, struct err *e)
{
	/* JSON can say every character in ASCII, which makes UTF-16 a matter of a zero byte. */
	auto_free char *text = json_dumps(config, JSON_COMPACT | JSON_ENSURE_ASCII);
	static const char zeros[PAGE];

	if (text == NULL)
		return err_nomem(e);
	for (const char *p = text; *p != '\0'; p++) {
		buf_add(ret, p, 1);
		buf_add(ret, zeros, 1);
	}
	if (ret->n % PAGE != 0)
		buf_add(ret, zeros, PAGE - ret->n % PAGE);
	return buf_ok(ret, e);
}
