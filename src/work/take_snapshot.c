/* take_snapshot.c - which disks, under what name, and what the VM is at this time. */
#include <errno.h>
#include <stdio.h>

#include "work/retention.h"
#include "work/take_point.h"

#define TASK "Take Snapshot"
#define NAME_DIGITS 15

struct survey {
	struct take *t;
	struct db_conn *conn;
	struct resource item, vm, policy;	/* policy: empty while protection is stopped */
	const json_t *selection;		/* the item's; NULL: all disks */
	json_t *disks, *excluded;
	size_t attached, premium;
};

static void survey_done(struct survey *s)
{
	resource_done(&s->item);
	resource_done(&s->vm);
	resource_done(&s->policy);
	json_decref(s->disks);
	json_decref(s->excluded);
}

/* ---- rows ---- */

static int load(struct survey *s, struct err *e)
{
	const char *id = job_item(s->t->job), *policy;
	int found = resource_get(s->conn, id, &s->item, e);

	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "BMSUserErrorDataSourceObjectNotFound",
		    "Item not found: '%s'", id);
	if (found < 0)
		return -1;
	found = resource_get(s->conn, s->item.ref, &s->vm, e);
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "UserErrorVmNotFoundV2",
		    "Virtual machine doesn't exist: '%s'", s->item.ref);
	if (found < 0)
		return -1;
	policy = jstr(s->item.body, "properties.policyId", "");
	if (policy[0] != '\0' && resource_get(s->conn, policy, &s->policy, e) < 0)
		return -1;
	s->selection = jat(s->item.body, "properties.extendedProperties.diskExclusionProperties");
	s->disks = json_array();
	s->excluded = json_array();
	return s->disks != NULL && s->excluded != NULL ? 0 : err_nomem(e);
}

/* ---- disks ---- */

/* The OS disk is always in; data disks as the list of LUNs says, which names those that are in
 * or those that are out. */
static bool is_included(const struct survey *s, int64_t lun)
{
	const json_t *x;
	size_t i;
	bool is_listed = false;

	if (lun < 0 || s->selection == NULL)
		return true;
	json_array_foreach(jat(s->selection, "diskLunList"), i, x)
		if (json_integer_value(x) == lun)
			is_listed = true;
	return is_listed == jbool(s->selection, "isInclusionList", false);
}

/* Disks of two groups may share a name; in the vault they cannot. */
static const char *name_in_vault(struct survey *s, const char *name, int64_t lun)
{
	const json_t *x;
	size_t i;

	json_array_foreach(s->disks, i, x)
		if (strcmp(jstr(x, "name", ""), name) == 0)
			return arena_fmt(&s->t->arena, "%s-lun%lld", name, (long long)lun);
	return name;
}

static int add_included(struct survey *s, const struct resource *row, int64_t lun, struct err *e)
{
	const json_t *entry = jat(s->vm.body, "properties.storageProfile.osDisk");
	const char *os = jstr(row->body, "properties.osType", NULL);
	const char *name = name_in_vault(s, row->name, lun);

	if (name == NULL)
		return err_nomem(e);
	if (lun < 0 && os == NULL)
		os = jstr(entry, "osType", NULL);
	if (json_array_append_new(s->disks, json_pack(
	    "{s:s,s:I,s:I,s:I,s:s*,s:s,s:s,s:O*,s:O*,s:s,s:s,s:b}", "name", name, "lun",
	    (json_int_t)lun, "size", (json_int_t)jint(row->body, "properties.diskSizeBytes", 0),
	    "data", (json_int_t)0, "osType", os, "diskId", row->id, "sku",
	    jstr(row->body, "sku.name", "Standard_LRS"), "tags",
	    jat(row->body, "tags"), "zones", jat(row->body, "zones"), "format",
	    jstr(row->body, "internal.format", "raw"), "path",
	    jstr(row->body, "internal.path", ""), "inPlace",
	    (int)!jbool(row->body, "internal.owned", false))) != 0)
		return err_nomem(e);
	return 0;
}

static int add_disk(struct survey *s, const json_t *entry, int64_t lun, struct err *e)
{
	const char *id = jstr(entry, "managedDisk.id", ""), *name = jstr(entry, "name", "");
	auto_resource struct resource row = { 0 };
	int found = id[0] != '\0' ? resource_get(s->conn, id, &row, e) : 0;

	if (found < 0)
		return -1;
	s->attached++;
	if (strncmp(jstr(row.body, "sku.name", ""), "Premium", strlen("Premium")) == 0)
		s->premium++;
	if (is_included(s, lun))
		return found > 0 ? add_included(s, &row, lun, e) : err_set(e, ERR_NOT_FOUND,
		    "disk '%s' of virtual machine '%s' does not exist", id[0] != '\0' ? id : name,
		    s->vm.id);
	return json_array_append_new(s->excluded, json_pack("{s:s,s:I}", "name",
	    found > 0 ? row.name : name, "lun", (json_int_t)lun)) == 0 ? 0 : err_nomem(e);
}

static int add_disks(struct survey *s, struct err *e)
{
	const json_t *profile = jat(s->vm.body, "properties.storageProfile"), *x;
	size_t i;

	if (jat(profile, "osDisk") == NULL)
		return err_set(e, ERR_INVALID, "virtual machine '%s' has no OS disk", s->vm.id);
	if (add_disk(s, jat(profile, "osDisk"), -1, e) != 0)
		return -1;
	json_array_foreach(jat(profile, "dataDisks"), i, x)
		if (add_disk(s, x, jint(x, "lun", 0), e) != 0)
			return -1;
	return 0;
}

/* An image that is used in place was allowed by the path to which its name led then: nothing on
 * that path may have become a link to somewhere else. */
