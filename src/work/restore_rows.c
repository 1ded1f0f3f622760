/* restore_rows.c - rows of restored disks. */
#include "base/clock.h"
#include "base/codec.h"
#include "work/restore.h"

#define GIB (INT64_C(1) << 30)

static int64_t size_gib(const json_t *disk)
{
	return (jint(disk, "size", 0) + GIB - 1) / GIB;
}

/* The source disk's tags, the tag that says where it comes from, and the file's path. */
static json_t *tags_of(const struct restore *r, const json_t *disk)
{
	const json_t *source = jat(disk, "tags");
	auto_json json_t *tags = source != NULL ? json_deep_copy(source) : json_object();

	if (json_object_set_new(tags, "RSVaultBackup", json_string(jstr(r->state, "tag", ""))) != 0 ||
	    json_object_set_new(tags, "holdfast:path", json_string(jstr(disk, "path", ""))) != 0)
		return NULL;
	return TAKE(tags);
}

json_t *restore_zones(const struct restore *r, const json_t *source)
{
	json_t *asked = jat(job_args(r->job), "request.zones");

	if (json_array_size(asked) == 0)
		return jat(source, "zones");
	if (strcmp(str_c(json_string_value(json_array_get(asked, 0))).p, "NoZone") == 0)
		return NULL;
	return asked;
}

static json_t *disk_body(const struct restore *r, const json_t *disk, const char *vm,
    int64_t now_us)
{
	char when[TIME_TEXT_MAX], guid[GUID_SIZE];
	auto_json json_t *tags = tags_of(r, disk);
	json_t *properties;

	if (tags == NULL)
		return NULL;
	properties = json_pack("{s:{s:s,s:s},s:I,s:I,s:s*,s:s,s:s,s:s,s:s,s:{s:s},s:s}",
	    "creationData", "createOption", "Restore", "sourceResourceId",
	    jstr(job_args(r->job), "pointId", ""), "diskSizeGB", (json_int_t)size_gib(disk),
	    "diskSizeBytes", (json_int_t)jint(disk, "size", 0), "osType",
	    jstr(disk, "osType", NULL), "diskState", vm != NULL ? "Reserved" : "Unattached",
	    "provisioningState", "Succeeded", "timeCreated", time_iso(now_us, when), "uniqueId",
	    guid_new(guid), "encryption", "type", "EncryptionAtRestWithPlatformKey",
	    "networkAccessPolicy", "AllowAll");
	return json_pack("{s:{s:s},s:O,s:O*,s:s*,s:o,s:{s:s,s:s,s:b}}", "sku", "name",
	    jstr(disk, "sku", "Standard_LRS"), "tags", tags, "zones", restore_zones(r, disk), "managedBy",
	    vm, "properties", properties, "internal", "path", jstr(disk, "path", ""), "format", "raw",
	    "owned", 1);
}

/* 1 and *ret filled if the disk's id has a row with the disk's own file; 0 absent; -1, with
 * ERR_CONFLICT if somebody else has the name. */
static int own_row(struct db_conn *c, const json_t *disk, struct resource *ret, struct err *e)
{
	const char *id = jstr(disk, "id", "");
	int found = resource_get(c, id, ret, e);

	if (found <= 0)
		return found;
	if (strcmp(jstr(ret->body, "internal.path", ""), jstr(disk, "path", "")) != 0)
		return err_set(e, ERR_CONFLICT, "publishing disk '%s': there is another disk of this "
		    "name", id);
	return 1;
}

/* "/subscriptions/…/resourceGroups/G" of the id of something in it. */
static char *group_of(struct arena *a, const char *id)
{
	const char *end = strstr(id, "/providers/");

	return end != NULL ? arena_str(a, (struct str){ id, (size_t)(end - id) }) : arena_dup(a, id);
}

int restore_put_disk(struct restore *r, struct db_conn *c, const json_t *disk, const char *vm,
    struct err *e)
{
	const char *id = jstr(disk, "id", ""), *group = group_of(&r->arena, id);
	int64_t now_us = clock_now_us(r->world->clock);
	auto_resource struct resource row = { 0 }, old = { 0 };
	int found = own_row(c, disk, &old, e);

