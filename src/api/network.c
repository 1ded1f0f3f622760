/* network.c - Microsoft.Network/virtualNetworks, and the routes of all of network.h. */
#include "api/network.h"

#include "api/compute.h"
#include "api/fields.h"
#include "base/codec.h"

static const char *vnet_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/providers/" TYPE_VNET "/%s", api_group_id(c), c->param[2]);
}

static json_t *render(struct api_call *c, const struct resource *r)
{
	auto_json json_t *out = api_resource_json(r), *props = NULL, *subnets = json_array();
	const json_t *list = jat(r->body, "properties.subnets");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_array_append_new(subnets, subnet_json(c, r, json_array_get(list, i))) != 0)
			return NULL;
	props = json_copy(jat(out, "properties"));
	if (props == NULL ||
	    json_object_set_new(props, "provisioningState", json_string("Succeeded")) != 0 ||
	    json_object_set(props, "subnets", subnets) != 0 ||
	    json_object_set(out, "properties", props) != 0)
		return NULL;
	return TAKE(out);
}

static int read_subnets(struct api_call *c, json_t *ret_list, struct err *e)
{
	json_t *given = NULL;

	if (jget_arr(c->body, "properties.subnets", &given, e) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(given); i++) {
		const char *path = arena_fmt(&c->arena, "properties.subnets[%zu]", i);
		json_t *one, *other;
		size_t k;

		if (path == NULL)
			return err_nomem(e);
		if (subnet_document(json_array_get(given, i), path, NULL, &one, e) != 0)
			return -1;
		json_array_foreach(ret_list, k, other)
			if (str_ieq(str_c(jstr(other, "name", "")), str_c(jstr(one, "name", "")))) {
				json_decref(one);
				return err_code(e, ERR_INVALID, "InvalidRequestFormat",
				    "%s.name: '%s' is given twice", path, jstr(other, "name", ""));
			}
		if (json_array_append_new(ret_list, one) != 0)
			return err_nomem(e);
	}
	return 0;
}

static int make_document(struct api_call *c, const struct resource *old, json_t **ret,
    struct err *e)
{
	auto_json json_t *subnets = json_array(), *props = NULL;
	json_t *tags = NULL, *doc;
	const char *guid = old != NULL ? jstr(old->body, "properties.resourceGuid", NULL) : NULL;
	char fresh[GUID_SIZE];

	if (subnets == NULL)
		return err_nomem(e);
	if (fields_tags(c->body, &tags, e) < 0 ||
	    network_check_prefixes(c->body, "properties.addressSpace.addressPrefixes", e) != 0 ||
	    read_subnets(c, subnets, e) != 0)
		return -1;
	props = json_deep_copy(jat(c->body, "properties"));
	if (props == NULL || jset(props, "subnets", json_incref(subnets), e) != 0 ||
	    jset(props, "resourceGuid", json_string(guid != NULL ? guid : guid_new(fresh)), e) != 0)
		return err_nomem(e);
	(void)json_object_del(props, "provisioningState");
	doc = json_pack("{s:O*, s:O}", "tags", tags, "properties", props);
	if (doc == NULL)
		return err_nomem(e);
	*ret = doc;
	return 0;
}

/* Subnets that the request leaves out go, unless they are in use. */
static int check_dropped(struct api_call *c, struct db_conn *conn, const struct resource *old,
    const struct resource *now, struct err *e)
{
	const json_t *list = jat(old->body, "properties.subnets");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = jstr(json_array_get(list, i), "name", "");

		if (subnet_named(now, name, NULL) == NULL &&
		    subnet_check_unused(c, conn, old, name, e) != 0)
			return -1;
	}
	return 0;
}

static int check_security_groups(struct api_call *c, struct db_conn *conn,
    const struct resource *r, struct err *e)
{
	const json_t *list = jat(r->body, "properties.subnets");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (security_group_check_named(c, conn, r->id, r->location,
		    jat(json_array_get(list, i), "properties"), e) != 0)
			return e->kind == ERR_DENIED ? -1 : err_in(e, "properties.subnets[%zu]", i);
	return 0;
}

static int vnet_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource old = { 0 }, r = { 0 };
	const char *location, *id = vnet_id(c);
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
	if (found < 0 || (found > 0 && fields_same_location(&old, location, e) != 0) ||
	    make_document(c, found > 0 ? &old : NULL, &body, e) != 0 ||
	    resource_init(&r, TYPE_VNET, found > 0 ? old.id : id, location, api_group_id(c), body,
	    e) != 0 ||
	    (found > 0 && check_dropped(c, conn, &old, &r, e) != 0) ||
	    check_security_groups(c, conn, &r, e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, found > 0 ? 200 : 201, render(c, &r), e);
}

