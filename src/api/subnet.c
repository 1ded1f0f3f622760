/* subnet.c - subnets are members of their network's document, and resources
 * of their own to clients.  See network.h. */
#include "api/network.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "api/fields.h"
#include "api/rows.h"

static bool cidr_valid(const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	char *end;
	long bits, max;

	if (slash == NULL || slash == text || (size_t)(slash - text) >= sizeof(address) ||
	    slash[1] < '0' || slash[1] > '9')
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (inet_pton(AF_INET, address, bytes) == 1)
		max = 32;
	else if (inet_pton(AF_INET6, address, bytes) == 1)
		max = 128;
	else
		return false;
	bits = strtol(slash + 1, &end, 10);
	return *end == '\0' && bits <= max;
}

int network_check_prefixes(const json_t *body, const char *path, struct err *e)
{
	json_t *list = NULL, *v;
	int got = jget_arr(body, path, &list, e);
	size_t i;

	if (got < 0)
		return -1;
	if (got == 0 || json_array_size(list) == 0)
		return err_code(e, ERR_INVALID, "InvalidRequestFormat",
		    "%s: at least one address prefix is required", path);
	json_array_foreach(list, i, v)
		if (!json_is_string(v) || !cidr_valid(json_string_value(v)))
			return err_code(e, ERR_INVALID, "InvalidAddressPrefixFormat",
			    "%s[%zu]: '%.60s' is not an address prefix such as '10.0.0.0/16'", path,
			    i, json_is_string(v) ? json_string_value(v) : "");
	return 0;
}

static int check_prefix(const json_t *given, struct err *e)
{
	const char *prefix = NULL;
	int got = jget_str(given, "properties.addressPrefix", &prefix, e);

	if (got < 0)
		return -1;
	if (got == 0)
		return network_check_prefixes(given, "properties.addressPrefixes", e);
	if (!cidr_valid(prefix))
		return err_code(e, ERR_INVALID, "InvalidAddressPrefixFormat",
		    "properties.addressPrefix: '%.60s' is not an address prefix such as "
		    "'10.0.0.0/24'",
		    prefix);
	return 0;
}

int subnet_document(const json_t *given, const char *path, const char *name, json_t **ret,
    struct err *e)
{
	auto_json json_t *props = NULL;
	json_t *out;

	if (!json_is_object(given))
		return err_code(
		    e, ERR_INVALID, "InvalidRequestFormat", "%s: an object is expected", path);
	if (name == NULL && jneed_str(given, "name", &name, e) != 0)
		return err_in(e, "%s", path);
	if (!fields_name_valid(name, 80, "-."))
		return err_code(e, ERR_INVALID, "InvalidResourceName",
		    "%s: resource name '%.80s' is invalid: 1 to 80 letters, digits, '_', '-' and "
		    "'.'",
		    path, name);
	if (check_prefix(given, e) != 0)
		return err_in(e, "%s", path);
	props = json_deep_copy(jat(given, "properties"));
	if (props == NULL)
		return err_nomem(e);
	(void)json_object_del(props, "provisioningState");	/* ours to say */
	(void)json_object_del(props, "ipConfigurations");
	out = json_pack("{s:s, s:O}", "name", name, "properties", props);
	if (out == NULL)
		return err_nomem(e);
	*ret = out;
	return 0;
}

json_t *subnet_named(const struct resource *vnet, const char *name, size_t *ret_index)
{
	const json_t *list = jat(vnet->body, "properties.subnets");

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *s = json_array_get(list, i);

		if (!str_ieq(str_c(jstr(s, "name", "")), str_c(name)))
			continue;
		if (ret_index != NULL)
			*ret_index = i;
		return s;
	}
	return NULL;
}

json_t *subnet_json(struct api_call *c, const struct resource *vnet, const json_t *subnet)
{
	const char *name = jstr(subnet, "name", "");
	const char *id = arena_fmt(&c->arena, "%s/subnets/%s", vnet->id, name);
	auto_json json_t *props = json_copy(jat(subnet, "properties"));

	if (props == NULL ||
	    json_object_set_new(props, "provisioningState", json_string("Succeeded")) != 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:O}", "id", id, "name", name, "type",
	    TYPE_VNET "/subnets", "properties", props);
}

