/* restore_prepare.c - which disks, and under what names. */
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "work/restore.h"

#define SECOND_US 1000000
#define DISK_PART_MAX 48	/* of a disk's name of at most 80 characters */
#define CONTAINER_PART_MAX 30	/* of a container's name of at most 63 */

/* ---- names ---- */

/* The VM's name without '-', as names of disks start. */
static char *disk_part(struct arena *a, const char *vm)
{
	char *out = arena_dup(a, vm);
	size_t n = 0;

	for (const char *p = vm; out != NULL && *p != '\0' && n < DISK_PART_MAX; p++)
		if (*p != '-')
			out[n++] = *p;
	if (out != NULL)
		out[n] = '\0';
	return out;
}

/* The same, lower case and of what a container's name may hold; "vm" if that is nothing. */
static const char *container_part(struct arena *a, const char *vm)
{
	char *out = arena_dup(a, vm);
	size_t n = 0;

	for (const char *p = vm; out != NULL && *p != '\0' && n < CONTAINER_PART_MAX; p++)
		if (isalnum((unsigned char)*p))
			out[n++] = (char)tolower((unsigned char)*p);
	if (out != NULL)
		out[n] = '\0';
	return n > 0 ? out : "vm";
}

static char *hex32(struct arena *a)
{
	uint8_t bytes[16];
	char text[HEX_SIZE(16)];

	random_bytes(bytes, sizeof(bytes));
	return arena_dup(a, hex_encode(bytes, sizeof(bytes), text));
}

static const char *disk_name(struct restore *r, const char *part, const char *stamp, int64_t lun,
    unsigned nth)
{
	return lun < 0 ? arena_fmt(&r->arena, "%s-osdisk-%s", part, stamp)
	    : arena_fmt(&r->arena, "%s-datadisk-%03u-%s", part, nth, stamp);
}

static const char *disk_id(struct restore *r, const char *name)
{
	return arena_fmt(&r->arena, "%s/providers/" TYPE_DISK "/%s", jstr(r->target, "groupId", ""),
	    name);
}

/* Names carry a second: if one is taken there, look at the next. */
static int stamp_is_free(struct restore *r, struct db_conn *c, const char *part, const char *stamp,
    size_t disk_count, struct err *e)
{
	for (size_t i = 0; i < disk_count; i++) {
		auto_resource struct resource taken = { 0 };
		const char *name = disk_name(r, part, stamp, i == 0 ? -1 : 0, (unsigned)i - 1);
		const char *id = name != NULL ? disk_id(r, name) : NULL;
		int found = id != NULL ? resource_get(c, id, &taken, e) : err_nomem(e);

		if (found != 0)
			return found < 0 ? -1 : 0;
	}
	return 1;
}

/* The time now, or a second after the last that was given out: restores that run at once share
 * none. */
static int64_t next_stamp(struct world *w)
{
	int64_t last = w->stamp_us, next;

	do {
		next = clock_now_us(w->clock);
		if (next < last + SECOND_US)
			next = last + SECOND_US;
	} while (!atomic_compare_exchange_weak(&w->stamp_us, &last, next));
	return next;
}

static int choose_stamp(struct restore *r, const char *part, size_t disk_count, char *ret,
    struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	int is_free;

	(void)time_dashed(clock_now_us(r->world->clock), ret);
	if (r->is_unmanaged)
		return 0;	/* blobs have a container of their own */
	if (db_read_begin(r->world->db, &c, e) != 0)
		return -1;
	do {
		(void)time_dashed(next_stamp(r->world), ret);
		is_free = stamp_is_free(r, c, part, ret, disk_count, e);
	} while (is_free == 0);
	return is_free < 0 ? -1 : 0;
}

/* ---- disks ---- */

static bool is_wanted(const json_t *luns, int64_t lun)
{
	const json_t *x;
	size_t i;

	if (luns == NULL || lun < 0)
		return true;
	json_array_foreach(luns, i, x)
		if (json_integer_value(x) == lun)
			return true;
	return false;
}

static const json_t *point_disks(const struct restore *r)
{
	return jat(r->point.body, "internal.disks");
}

static int check_luns(const struct restore *r, struct err *e)
{
	const json_t *luns = jat(r->target, "luns"), *x;
	size_t i;

	json_array_foreach(luns, i, x)
		if (restore_by_lun(point_disks(r), json_integer_value(x)) == NULL)
			return err_set(e, ERR_INVALID, "recovery point '%s' has no disk at LUN %lld",
			    r->point.name, (long long)json_integer_value(x));
	return 0;
}

/* A disk's SKU may be its name or the object that ARM shows. */
static const char *sku_of(const json_t *disk)
{
	return jstr(disk, "sku", jstr(jat(disk, "sku"), "name", "Standard_LRS"));
}

static json_t *planned_disk(const json_t *disk, const char *name)
{
	auto_json json_t *x = json_pack("{s:s,s:I,s:s,s:I,s:I,s:I,s:b,s:s,s:s*,s:O*,s:O*}", "source",
	    jstr(disk, "name", ""), "lun", (json_int_t)jint(disk, "lun", -1), "name", name, "size",
	    (json_int_t)jint(disk, "size", 0), "data", (json_int_t)jint(disk, "data", 0), "durable",
	    (json_int_t)0, "complete", 0, "sku", sku_of(disk), "osType", jstr(disk, "osType", NULL),
	    "tags", jat(disk, "tags"), "zones", jat(disk, "zones"));

	return TAKE(x);
}