static int vnet_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (api_find(c, vnet_id(c), &r, e) != 0)
		return -1;
	return api_json(c, 200, render(c, &r), e);
}

int network_patch_tags(struct api_call *c, const char *id,
    json_t *(*to_json)(struct api_call *c, const struct resource *r), struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	json_t *tags = NULL;
	int got = fields_tags(c->body, &tags, e);

	if (got < 0 || db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, id, &r, e) != 0)
		return -1;
	if (got > 0 && (jset(r.body, "tags", json_incref(tags), e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0))
		return -1;
	if (db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, to_json(c, &r), e);
}

static int vnet_patch(struct api_call *c, struct err *e)
{
	return network_patch_tags(c, vnet_id(c), render, e);
}

static int vnet_delete(struct api_call *c, struct err *e)
{
	static const struct resource nothing = { 0 };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	int found = api_delete_begin(c, vnet_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	if (check_dropped(c, conn, &r, &nothing, e) != 0 || resource_delete(conn, r.id, e) < 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 200);
}

static int vnet_list_group(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_VNET, true, render, e);
}

static int vnet_list_all(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_VNET, false, render, e);
}

#define SUB "subscriptions/{sub}/"
#define GROUP SUB "resourceGroups/{rg}/"
#define VNETS "providers/" TYPE_VNET
#define VNET GROUP VNETS "/{vnet}"
#define SUBNET VNET "/subnets/{subnet}"
#define NICS "providers/" TYPE_NIC
#define NIC GROUP NICS "/{nic}"
#define NSGS "providers/" TYPE_NSG
#define NSG GROUP NSGS "/{nsg}"

const struct api_route network_routes[] = {
	{ "GET", VNET, vnet_get, API_GROUP, TYPE_VNET "/read" },
	{ "PUT", VNET, vnet_put, API_GROUP | API_BODY, TYPE_VNET "/write" },
	{ "PATCH", VNET, vnet_patch, API_GROUP | API_BODY, TYPE_VNET "/write" },
	{ "DELETE", VNET, vnet_delete, API_GROUP, TYPE_VNET "/delete" },
	{ "GET", GROUP VNETS, vnet_list_group, API_GROUP | API_FILTERED, TYPE_VNET "/read" },
	{ "GET", SUB VNETS, vnet_list_all, API_FILTERED, TYPE_VNET "/read" },
	{ "GET", SUBNET, subnet_get, API_GROUP, TYPE_VNET "/subnets/read" },
	{ "PUT", SUBNET, subnet_put, API_GROUP | API_BODY, TYPE_VNET "/subnets/write" },
	{ "DELETE", SUBNET, subnet_delete, API_GROUP, TYPE_VNET "/subnets/delete" },
	{ "GET", VNET "/subnets", subnet_list, API_GROUP, TYPE_VNET "/subnets/read" },
	{ "GET", NIC, nic_get, API_GROUP, TYPE_NIC "/read" },
	{ "PUT", NIC, nic_put, API_GROUP | API_BODY, TYPE_NIC "/write" },
	{ "PATCH", NIC, nic_patch, API_GROUP | API_BODY, TYPE_NIC "/write" },
	{ "DELETE", NIC, nic_delete, API_GROUP, TYPE_NIC "/delete" },
	{ "GET", GROUP NICS, nic_list_group, API_GROUP | API_FILTERED, TYPE_NIC "/read" },
	{ "GET", SUB NICS, nic_list_all, API_FILTERED, TYPE_NIC "/read" },
	{ "GET", NSG, security_group_get, API_GROUP, TYPE_NSG "/read" },
	{ "PUT", NSG, security_group_put, API_GROUP | API_BODY, TYPE_NSG "/write" },
	{ "PATCH", NSG, security_group_patch, API_GROUP | API_BODY, TYPE_NSG "/write" },
	{ "DELETE", NSG, security_group_delete, API_GROUP, TYPE_NSG "/delete" },
	{ "GET", GROUP NSGS, security_group_list, API_GROUP | API_FILTERED, TYPE_NSG "/read" },
	{ "GET", SUB NSGS, security_group_list_all, API_FILTERED, TYPE_NSG "/read" },
	{ 0 },
};
