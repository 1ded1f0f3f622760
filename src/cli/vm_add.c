/* vm_add.c - see vm.h. */
#include "cli/vm.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/arena.h"

struct adding {
	struct cli_client *client;
	const struct vm_request *q;
	struct arena arena;
	const char *group_id, *location;
	size_t made;	/* disks that exist because of us */
};

static const char *disk_name(struct adding *a, size_t i)
{
	int lun = a->q->disk[i].lun;

	return lun < 0 ? arena_fmt(&a->arena, "%s-os", a->q->name)
		       : arena_fmt(&a->arena, "%s-data%d", a->q->name, lun);
}

static const char *disk_id(struct adding *a, size_t i)
{
	return arena_fmt(&a->arena, "%s/providers/Microsoft.Compute/disks/%s", a->group_id,
	    disk_name(a, i));
}

static int put(struct adding *a, const char *id, const char *version, json_t *body, struct err *e)
{
	auto_json json_t *owned = body, *answer = NULL;

	if (id == NULL || owned == NULL)
		return err_nomem(e);
	return cli_client_call(a->client, "PUT", id, version, NULL, owned, &answer, e);
}

/* The first region that the server has. */
static int first_region(struct adding *a, struct err *e)
{
	auto_json json_t *rows = NULL;
	const char *path = arena_fmt(&a->arena, "/subscriptions/%s/locations",
	    cli_client_subscription(a->client));
	const char *name;

	if (path == NULL)
		return err_nomem(e);
	if (cli_client_list(a->client, path, VERSION_GROUP, NULL, &rows, e) != 0)
		return -1;
	name = jstr(json_array_get(rows, 0), "name", NULL);
	if (name == NULL)
		return err_set(e, ERR_NOT_FOUND, "the server has no region: give --location");
	a->location = arena_dup(&a->arena, name);
	return a->location == NULL ? err_nomem(e) : 0;
}

static int find_group(struct adding *a, struct err *e)
{
	auto_json json_t *group = NULL;
	const char *name;

	if (cli_client_call(a->client, "GET", a->group_id, VERSION_GROUP, NULL, NULL, &group, e) ==
	    0) {
		name = jstr(group, "location", "");
		if (a->location == NULL)
			a->location = arena_dup(&a->arena, name);
		return a->location == NULL ? err_nomem(e) : 0;
	}
	if (e->kind != ERR_NOT_FOUND || (a->location == NULL && first_region(a, e) != 0))
		return -1;
	return put(a, a->group_id, VERSION_GROUP,
	    json_pack("{s:s}", "location", a->location), e);
}

/* file:///absolute/path; a file that only the server can see is named absolutely. */
static int source_uri(const char *file, struct buf *ret, struct err *e)
{
	auto_free char *real = realpath(file, NULL);

	if (real == NULL && *file != '/')
		return err_sys(e, errno, "image '%s'", file);
	buf_adds(ret, "file://");
	cli_encode_path(ret, real != NULL ? real : file);
	return buf_ok(ret, e);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

/* Stated wherever it can be: a guest that writes a qcow2 header to its raw disk gains nothing. */
static const char *format_of(const struct adding *a, const char *file)
{
	if (a->q->format != NULL)
		return a->q->format;
	return ends_with(file, ".raw") ? "raw" : ends_with(file, ".qcow2") ? "qcow2" : NULL;
}

static int add_disk(struct adding *a, size_t i, struct err *e)
{
	const struct vm_disk *d = &a->q->disk[i];
	const char *id = disk_id(a, i);
	auto_buf struct buf uri = { 0 };
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (source_uri(d->file, &uri, e) != 0)
		return -1;
	found = cli_client_exists(a->client, id, VERSION_DISK, e);
	if (found != 0)
		return found < 0 ? -1 : err_set(e, ERR_CONFLICT, "disk '%s' exists already", id);
	return put(a, id, VERSION_DISK,
	    json_pack("{s:s, s:{s:s}, s:{s:s*, s:{s:s, s:s, s:s*}}}", "location", a->location,
		"sku", "name", "Standard_LRS", "properties", "osType", d->lun < 0 ? a->q->os_type : NULL,
		"creationData", "createOption", "Attach", "sourceUri", uri.p,
		"holdfastFormat", format_of(a, d->file)),
	    e);
}

static json_t *attached(struct adding *a, size_t i)
{
	const char *id = disk_id(a, i), *name = disk_name(a, i);

	if (id == NULL || name == NULL)
		return NULL;
	return json_pack("{s:s, s:s, s:{s:s}}", "name", name, "createOption", "Attach",
	    "managedDisk", "id", id);
}

static json_t *vm_document(struct adding *a)
{
	auto_json json_t *os = attached(a, 0), *data = json_array();

	if (os == NULL || json_object_set_new(os, "osType", json_string(a->q->os_type)) != 0)
		return NULL;
	for (size_t i = 1; i < a->q->disk_count; i++) {
		json_t *d = attached(a, i);

		if (d == NULL ||
		    json_object_set_new(d, "lun", json_integer(a->q->disk[i].lun)) != 0 ||
		    json_array_append(data, d) != 0) {
			json_decref(d);
			return NULL;
		}
		json_decref(d);
	}
	return json_pack("{s:s, s:{s:{s:s}, s:{s:O, s:O}}}", "location", a->location, "properties",
	    "hardwareProfile", "vmSize", a->q->size, "storageProfile", "osDisk", os, "dataDisks",
	    data);
}

/* What stays behind is named in front of what went wrong. */
static void remove_disks(struct adding *a, struct err *e)
{
	for (size_t i = 0; i < a->made; i++) {
		auto_json json_t *unused = NULL;
		const char *id = disk_id(a, i);
		struct err why;

		if (id == NULL || cli_client_call(a->client, "DELETE", id, VERSION_DISK, NULL, NULL,
		    &unused, &why) != 0)
			(void)err_in(e, "(disk for '%s' stays behind)", a->q->disk[i].file);
	}
}

static int add_all(struct adding *a, const char *vm_id, struct err *e)
{
	int found;

	if (find_group(a, e) != 0)
		return err_in(e, "resource group '%s'", a->q->group);
	found = cli_client_exists(a->client, vm_id, VERSION_VM, e);
	if (found != 0)
		return found < 0 ? -1 : err_set(e, ERR_CONFLICT, "VM '%s' exists already", vm_id);
	for (size_t i = 0; i < a->q->disk_count; i++) {
		if (add_disk(a, i, e) != 0)
			return err_in(e, "disk for '%s'", a->q->disk[i].file);
		a->made++;
	}
	if (put(a, vm_id, VERSION_VM, vm_document(a), e) != 0)
		return err_in(e, "VM '%s'", a->q->name);
	return 0;
}

int vm_add(struct cli_client *c, const struct vm_request *q, char **ret_id, struct err *e)
{
	struct adding a = { .client = c, .q = q, .location = q->location };
	auto_free char *copy = NULL;
	const char *id;
	int rc;

	a.group_id = arena_fmt(&a.arena, "/subscriptions/%s/resourceGroups/%s",
	    cli_client_subscription(c), q->group);
	id = arena_fmt(&a.arena, "%s/providers/Microsoft.Compute/virtualMachines/%s", a.group_id,
	    q->name);
	copy = id != NULL ? strdup(id) : NULL;
	rc = a.group_id == NULL || copy == NULL ? err_nomem(e) : add_all(&a, copy, e);
	if (rc != 0)
		remove_disks(&a, e);
	else
		*ret_id = TAKE(copy);
	arena_done(&a.arena);
	return rc;
}