static const char *vnet_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/providers/" TYPE_VNET "/%s", api_group_id(c), c->param[2]);
}

int subnet_list(struct api_call *c, struct err *e)
{
	auto_resource struct resource vnet = { 0 };
	auto_json json_t *rows = json_array();
	const json_t *list;

	if (api_find(c, vnet_id(c), &vnet, e) != 0)
		return -1;
	list = jat(vnet.body, "properties.subnets");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_array_append_new(rows, subnet_json(c, &vnet,
		    json_array_get(list, i))) != 0)
			return err_nomem(e);
	return api_rows_page(c, TAKE(rows), e);
}

int subnet_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource vnet = { 0 };
	const json_t *s;

	if (api_find(c, vnet_id(c), &vnet, e) != 0)
		return -1;
	s = subnet_named(&vnet, c->param[3], NULL);
	if (s == NULL)
		return api_not_found(
		    arena_fmt(&c->arena, "%s/subnets/%s", vnet.id, c->param[3]), e);
	return api_json(c, 200, subnet_json(c, &vnet, s), e);
}

/* Put `subnet` (borrowed) among the network's, in the place of the one of its name. */
static int place(struct resource *vnet, json_t *subnet, bool *ret_new, struct err *e)
{
	json_t *props = jat(vnet->body, "properties"), *list = json_object_get(props, "subnets");
	size_t index;

	if (!json_is_array(list)) {
		if (jset(props, "subnets", json_array(), e) != 0)
			return -1;
		list = json_object_get(props, "subnets");
	}
	*ret_new = subnet_named(vnet, jstr(subnet, "name", ""), &index) == NULL;
	if ((*ret_new ? json_array_append(list, subnet) : json_array_set(list, index, subnet)) != 0)
		return err_nomem(e);
	return 0;
}

int subnet_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vnet = { 0 };
	auto_json json_t *subnet = NULL;
	bool is_new;

	if (subnet_document(c->body, "subnet", c->param[3], &subnet, e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, vnet_id(c), &vnet, e) != 0 ||
	    security_group_check_named(c, conn, vnet.id, vnet.location, jat(subnet, "properties"),
	    e) != 0 || place(&vnet, subnet, &is_new, e) != 0 || resource_put(conn, &vnet, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, is_new ? 201 : 200, subnet_json(c, &vnet, subnet), e);
}

struct user_search {
	const char *subnet;
	char *nic;	/* owned */
};

static int nic_uses(void *arg, struct resource *r, struct err *e)
{
	struct user_search *s = arg;
	const json_t *list = jat(r->body, "properties.ipConfigurations");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (arm_id_same(str_c(jstr(json_array_get(list, i), "properties.subnet.id", "")),
		    str_c(s->subnet))) {
			s->nic = strdup(r->id);
			return s->nic != NULL ? 1 : err_nomem(e);
		}
	return 0;
}

int subnet_check_unused(struct api_call *c, struct db_conn *conn, const struct resource *vnet,
    const char *name, struct err *e)
{
	struct user_search s = { arena_fmt(&c->arena, "%s/subnets/%s", vnet->id, name), NULL };
	struct resource_query q = { .type = TYPE_NIC };
	int r = s.subnet != NULL ? resource_list(conn, &q, nic_uses, &s, e) : err_nomem(e);
	auto_free char *nic = s.nic;

	if (r <= 0)
		return r;
	return err_code(e, ERR_INVALID, "InUseSubnetCannotBeDeleted",
	    "Subnet %s is in use by %s and cannot be deleted. In order to delete the subnet, "
	    "delete all the resources within the subnet.", name, nic);
}

int subnet_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vnet = { 0 };
	size_t index;

	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, vnet_id(c), &vnet, e) != 0)
		return -1;
	if (subnet_named(&vnet, c->param[3], &index) == NULL)
		return api_empty(c, 204);
	if (subnet_check_unused(c, conn, &vnet, c->param[3], e) != 0)
		return -1;
	(void)json_array_remove(jat(vnet.body, "properties.subnets"), index);
	if (resource_put(conn, &vnet, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 200);
}