/* Managed disks become files of the region's disk pool; blobs get their path when written. */
static int place_disk(struct restore *r, json_t *x, struct err *e)
{
	const char *name = jstr(x, "name", ""), *path, *id;

	if (r->is_unmanaged)
		return 0;
	id = disk_id(r, name);
	if (id == NULL)
		return err_nomem(e);
	if (world_disk_path(r->world, jstr(r->target, "region", ""), name, "raw", &r->arena, &path,
	    e) != 0 || jset(x, "path", json_string(path), e) != 0)
		return -1;
	return jset(x, "id", json_string(id), e);
}

/* The OS disk first, then data disks in the order of their LUNs. */
static int64_t next_lun(const json_t *disks, int64_t after)
{
	int64_t best = INT64_MAX;
	const json_t *x;
	size_t i;

	json_array_foreach(disks, i, x) {
		int64_t lun = jint(x, "lun", -1);

		if (lun > after && lun < best)
			best = lun;
	}
	return best;
}

static int plan_disks(struct restore *r, const char *part, const char *stamp, json_t *plan,
    struct err *e)
{
	const json_t *disks = point_disks(r), *luns = jat(r->target, "luns");
	unsigned nth = 0;

	for (int64_t lun = -1; lun != INT64_MAX; lun = next_lun(disks, lun)) {
		const json_t *disk = restore_by_lun(disks, lun);
		const char *name;
		json_t *x;

		if (disk == NULL)
			return err_set(e, ERR_CORRUPT, "recovery point '%s' has no OS disk",
			    r->point.name);
		if (!is_wanted(luns, lun))
			continue;
		name = disk_name(r, part, stamp, lun, lun < 0 ? 0 : nth++);
		x = name != NULL ? planned_disk(disk, name) : NULL;
		if (json_array_append_new(plan, x) != 0)
			return err_nomem(e);
		if (place_disk(r, x, e) != 0)
			return -1;
	}
	return 0;
}

static const char *all_names(struct restore *r)
{
	const char *text = "";
	const json_t *x;
	size_t i;

	json_array_foreach(point_disks(r), i, x)
		if (text != NULL)
			text = arena_fmt(&r->arena, "%s%s%s", text, i > 0 ? "; " : "",
			    jstr(x, "name", ""));
	return text;
}

/* ---- what must be so before anything is done ---- */

static int check_vm(struct restore *r, struct err *e)
{
	const char *id = jstr(r->target, "vmId", "");
	auto_resource struct resource vm = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	if (r->type == RESTORE_TO_DISKS)
		return 0;
	if (db_read_begin(r->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, id, &vm, e);
	if (found < 0)
		return -1;
	if (r->type == RESTORE_TO_ORIGINAL && found == 0)
		return err_code(e, ERR_NOT_FOUND, "UserErrorVmNotFoundV2",
		    "Virtual machine doesn't exist: '%s'", id);
	if (r->type == RESTORE_TO_ALTERNATE && found > 0)
		return err_code(e, ERR_CONFLICT, "UserErrorVmAlreadyExistWithSameName",
		    "A VM with the same name already exists in the same Resource Group: '%s'", id);
	return 0;
}

static int choose(struct restore *r, struct err *e)
{
	const char *vm = jstr(restore_source_vm(r), "name", "vm"), *all = all_names(r);
	const char *part = disk_part(&r->arena, vm), *blob_part = container_part(&r->arena, vm);
	const char *hex = hex32(&r->arena), *container;
	auto_json json_t *plan = json_array();
	char stamp[TIME_TEXT_MAX], tag[GUID_SIZE], guid[GUID_SIZE];

	container = arena_fmt(&r->arena, "%s-%s", blob_part, hex);
	if (plan == NULL || part == NULL || container == NULL || all == NULL)
		return err_nomem(e);
	if (choose_stamp(r, part, json_array_size(point_disks(r)), stamp, e) != 0 ||
	    plan_disks(r, part, stamp, plan, e) != 0 ||
	    jset(r->state, "stamp", json_string(stamp), e) != 0 ||
	    jset(r->state, "tag", json_string(guid_new(tag)), e) != 0 ||
	    jset(r->state, "vmGuid", json_string(guid_new(guid)), e) != 0 ||
	    jset(r->state, "hex", json_string(hex), e) != 0 ||
	    jset(r->state, "part", json_string(blob_part), e) != 0 ||
	    jset(r->state, "container", json_string(container), e) != 0 ||
	    jset(r->state, "backedUp", json_string(all), e) != 0)
		return -1;
	return jset(r->state, "disks", TAKE(plan), e);
}

int restore_prepare(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };

	if (restore_init(&r, j, world, e) != 0)
		return -1;
	if (r.disks != NULL)
		return 0;	/* chosen once */
	if (restore_load_point(&r, e) != 0 || check_luns(&r, e) != 0 || check_vm(&r, e) != 0)
		return err_in(e, "preparing the restore");
	return choose(&r, e);
}
