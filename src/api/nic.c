/* nic.c - Microsoft.Network/networkInterfaces.  See network.h. */
#include "api/network.h"

#include "api/authorize.h"
#include "api/compute.h"
#include "api/fields.h"

static const char *nic_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/providers/" TYPE_NIC "/%s", api_group_id(c), c->param[2]);
}

/* The configurations with the ids that clients expect. */
static json_t *configurations(struct api_call *c, const struct resource *r)
{
	const json_t *list = jat(r->body, "properties.ipConfigurations");
	auto_json json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *name = jstr(one, "name", "ipconfig1");
		const char *id = arena_fmt(&c->arena, "%s/ipConfigurations/%s", r->id, name);
		auto_json json_t *props = json_copy(jat(one, "properties"));

		if (props == NULL ||
		    json_object_set_new(props, "provisioningState",
		    json_string("Succeeded")) != 0 ||
		    json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:O}", "id", id, "name",
		    name, "type", TYPE_NIC "/ipConfigurations", "properties", props)) != 0)
			return NULL;
	}
	return TAKE(out);
}

static json_t *render(struct api_call *c, const struct resource *r)
{
	auto_json json_t *out = api_resource_json(r), *props = json_copy(jat(out, "properties"));

	if (props == NULL ||
	    json_object_set_new(props, "provisioningState", json_string("Succeeded")) != 0 ||
	    json_object_set_new(props, "ipConfigurations", configurations(c, r)) != 0 ||
	    json_object_set(out, "properties", props) != 0)
		return NULL;
	return TAKE(out);
}

/* The subnet named must exist and be in the interface's region. */
static int check_subnet(struct db_conn *conn, const char *nic, const char *location, json_t *props,
    struct err *e)
{
	static const char code[] = "InvalidResourceReference";
	auto_arena struct arena a = { 0 };
	auto_resource struct resource vnet = { 0 };
	const char *given, *name, *parent;
	struct arm_id id;
	int found;

	if (jneed_str(props, "subnet.id", &given, e) != 0 ||
	    arm_id_parse(str_c(given), &id, e) != 0)
		return -1;
	if (!arm_id_is(&id, TYPE_VNET "/subnets"))
		return err_code(e, ERR_INVALID, "LinkedInvalidPropertyId",
		    "subnet.id: '%.250s' is not the id of a subnet", given);
	name = arena_str(&a, id.part[1].name);
	id.depth = 1;
	parent = arm_id_canonical(&a, &id);
	if (name == NULL || parent == NULL)
		return err_nomem(e);
	found = resource_get(conn, parent, &vnet, e);
	if (found < 0)
		return -1;
	if (found == 0 || subnet_named(&vnet, name, NULL) == NULL ||
	    !str_ieq(str_c(vnet.location), str_c(location)))
		return err_code(e, ERR_INVALID, code,
		    "Resource %.150s referenced by resource %.150s was not found. Please make sure "
		    "that the referenced resource exists, and that both resources are in the same "
		    "region.", given, nic);
	name = arena_fmt(
	    &a, "%s/subnets/%s", vnet.id, jstr(subnet_named(&vnet, name, NULL), "name", ""));
	return name == NULL ? err_nomem(e) : jset(jat(props, "subnet"), "id", json_string(name), e);
}

static int check_configuration(struct api_call *c, struct db_conn *conn, const char *nic,
    const char *location, json_t *one, struct err *e)
{
	const char *name;
	json_t *props = NULL;

	if (jneed_str(one, "name", &name, e) != 0)
		return -1;
	if (!fields_name_valid(name, 80, "-."))
		return err_code(e, ERR_INVALID, "InvalidResourceName",
		    "resource name '%.80s' is invalid: 1 to 80 letters, digits, '_', '-' and '.'",
		    name);
	if (jget_obj(one, "properties", &props, e) < 0)
		return -1;
	if (props == NULL)
		return err_code(e, ERR_INVALID, "InvalidRequestFormat", "properties is missing");
	(void)json_object_del(one, "id");
	(void)json_object_del(one, "type");
	(void)json_object_del(one, "etag");
	(void)json_object_del(props, "provisioningState");
	if (check_subnet(conn, nic, location, props, e) != 0)
		return -1;
	return authorize_linked(c, TYPE_VNET "/subnets/join/action", jstr(props, "subnet.id", ""),
	    e);
}

