/* compute_disk.c - Microsoft.Compute/disks: disk images as resources.
 *
 * createOption Attach registers an image where it is; Import copies it into
 * the region's disk pool.  Both take sourceUri "file:///…", which must lie in
 * one of the directories that the settings allow. */
#include "api/compute.h"
#include "api/fields.h"

#include <errno.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/fs.h"
#include "disk/disk.h"

#define GIB (1024LL * 1024 * 1024)

static json_t *render(struct api_call *c, const struct resource *r)
{
	(void)c;
	return api_resource_json(r);
}

static const char *disk_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/providers/" TYPE_DISK "/%s", api_group_id(c), c->param[2]);
}

static bool name_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 80)
		return false;
	for (size_t i = 0; i < n; i++) {
		char ch = name[i];

		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
		    ch == '-' || ch == '_' || ch == '.'))
			return false;
	}
	return name[0] != '.';
}

/* The path of a file: URI, decoded. */
static int source_path(struct api_call *c, const char *uri, const char **ret, struct err *e)
{
	auto_buf struct buf path = { 0 };

	if (strncmp(uri, "file:///", 8) != 0)
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "properties.creationData.sourceUri: '%.200s' is not a file:///absolute/path", uri);
	if (!percent_decode(str_c(uri + 7), &path))
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "properties.creationData.sourceUri: '%.200s' has bad percent-encoding", uri);
	*ret = arena_str(&c->arena, buf_str(&path));
	return *ret != NULL ? 0 : err_nomem(e);
}

struct new_disk {
	const char *location, *option, *os_type, *sku, *uri;
	enum disk_format stated;
	bool has_stated;
	char *source;		/* resolved path, malloc'd */
	const char *path;	/* where the image will be */
	bool owned;
	struct disk_info info;
};

static int read_request(struct api_call *c, struct new_disk *d, struct err *e)
{
	const char *location, *format = NULL, *source;
	json_t *tags;

	d->sku = "Standard_LRS";
	if (fields_tags(c->body, &tags, e) < 0 || jneed_str(c->body, "location", &location, e) != 0 ||
	    api_location(c, location, &d->location, e) != 0 ||
	    jneed_str(c->body, "properties.creationData.createOption", &d->option, e) != 0 ||
	    jget_str(c->body, "properties.osType", &d->os_type, e) < 0 ||
	    jget_str(c->body, "sku.name", &d->sku, e) < 0 ||
	    jget_str(c->body, "properties.creationData.holdfastFormat", &format, e) < 0)
		return -1;
	if (!str_ieq(str_c(d->option), STR("Attach")) && !str_ieq(str_c(d->option), STR("Import")))
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "properties.creationData.createOption: '%.40s' is not supported here; use Attach to "
		    "register an image in place or Import to copy one", d->option);
	d->owned = str_ieq(str_c(d->option), STR("Import"));
	if (d->os_type != NULL && strcmp(d->os_type, "Linux") != 0 && strcmp(d->os_type, "Windows") != 0)
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "properties.osType: '%.40s' is neither Linux nor Windows", d->os_type);
	if (jneed_str(c->body, "properties.creationData.sourceUri", &d->uri, e) != 0 ||
	    source_path(c, d->uri, &source, e) != 0)
		return -1;
	if (format != NULL) {
		d->has_stated = disk_format_parse(str_c(format), &d->stated);
		if (!d->has_stated || d->stated == DISK_VHD)
			return err_code(e, ERR_INVALID, "InvalidParameter",
			    "properties.creationData.holdfastFormat: '%.40s' is neither raw nor qcow2", format);
	}
	if (disk_path_allowed(source, (const char *const *)c->world->settings->image_dirs, &d->source,
	    e) != 0 ||
	    disk_inspect(d->source, d->has_stated ? &d->stated : NULL, &d->info, e) != 0) {
		(void)err_in(e, "properties.creationData.sourceUri");
		if (e->kind == ERR_NOT_FOUND || e->kind == ERR_DENIED) {
			e->status = 400;	/* the disk resource is not what is missing or refused */
			e->code = "InvalidParameter";
		}
		return -1;
	}
	return 0;
}

