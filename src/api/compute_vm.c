/* compute_vm.c - Microsoft.Compute/virtualMachines: a VM is a set of disks
 * with an OS disk, data disks by LUN, and a power state that is recorded. */
#include "api/compute.h"
#include "api/fields.h"
#include "api/vm_check.h"
#include "api/vm_nics.h"

#include "base/codec.h"
#include "job/operation.h"

static const char *vm_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/providers/" TYPE_VM "/%s", api_group_id(c), c->param[2]);
}

static json_t *instance_view(const struct resource *r)
{
	const char *power = jstr(r->body, "internal.powerState", "PowerState/deallocated");
	const char *shown = strcmp(power, "PowerState/running") == 0 ? "VM running" : "VM deallocated";

	return json_pack("{s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}]}", "statuses", "code",
	    "ProvisioningState/succeeded", "level", "Info", "displayStatus", "Provisioning succeeded",
	    "code", power, "level", "Info", "displayStatus", shown);
}

static json_t *render(struct api_call *c, const struct resource *r)
{
	const char *expand = arm_query_get(&c->query, "$expand");
	auto_json json_t *out = api_resource_json(r);
	json_t *props;

	if (out != NULL && expand != NULL && str_ieq(str_c(expand), STR("instanceView"))) {
		props = json_copy(jat(out, "properties"));
		if (props == NULL || json_object_set_new(props, "instanceView", instance_view(r)) != 0 ||
		    json_object_set_new(out, "properties", props) != 0)
			return NULL;
	}
	return json_incref(out);
}

static int vm_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (api_find(c, vm_id(c), &r, e) != 0)
		return -1;
	return api_json(c, 200, render(c, &r), e);
}

static int vm_instance_view(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (api_find(c, vm_id(c), &r, e) != 0)
		return -1;
	return api_json(c, 200, instance_view(&r), e);
}

/* Ids of the disks and interfaces whose rows say that they belong to the VM. */
static int add_id(void *arg, struct resource *r, struct err *e)
{
	if (strcmp(r->type, TYPE_DISK) != 0 && strcmp(r->type, TYPE_NIC) != 0)
		return 0;
	return json_array_append_new(arg, json_string(r->id)) == 0 ? 0 : err_nomem(e);
}

static int release_one(struct db_conn *conn, const char *id, int64_t now_us, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (resource_get(conn, id, &r, e) != 1)
		return -1;
	if (strcmp(r.type, TYPE_NIC) == 0) {
		(void)json_object_del(jat(r.body, "properties"), "virtualMachine");
		if (resource_set(&r.ref, "", e) != 0)
			return -1;
	} else if (disk_set_owner(&r, "", e) != 0) {
		return -1;
	}
	return resource_put(conn, &r, now_us, e);
}

int compute_release(struct db_conn *conn, const char *vm_id, const struct vm_disks *keep,
    int64_t now_us, struct err *e)
{
	struct resource_query q = { .type = keep != NULL ? TYPE_DISK : NULL, .ref = vm_id };
	auto_json json_t *ids = json_array();
	json_t *v;
	size_t i;

	if (ids == NULL)
		return err_nomem(e);
	if (resource_list(conn, &q, add_id, ids, e) < 0)
		return -1;
	json_array_foreach(ids, i, v)
		if ((keep == NULL || !vm_disks_has(keep, json_string_value(v))) &&
		    release_one(conn, json_string_value(v), now_us, e) != 0)
			return -1;
	return 0;
}

static int take_disks(struct db_conn *conn, const char *id, const struct vm_disks *disks,
    int64_t now_us, struct err *e)
{
	for (size_t i = 0; i < disks->count; i++) {
		auto_resource struct resource disk = { 0 };

		if (resource_get(conn, disks->disk[i].id, &disk, e) != 1)
			return err_in(e, "attaching disk '%s'", disks->disk[i].id);
		if (disk_set_owner(&disk, id, e) != 0 || resource_put(conn, &disk, now_us, e) != 0)
			return -1;
	}
	return 0;
}