/* The request's properties as they are stored; `old` gives what is not the client's to say. */
static int make_document(struct api_call *c, struct db_conn *conn, const char *id,
    const char *location, const struct resource *old, json_t **ret, struct err *e)
{
	auto_json json_t *props = NULL;
	json_t *tags = NULL, *list = NULL, *vm = old != NULL ? jat(old->body,
	    "properties.virtualMachine") : NULL, *doc;
	int got;

	if (fields_tags(c->body, &tags, e) < 0)
		return -1;
	got = jget_arr(c->body, "properties.ipConfigurations", &list, e);
	if (got < 0)
		return -1;
	if (json_array_size(list) == 0)
		return err_code(e, ERR_INVALID, "InvalidRequestFormat",
		    "properties.ipConfigurations: at least one is required");
	props = json_deep_copy(jat(c->body, "properties"));
	if (props == NULL)
		return err_nomem(e);
	list = jat(props, "ipConfigurations");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (check_configuration(c, conn, id, location, json_array_get(list, i), e) != 0)
			return e->kind == ERR_DENIED ? -1 : err_in(e, "properties.ipConfigurations[%zu]", i);
	if (security_group_check_named(c, conn, id, location, props, e) != 0)
		return -1;
	(void)json_object_del(props, "provisioningState");
	(void)json_object_del(props, "virtualMachine");
	if (vm != NULL && jset(props, "virtualMachine", json_incref(vm), e) != 0)
		return -1;
	doc = json_pack("{s:O*, s:O}", "tags", tags, "properties", props);
	if (doc == NULL)
		return err_nomem(e);
	*ret = doc;
	return 0;
}

int nic_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource old = { 0 }, r = { 0 };
	const char *location, *id = nic_id(c);
	json_t *body = NULL;
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (!fields_name_valid(c->param[2], 80, "-."))
		return err_code(e, ERR_INVALID, "InvalidResourceName",
		    "Resource name '%.80s' is invalid: 1 to 80 letters, digits, '_', '-' and '.'",
		    c->param[2]);
	if (fields_location(c, &location, e) != 0 || db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &old, e);
	if (found > 0)
		id = old.id;
	if (found < 0 || (found > 0 && fields_same_location(&old, location, e) != 0) ||
	    make_document(c, conn, id, location, found > 0 ? &old : NULL, &body, e) != 0 ||
	    resource_init(&r, TYPE_NIC, id, location, api_group_id(c), body, e) != 0 ||
	    resource_set(&r.ref, old.ref, e) != 0 || resource_put(conn, &r, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, found > 0 ? 200 : 201, render(c, &r), e);
}

int nic_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (api_find(c, nic_id(c), &r, e) != 0)
		return -1;
	return api_json(c, 200, render(c, &r), e);
}

int nic_patch(struct api_call *c, struct err *e)
{
	return network_patch_tags(c, nic_id(c), render, e);
}

int nic_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 }, vm = { 0 };
	int found = api_delete_begin(c, nic_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	found = r.ref[0] != '\0' ? resource_get(conn, r.ref, &vm, e) : 0;
	if (found < 0)
		return -1;
	if (found > 0)
		return err_code(e, ERR_INVALID, "NicInUse",
		    "Network Interface %.200s is used by existing resource %.200s. In order to "
		    "delete the network interface, it must be dissociated from the resource.",
		    r.id, vm.id);
	if (resource_delete(conn, r.id, e) < 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 200);
}

int nic_list_group(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_NIC, true, render, e);
}

int nic_list_all(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_NIC, false, render, e);
}