static int check_place(const json_t *disk, struct err *e)
{
	const char *path = jstr(disk, "path", "");
	auto_free char *now = NULL;

	if (!jbool(disk, "inPlace", false))
		return 0;
	now = realpath(path, NULL);
	if (now == NULL)
		return err_sys(e, errno, "disk image '%s'", path);
	if (strcmp(now, path) != 0)
		return err_set(e, ERR_DENIED, "disk image '%s' has become a link to '%s'", path,
		    now);
	return 0;
}

/* Each image is there and is what its row says. */
static int inspect(json_t *disks, struct err *e)
{
	json_t *disk;
	size_t i;

	json_array_foreach(disks, i, disk) {
		const char *name = jstr(disk, "name", ""), *format = jstr(disk, "format", "");
		enum disk_format stated;
		struct disk_info info;

		if (!disk_format_parse(str_c(format), &stated))
			return err_set(e, ERR_CORRUPT, "disk '%s': format '%s' is not known", name,
			    format);
		if (check_place(disk, e) != 0 ||
		    disk_inspect(jstr(disk, "path", ""), &stated, &info, e) != 0)
			return err_in(e, "disk '%s'", name);
		if (info.virtual_size < jint(disk, "size", 0))
			return err_set(e, ERR_INVALID, "disk '%s': image '%s' shrank from %lld to %lld "
			    "bytes; register it anew if that is meant", name, jstr(disk, "path", ""),
			    (long long)jint(disk, "size", 0), (long long)info.virtual_size);
		if (info.allocated > info.virtual_size)
			info.allocated = info.virtual_size;
		if (jset(disk, "size", json_integer(info.virtual_size), e) != 0 ||
		    jset(disk, "allocated", json_integer(info.allocated), e) != 0)
			return -1;
	}
	return 0;
}

/* ---- name and documents ---- */

static int greatest(void *arg, struct resource *point, struct err *e)
{
	int64_t n = strtoll(point->name, NULL, 10), *best = arg;

	(void)e;
	if (n > *best)
		*best = n;
	return 0;
}

/* Tens of microseconds, which have as many digits from 2001 to 2286; later than every other
 * point of the item, even when the clock was set back. */
static int choose_name(struct survey *s, int64_t now_us, char *ret, size_t size, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT, .parent = s->item.id };
	int64_t best = 0, n = now_us / 10;

	if (resource_list(s->conn, &q, greatest, &best, e) < 0)
		return -1;
	(void)snprintf(ret, size, "%0*lld", NAME_DIGITS, (long long)(n > best ? n : best + 1));
	return 0;
}

static json_t *item_before(const struct resource *item)
{
	auto_json json_t *before = json_object();

	for (size_t i = 0; take_item_keys[i] != NULL; i++) {
		const char *key = take_item_keys[i];
		json_t *x = json_object_get(jat(item->body, "properties"), key);

		if (x != NULL && json_object_set(before, key, x) != 0)
			return NULL;
	}
	return TAKE(before);
}

static json_t *make_plan(struct survey *s, const char *name, int64_t now_us)
{
	const char *expiry = jstr(job_args(s->t->job), "expiryTime", NULL);
	char text[TIME_TEXT_MAX];

	if (expiry == NULL)
		expiry = time_iso(retention_expiry(&s->policy, now_us), text);
	return json_pack("{s:s,s:I,s:s,s:b,s:{s:s,s:s,s:s,s:O},s:O,s:O,s:s,s:s,s:I,s:o}", "name",
	    name, "timeUs", (json_int_t)now_us, "expiryTime", expiry, "isPreRestore",
	    (int)s->t->is_pre_restore, "vm", "id", s->vm.id, "name", s->vm.name, "location",
	    s->vm.location, "body", s->vm.body, "disks", s->disks, "excluded", s->excluded,
	    "location", s->item.location, "sourceId", s->item.ref, "read", (json_int_t)0, "before",
	    item_before(&s->item));
}

static int survey(struct survey *s, json_t **ret, struct err *e)
{
	int64_t now_us = clock_now_us(s->t->world->clock);
	auto_json json_t *plan = NULL;
	char name[24];

	if (load(s, e) != 0 || add_disks(s, e) != 0 ||
	    choose_name(s, now_us, name, sizeof(name), e) != 0)
		return -1;
	plan = make_plan(s, name, now_us);
	if (plan == NULL)
		return err_nomem(e);
	if (jset(plan, "properties", take_properties(plan, s->selection,
	    jstr(s->policy.body, "properties.policyType", "V1"), s->premium, s->attached), e) != 0)
		return -1;
	*ret = TAKE(plan);
	return 0;
}

static int choose(struct take *t, struct err *e)
{
	cleanup_with(survey_done) struct survey s = { .t = t };
	auto_conn struct db_conn *c = NULL;
	auto_json json_t *plan = NULL;

	if (db_read_begin(t->world->db, &c, e) != 0)
		return -1;
	s.conn = c;
	if (survey(&s, &plan, e) != 0)
		return -1;
	db_rollback(&c);
	if (inspect(jat(plan, "disks"), e) != 0)
		return -1;
	return jset(job_state(t->job), "point", TAKE(plan), e);
}

int take_snapshot(struct job *j, struct world *w, bool is_pre_restore, struct err *e)
{
	auto_take struct take t;

	take_init(&t, j, w);
	if (!is_pre_restore && job_task_start(j, TASK, e) != 0)
		return -1;
	t.is_pre_restore = is_pre_restore;
	if (t.plan == NULL && choose(&t, e) != 0)
		return err_in(e, "taking the snapshot");
	return is_pre_restore ? 0 : job_task_end(j, TASK, NULL, e);
}