	if (found < 0)
		return -1;
	if (found > 0)
		return 0;
	if (group == NULL)
		return err_nomem(e);
	if (resource_init(&row, TYPE_DISK, id, jstr(r->target, "region", ""), group,
	    disk_body(r, disk, vm, now_us), e) != 0 ||
	    resource_set(&row.ref, vm != NULL ? vm : "", e) != 0)
		return -1;
	row.sort = now_us;
	return resource_put(c, &row, now_us, e);
}

/* 1 and *ret the row of the disk, if that has the disk's own file; 0; -1. */
static int get_ours(struct db_conn *c, const json_t *disk, struct resource *ret, struct err *e)
{
	const char *id = jstr(disk, "id", NULL);
	int found = id != NULL ? resource_get(c, id, ret, e) : 0;

	if (found <= 0)
		return found;
	return strcmp(jstr(ret->body, "internal.path", ""), jstr(disk, "path", "")) == 0;
}

static int drop_disk(struct restore *r, struct db_conn *c, const json_t *disk, struct err *e)
{
	const char *vm = r->type == RESTORE_TO_DISKS ? "" : jstr(r->target, "vmId", "");
	auto_resource struct resource row = { 0 };
	int found = get_ours(c, disk, &row, e);

	if (found <= 0)
		return found;
	if (row.ref[0] != '\0' && !str_ieq(str_c(row.ref), str_c(vm)))
		return err_set(e, ERR_CONFLICT, "removing disk '%s': it was attached to VM '%s' since",
		    row.id, row.ref);
	return resource_delete(c, row.id, e) < 0 ? -1 : 0;
}

int restore_drop_disks(struct restore *r, struct db_conn *c, struct err *e)
{
	json_t *disk;
	size_t i;

	json_array_foreach(r->disks, i, disk)
		if (drop_disk(r, c, disk, e) != 0)
			return -1;
	return 0;
}

int restore_disk_in_use(struct db_conn *c, const json_t *disk, struct err *e)
{
	auto_resource struct resource row = { 0 };

	return get_ours(c, disk, &row, e);
}

int restore_published(struct restore *r, struct db_conn *c, struct err *e)
{
	json_t *disk;
	size_t i;

	json_array_foreach(r->disks, i, disk) {
		int used = restore_disk_in_use(c, disk, e);

		if (used != 0)
			return used;
	}
	return 0;
}

json_t *restore_profile_entry(const struct restore *r, const json_t *disk)
{
	int64_t lun = jint(disk, "lun", -1);
	json_t *x = json_pack("{s:s,s:s,s:s,s:{s:s,s:s},s:I,s:s*}", "name", jstr(disk, "name", ""),
	    "createOption", "Attach", "caching", restore_caching(r, disk), "managedDisk", "id",
	    jstr(disk, "id", ""), "storageAccountType", jstr(disk, "sku", "Standard_LRS"),
	    "diskSizeGB", (json_int_t)size_gib(disk), "osType",
	    lun < 0 ? jstr(disk, "osType", "Linux") : NULL);

	if (lun >= 0 && json_object_set_new(x, "lun", json_integer(lun)) != 0) {
		json_decref(x);
		return NULL;
	}
	return x;
}

static int set_state(struct resource *row, const char *vm, struct err *e)
{
	bool is_free = vm[0] == '\0';

	if (resource_set(&row->ref, vm, e) != 0 || jset(jat(row->body, "properties"), "diskState",
	    json_string(is_free ? "Unattached" : "Reserved"), e) != 0)
		return -1;
	if (!is_free)
		return jset(row->body, "managedBy", json_string(vm), e);
	(void)json_object_del(row->body, "managedBy");
	return 0;
}

int restore_set_owner(struct db_conn *c, const char *id, const char *vm, int64_t now_us,
    struct err *e)
{
	auto_resource struct resource row = { 0 };
	int found = resource_get(c, id, &row, e);

	if (found <= 0)
		return found;
	if (set_state(&row, vm, e) != 0)
		return -1;
	return resource_put(c, &row, now_us, e);
}