static json_t *document(struct api_call *c, const struct new_disk *d)
{
	char when[TIME_TEXT_MAX], guid[GUID_SIZE];
	auto_json json_t *tags = json_incref(jat(c->body, "tags"));
	json_t *zones = jat(c->body, "zones"), *doc;

	if (!json_is_object(tags)) {
		json_decref(tags);
		tags = json_object();
	}
	if (json_object_set_new(tags, "holdfast:path", json_string(d->path)) != 0)
		return NULL;
	doc = json_pack("{s:{s:s}, s:O, s:{s:{s:s, s:s}, s:I, s:I, s:s*, s:s, s:s, s:s, s:s, s:{s:s}, "
	    "s:s}, s:{s:s, s:s, s:b}}",
	    "sku", "name", d->sku, "tags", tags, "properties", "creationData", "createOption",
	    d->owned ? "Import" : "Attach", "sourceUri", d->uri, "diskSizeGB",
	    (json_int_t)((d->info.virtual_size + GIB - 1) / GIB), "diskSizeBytes",
	    (json_int_t)d->info.virtual_size, "osType", d->os_type, "diskState", "Unattached",
	    "provisioningState", "Succeeded", "timeCreated", time_iso(c->now_us, when), "uniqueId",
	    guid_new(guid), "encryption", "type", "EncryptionAtRestWithPlatformKey",
	    "networkAccessPolicy", "AllowAll", "internal", "path", d->path, "format",
	    disk_format_name(d->info.format), "owned", (int)d->owned);
	if (doc != NULL && json_is_array(zones) && json_object_set(doc, "zones", zones) != 0) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

/* Two resources must not own one image: a restore or delete of one would hit the other. */
struct path_owner {
	const char *path;
	char *id;
};

static int same_path(void *arg, struct resource *r, struct err *e)
{
	struct path_owner *o = arg;

	(void)e;
	if (strcmp(jstr(r->body, "internal.path", ""), o->path) != 0)
		return 0;
	o->id = TAKE(r->id);
	return 1;
}

static int path_is_free(struct db_conn *conn, const char *path, const char *self, struct err *e)
{
	struct resource_query q = { .type = TYPE_DISK };
	struct path_owner o = { .path = path };
	int r = resource_list(conn, &q, same_path, &o, e);
	auto_free char *owner = o.id;

	if (r < 0)
		return -1;
	if (owner != NULL && !str_ieq(str_c(owner), str_c(self)))
		return err_code(e, ERR_CONFLICT, "Conflict",
		    "properties.creationData.sourceUri: '%s' is already the image of '%s'", path, owner);
	return 0;
}

static int store(struct api_call *c, const char *id, struct new_disk *d, struct resource *r,
    struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource other = { 0 };
	int found;

	if (resource_init(r, TYPE_DISK, id, d->location, api_group_id(c), document(c, d), e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	/* Copying took a while: somebody else may have made it. */
	found = resource_get(conn, id, &other, e);
	if (found != 0)
		return found < 0 ? -1 : err_code(e, ERR_CONFLICT, "Conflict",
		    "Disk '%s' was created by another request meanwhile.", other.name);
	if (path_is_free(conn, d->path, id, e) != 0 || resource_put(conn, r, c->now_us, e) != 0)
		return -1;
	return db_commit(&conn, e);
}

/* PUT of a disk that exists changes its tags and sku; its image stays. */
static int change(struct api_call *c, struct resource *r, struct err *e)
{
	static const char *const keys[] = { "tags", "sku" };
	const char *uri = NULL;
	json_t *v = NULL;

	if (jget_str(c->body, "properties.creationData.sourceUri", &uri, e) < 0)
		return -1;
	if (uri != NULL && strcmp(uri, jstr(r->body, "properties.creationData.sourceUri", "")) != 0)
		return err_code(e, ERR_CONFLICT, "PropertyChangeNotAllowed",
		    "Changing property 'properties.creationData.sourceUri' of disk '%s' is not allowed.",
		    r->name);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int got = i == 0 ? fields_tags(c->body, &v, e) : jget_obj(c->body, keys[i], &v, e);

		if (got < 0)
			return -1;
		if (got > 0 && jset(r->body, keys[i], json_deep_copy(v), e) != 0)
			return -1;
	}
	v = jat(r->body, "tags");
	return !json_is_object(v) ? 0 : jset(v, "holdfast:path",
	    json_string(jstr(r->body, "internal.path", "")), e);
}

static int update(struct api_call *c, const char *id, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	int found;

	/* Read anew: since it was looked up, a VM may have taken it, or somebody deleted it. */
	if (db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &r, e);
	if (found <= 0)
		return found < 0 ? -1 : err_code(e, ERR_CONFLICT, "Conflict",
		    "Disk '%s' was deleted by another request meanwhile.", c->param[2]);
	if (change(c, &r, e) != 0 || resource_put(conn, &r, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, api_resource_json(&r), e);
}

static int look_up(struct api_call *c, const char *id, struct resource *ret, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;

	if (id == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	return resource_get(conn, id, ret, e);
}

/* Copy under a name that the next start of the server removes, so that a crash in here leaves
 * nothing; the whole image then gets its own name. */
static int import(struct api_call *c, struct new_disk *d, struct err *e)
{
	const char *path, *partial;

	if (world_disk_path(c->world, d->location, c->param[2], disk_format_name(d->info.format),
	    &c->arena, &path, e) != 0)
		return -1;
	partial = arena_fmt(&c->arena, "%s" WORLD_PARTIAL, path);
	if (partial == NULL)
		return err_nomem(e);
	if (disk_copy(d->source, partial, NULL, e) != 0)
		return -1;
	if (rename(partial, path) != 0 || fs_sync_parent(path, e) != 0) {
		(void)err_sys(e, errno, "naming the copy '%s'", path);
		(void)unlink(partial);
		return -1;
	}
	d->path = path;
	return 0;
}

static int disk_put(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };
	const char *id = disk_id(c);
	struct new_disk d = { 0 };
	int found = look_up(c, id, &r, e), done = -1;

	if (found < 0)
		return -1;
	if (found > 0)
		return update(c, id, e);
	if (!name_valid(c->param[2]))
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "The entity name '%.90s' is invalid: 1 to 80 letters, digits, '-', '_' and '.'",
		    c->param[2]);
	if (read_request(c, &d, e) != 0)
		goto out;
	d.path = d.source;
	if (d.owned && import(c, &d, e) != 0)
		goto out;
	done = store(c, id, &d, &r, e);
	if (done != 0 && d.owned)
		(void)unlink(d.path);
	if (done == 0)
		done = api_json(c, 200, api_resource_json(&r), e);
out:
	free(d.source);
	return done;
}

static int disk_patch(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	return api_find(c, disk_id(c), &r, e) != 0 ? -1 : update(c, r.id, e);
}

static int disk_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (api_find(c, disk_id(c), &r, e) != 0)
		return -1;
	return api_json(c, 200, api_resource_json(&r), e);
}

void disk_remove_file(const struct resource *disk)
{
	const char *path = jstr(disk->body, "internal.path", NULL);

	if (path != NULL && jbool(disk->body, "internal.owned", false))
		(void)unlink(path);	/* already gone is as good */
}

int disk_set_owner(struct resource *disk, const char *vm_id, struct err *e)
{
	json_t *props = jat(disk->body, "properties");

	if (resource_set(&disk->ref, vm_id, e) != 0 || jset(props, "diskState",
	    json_string(vm_id[0] != '\0' ? "Reserved" : "Unattached"), e) != 0)
		return -1;
	if (vm_id[0] != '\0')
		return jset(disk->body, "managedBy", json_string(vm_id), e);
	(void)json_object_del(disk->body, "managedBy");
	return 0;
}

static int disk_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	int found = api_delete_begin(c, disk_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	if (r.ref[0] != '\0')
		return err_code(e, ERR_CONFLICT, "OperationNotAllowed",
		    "Disk '%s' is attached to VM '%s'.", r.name, r.ref);
	if (resource_delete(conn, r.id, e) < 0 || db_commit(&conn, e) != 0)
		return -1;
	/* The row first: a crash in between leaves a stray file, never a disk without one. */
	disk_remove_file(&r);
	return api_empty(c, 200);
}

static int disk_list_group(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_DISK, true, render, e);
}

static int disk_list_all(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_DISK, false, render, e);
}

#define DISKS "providers/" TYPE_DISK
#define GROUP "subscriptions/{sub}/resourceGroups/{rg}/"

const struct api_route compute_disk_routes[] = {
	{ "GET", GROUP DISKS "/{disk}", disk_get, API_GROUP, TYPE_DISK "/read" },
	{ "PUT", GROUP DISKS "/{disk}", disk_put, API_GROUP | API_BODY, TYPE_DISK "/write" },
	{ "PATCH", GROUP DISKS "/{disk}", disk_patch, API_GROUP | API_BODY, TYPE_DISK "/write" },
	{ "DELETE", GROUP DISKS "/{disk}", disk_delete, API_GROUP, TYPE_DISK "/delete" },
	{ "GET", GROUP DISKS, disk_list_group, API_GROUP | API_FILTERED, TYPE_DISK "/read" },
	{ "GET", "subscriptions/{sub}/" DISKS, disk_list_all, API_FILTERED, TYPE_DISK "/read" },
	{ 0 },
};
