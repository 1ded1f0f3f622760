/* vm_nics.c - see vm_nics.h. */
#include "api/vm_nics.h"

#include "api/authorize.h"

static const json_t *named(const json_t *body)
{
	return jat(body, "properties.networkProfile.networkInterfaces");
}

static bool is_named(const json_t *body, const char *id)
{
	const json_t *list = named(body);
	json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
		if (arm_id_same(str_c(jstr(x, "id", "")), str_c(id)))
			return true;
	return false;
}

static int add_id(void *arg, struct resource *r, struct err *e)
{
	return json_array_append_new(arg, json_string(r->id)) == 0 ? 0 : err_nomem(e);
}

static int set_vm(struct api_call *c, struct db_conn *conn, struct resource *nic, const char *vm_id,
    struct err *e)
{
	json_t *props = jat(nic->body, "properties");

	(void)json_object_del(props, "virtualMachine");
	if (vm_id[0] != '\0' &&
	    jset(props, "virtualMachine", json_pack("{s:s}", "id", vm_id), e) != 0)
		return -1;
	return resource_set(&nic->ref, vm_id, e) != 0 ? -1 : resource_put(conn, nic, c->now_us, e);
}

/* Those that were the VM's and are not named any more. */
static int release(struct api_call *c, struct db_conn *conn, const char *vm_id, const json_t *body,
    struct err *e)
{
	struct resource_query q = { .type = TYPE_NIC, .ref = vm_id };
	auto_json json_t *ids = json_array();
	json_t *x;
	size_t i;

	if (ids == NULL)
		return err_nomem(e);
	if (resource_list(conn, &q, add_id, ids, e) < 0)
		return -1;
	json_array_foreach(ids, i, x) {
		auto_resource struct resource nic = { 0 };

		if (is_named(body, json_string_value(x)))
			continue;
		if (resource_get(conn, json_string_value(x), &nic, e) != 1 ||
		    set_vm(c, conn, &nic, "", e) != 0)
			return -1;
	}
	return 0;
}

/* 1 if `nic` belongs to a VM, not `vm_id`, that is there. */
static int is_anothers(struct db_conn *conn, const struct resource *nic, const char *vm_id,
    struct err *e)
{
	auto_resource struct resource vm = { 0 };

	if (nic->ref[0] == '\0' || arm_id_same(str_c(nic->ref), str_c(vm_id)))
		return 0;
	return resource_get(conn, nic->ref, &vm, e);
}

static int take_one(struct api_call *c, struct db_conn *conn, const char *vm_id, const char *id,
    struct err *e)
{
	auto_resource struct resource nic = { 0 };
	int found = resource_get(conn, id, &nic, e);

	if (found <= 0 || strcmp(nic.type, TYPE_NIC) != 0)
		return found < 0 ? -1 : 0;
	/* Taking it writes into it: what is the VM's already was judged when it was taken. */
	if (!arm_id_same(str_c(nic.ref), str_c(vm_id)) &&
	    authorize_linked(c, TYPE_NIC "/join/action", nic.id, e) != 0)
		return -1;
	found = is_anothers(conn, &nic, vm_id, e);
	if (found > 0)
		return err_code(e, ERR_INVALID, "NicInUse",
		    "Network Interface %.200s is used by existing resource %.200s.", nic.id,
		    nic.ref);
	return found < 0 ? -1 : set_vm(c, conn, &nic, vm_id, e);
}

int vm_nics_take(struct api_call *c, struct db_conn *conn, const char *vm_id, const json_t *body,
    struct err *e)
{
	const json_t *list = named(body);
	json_t *x;
	size_t i;

	if (release(c, conn, vm_id, body, e) != 0)
		return -1;
	json_array_foreach(list, i, x) {
		const char *id = jstr(x, "id", NULL);

		if (id != NULL && take_one(c, conn, vm_id, id, e) != 0)
			return -1;
	}
	return 0;
}
