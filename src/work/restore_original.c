/* restore_original.c - the disks of a VM exchanged for restored ones.
 *
 * The row of the VM keeps, under internal.replaced, how it was and which job
 * changed it; that is written in the same transaction as the exchange, so at
 * every moment the VM has either all its old disks or all its new ones, and
 * whoever undoes the exchange knows exactly what to put back. */
#include "base/clock.h"
#include "work/restore.h"

static int64_t now_of(const struct restore *r)
{
	return clock_now_us(r->world->clock);
}

static int find_vm(struct restore *r, struct db_conn *c, struct resource *ret, struct err *e)
{
	const char *id = jstr(r->target, "vmId", "");
	int found = resource_get(c, id, ret, e);

	return found != 0 ? found : err_code(e, ERR_NOT_FOUND, "UserErrorVmNotFoundV2",
	    "Virtual machine doesn't exist: '%s'", id);
}

static bool is_ours(const struct restore *r, const struct resource *vm)
{
	return strcmp(jstr(vm->body, "internal.replaced.job", ""), job_id(r->job)) == 0;
}

/* The entry of the new disk in place of `old` (NULL: the VM has none there now), which keeps
 * the caching that the VM has today. */
static json_t *entry_for(const struct restore *r, const json_t *disk, const json_t *old)
{
	json_t *x = restore_profile_entry(r, disk);
	const char *caching = jstr(old, "caching", NULL);

	if (x != NULL && caching != NULL &&
	    json_object_set_new(x, "caching", json_string(caching)) != 0) {
		json_decref(x);
		return NULL;
	}
	return x;
}

static int release(struct restore *r, struct db_conn *c, const json_t *entry, struct err *e)
{
	const char *id = jstr(entry, "managedDisk.id", NULL);

	return id == NULL ? 0 : restore_set_owner(c, id, "", now_of(r), e);
}

static int swap_data_disk(struct restore *r, struct db_conn *c, json_t *list, const json_t *disk,
    struct err *e)
{
	int64_t lun = jint(disk, "lun", -1);
	json_t *old = NULL, *x;
	size_t i;

	json_array_foreach(list, i, x)
		if (jint(x, "lun", -1) == lun) {
			old = x;
			break;
		}
	if (release(r, c, old, e) != 0)
		return -1;
	x = entry_for(r, disk, old);
	if ((old != NULL ? json_array_set_new(list, i, x) : json_array_append_new(list, x)) != 0)
		return err_nomem(e);
	return 0;
}

static int swap_disk(struct restore *r, struct db_conn *c, json_t *profile, const json_t *disk,
    const char *vm, struct err *e)
{
	json_t *list = json_object_get(profile, "dataDisks");

	if (jint(disk, "lun", -1) < 0) {
		if (release(r, c, jat(profile, "osDisk"), e) != 0 ||
		    jset(profile, "osDisk", entry_for(r, disk, jat(profile, "osDisk")), e) != 0)
			return -1;
	} else {
		if (!json_is_array(list)) {
			list = json_array();
			if (jset(profile, "dataDisks", list, e) != 0)
				return -1;
		}
		if (swap_data_disk(r, c, list, disk, e) != 0)
			return -1;
	}
	return restore_put_disk(r, c, disk, vm, e);
}

static int keep_old(const struct restore *r, struct resource *vm, const json_t *profile,
    struct err *e)
{
	json_t *internal = json_object_get(vm->body, "internal");
	json_t *copy = json_deep_copy(profile);

	if (!json_is_object(internal)) {
		internal = json_object();
		if (jset(vm->body, "internal", internal, e) != 0) {
			json_decref(copy);
			return -1;
		}
	}
	return jset(internal, "replaced", json_pack("{s:s,s:o}", "job", job_id(r->job),
	    "storageProfile", copy), e);
}

int restore_swap(struct restore *r, struct db_conn *c, struct err *e)
{
	auto_resource struct resource vm = { 0 };
	json_t *profile, *disk;
	size_t i;

	if (find_vm(r, c, &vm, e) < 0)
		return -1;
	profile = jat(vm.body, "properties.storageProfile");
	if (!json_is_object(profile))
		return err_set(e, ERR_CORRUPT, "VM '%s' has no storage profile", vm.id);
	if (keep_old(r, &vm, profile, e) != 0)
		return -1;
	json_array_foreach(r->disks, i, disk)
		if (swap_disk(r, c, profile, disk, vm.id, e) != 0)
			return -1;
	return resource_put(c, &vm, now_of(r), e);
}

/* ---- undo ---- */

/* Only a disk that is still free can be put back: it may have been deleted or attached elsewhere. */
static int take_back_disk(struct restore *r, struct db_conn *c, const json_t *entry,
    const char *vm, struct err *e)
{
	const char *id = jstr(entry, "managedDisk.id", "");
	auto_resource struct resource row = { 0 };
	int found = resource_get(c, id, &row, e);

	if (found < 0)
		return -1;
	if (found == 0 || (row.ref[0] != '\0' && !str_ieq(str_c(row.ref), str_c(vm))))
		return err_set(e, ERR_CONFLICT, "putting back disk '%s' of VM '%s': it was %s since",
		    id, vm, found == 0 ? "deleted" : "attached elsewhere");
	return restore_set_owner(c, id, vm, now_of(r), e);
}

static int take_back(struct restore *r, struct db_conn *c, const json_t *profile, const char *vm,
    struct err *e)
{
	const json_t *x;
	size_t i;

	if (take_back_disk(r, c, jat(profile, "osDisk"), vm, e) != 0)
		return -1;
	json_array_foreach(jat(profile, "dataDisks"), i, x)
		if (take_back_disk(r, c, x, vm, e) != 0)
			return -1;
	return 0;
}

static int none_in_use(struct restore *r, struct db_conn *c, const char *vm, struct err *e)
{
	json_t *disk;
	size_t i;

	json_array_foreach(r->disks, i, disk) {
		int used = restore_disk_in_use(c, disk, e);

		if (used != 0)
			return used < 0 ? -1 : err_set(e, ERR_CONFLICT, "putting back the disks of VM "
			    "'%s': it was changed since, and uses '%s'", vm, jstr(disk, "id", ""));
	}
	return 0;
}

int restore_swap_undo(struct restore *r, struct db_conn *c, struct err *e)
{
	const char *id = jstr(r->target, "vmId", "");
	auto_resource struct resource vm = { 0 };
	int found = resource_get(c, id, &vm, e);
	json_t *old;

	if (found < 0)
		return -1;
	if (found == 0)
		return restore_drop_disks(r, c, e);
	if (!is_ours(r, &vm))
		return none_in_use(r, c, vm.id, e);
	old = jat(vm.body, "internal.replaced.storageProfile");
	if (take_back(r, c, old, vm.id, e) != 0 ||
	    jset(jat(vm.body, "properties"), "storageProfile", json_incref(old), e) != 0)
		return -1;
	(void)json_object_del(jat(vm.body, "internal"), "replaced");
	if (resource_put(c, &vm, now_of(r), e) != 0)
		return -1;
	return restore_drop_disks(r, c, e);
}

int restore_swap_settle(struct restore *r, struct db_conn *c, struct err *e)
{
	auto_resource struct resource vm = { 0 };
	int found = resource_get(c, jstr(r->target, "vmId", ""), &vm, e);

	if (found <= 0 || !is_ours(r, &vm))
		return found < 0 ? -1 : 0;
	(void)json_object_del(jat(vm.body, "internal"), "replaced");
	return resource_put(c, &vm, now_of(r), e);
}