static int vm_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource old = { 0 }, vm = { 0 };
	struct vm_disks disks = { 0 };
	const char *id = vm_id(c), *location;
	json_t *body = NULL;
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (!vm_name_valid(c->param[2]))
		return err_code(e, ERR_INVALID, "InvalidParameter",
		    "The entity name '%.90s' is invalid: 1 to 64 letters, digits, '-', '_' and '.'",
		    c->param[2]);
	if (jneed_str(c->body, "location", &location, e) != 0 ||
	    api_location(c, location, &location, e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &old, e);
	if (found < 0)
		return -1;
	if (found > 0) {
		id = arena_dup(&c->arena, old.id);	/* the casing given at creation stays */
		if (!str_ieq(str_c(location), str_c(old.location)))
			return err_code(e, ERR_CONFLICT, "PropertyChangeNotAllowed",
			    "Changing property 'location' of VM '%s' from '%s' to '%s' is not allowed.",
			    old.name, old.location, location);
	}
	if (vm_check(c, conn, id, location, found > 0 ? &old : NULL, &disks, &body, e) != 0 ||
	    resource_init(&vm, TYPE_VM, id, location, api_group_id(c), body, e) != 0 ||
	    compute_release(conn, id, &disks, c->now_us, e) != 0 ||
	    take_disks(conn, id, &disks, c->now_us, e) != 0 ||
	    vm_nics_take(c, conn, id, vm.body, e) != 0 ||
	    resource_put(conn, &vm, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, found > 0 ? 200 : 201, render(c, &vm), e);
}

static int vm_patch(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	json_t *tags = NULL;
	int got = fields_tags(c->body, &tags, e);

	if (got < 0 || db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, vm_id(c), &r, e) != 0)
		return -1;
	if (got > 0 && (jset(r.body, "tags", json_deep_copy(tags), e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0))
		return -1;
	if (db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, render(c, &r), e);
}

static int vm_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	int found = api_delete_begin(c, vm_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	if (compute_release(conn, r.id, NULL, c->now_us, e) != 0 || resource_delete(conn, r.id, e) < 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 200);
}

static int set_power(struct api_call *c, const char *state, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };

	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, vm_id(c), &r, e) != 0 ||
	    jset(jat(r.body, "internal"), "powerState", json_string(state), e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return compute_accepted(c, r.location, r.id, e);
}

static int vm_start(struct api_call *c, struct err *e)
{
	return set_power(c, "PowerState/running", e);
}

static int vm_deallocate(struct api_call *c, struct err *e)
{
	return set_power(c, "PowerState/deallocated", e);
}

static int vm_list_group(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_VM, true, render, e);
}

static int vm_list_all(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_VM, false, render, e);
}

/* GET …/Microsoft.Compute/locations/{region}/operations/{op} */
static int compute_operation(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation op = { 0 };
	char start[TIME_TEXT_MAX], end[TIME_TEXT_MAX];
	int found;

	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = operation_get(conn, c->param[2], &op, e);
	if (found < 0)
		return -1;
	if (found == 0 || strcmp(op.kind, "compute") != 0)
		return err_code(e, ERR_NOT_FOUND, "NotFound", "operation '%.64s' was not found",
		    c->param[2]);
	return api_json(c, 200, json_pack("{s:s, s:s, s:s, s:s}", "name", op.id, "status", op.status,
	    "startTime", time_iso(op.start_us, start), "endTime", time_iso(op.end_us, end)), e);
}

#define VMS "providers/" TYPE_VM
#define GROUP "subscriptions/{sub}/resourceGroups/{rg}/"

const struct api_route compute_vm_routes[] = {
	{ "GET", GROUP VMS "/{vm}", vm_get, API_GROUP, TYPE_VM "/read" },
	{ "PUT", GROUP VMS "/{vm}", vm_put, API_GROUP | API_BODY, TYPE_VM "/write" },
	{ "PATCH", GROUP VMS "/{vm}", vm_patch, API_GROUP | API_BODY, TYPE_VM "/write" },
	{ "DELETE", GROUP VMS "/{vm}", vm_delete, API_GROUP, TYPE_VM "/delete" },
	{ "GET", GROUP VMS "/{vm}/instanceView", vm_instance_view, API_GROUP, TYPE_VM "/instanceView/read" },
	{ "POST", GROUP VMS "/{vm}/start", vm_start, API_GROUP, TYPE_VM "/start/action" },
	{ "POST", GROUP VMS "/{vm}/restart", vm_start, API_GROUP, TYPE_VM "/restart/action" },
	{ "POST", GROUP VMS "/{vm}/deallocate", vm_deallocate, API_GROUP, TYPE_VM "/deallocate/action" },
	{ "POST", GROUP VMS "/{vm}/powerOff", vm_deallocate, API_GROUP, TYPE_VM "/powerOff/action" },
	{ "GET", GROUP VMS, vm_list_group, API_GROUP | API_FILTERED, TYPE_VM "/read" },
	{ "GET", "subscriptions/{sub}/" VMS, vm_list_all, API_FILTERED, TYPE_VM "/read" },
	{ "GET", "subscriptions/{sub}/providers/Microsoft.Compute/locations/{region}/operations/{op}",
	    compute_operation, API_MEMBER, "Microsoft.Compute/locations/operations/read" },
	{ 0 },
};
