/* find.c - resources and ids that handlers ask for.  See api.h. */
#include "api/api.h"

json_t *api_resource_json(const struct resource *r)
{
	auto_json json_t *out = json_pack("{s:s, s:s, s:s}", "id", r->id, "name", r->name, "type",
	    r->type);
	const char *key;
	json_t *value;

	if (out == NULL || (r->location[0] != '\0' &&
	    json_object_set_new(out, "location", json_string(r->location)) != 0))
		return NULL;
	json_object_foreach(r->body, key, value)
		if (strcmp(key, "internal") != 0 && json_object_set(out, key, value) != 0)
			return NULL;
	return json_incref(out);
}

int api_not_found(const char *id, struct err *e)
{
	struct arm_id a = { 0 };
	struct err ignored;
	char type[256];
	size_t n = 0;

	if (arm_id_parse(str_c(id), &a, &ignored) != 0 || a.depth == 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound", "The resource '%s' was not found.",
		    id);
	for (unsigned i = 0; i < a.depth && n < sizeof(type) - 1; i++) {
		struct str t = a.part[i].type;

		if (t.n + 1 >= sizeof(type) - n)
			break;
		type[n++] = '/';
		memcpy(type + n, t.p, t.n);
		n += t.n;
	}
	type[n] = '\0';
	return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
	    "The Resource '" STR_F "%s/" STR_F "' under resource group '" STR_F "' was not found. "
	    "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
	    STR_A(a.provider), type, STR_A(a.part[a.depth - 1].name), STR_A(a.group));
}

int api_find_in(struct api_call *c, struct db_conn *conn, const char *id, struct resource *ret,
    struct err *e)
{
	int r = resource_get(conn, id, ret, e);

	(void)c;
	return r == 0 ? api_not_found(id, e) : r < 0 ? -1 : 0;
}

int api_find(struct api_call *c, const char *id, struct resource *ret, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;

	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	return api_find_in(c, conn, id, ret, e);
}

int api_delete_begin(struct api_call *c, const char *id, struct db_conn **ret_conn,
    struct resource *ret, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, ret, e);
	if (found <= 0)
		return found < 0 ? -1 : api_empty(c, 204);
	*ret_conn = TAKE(conn);
	return 1;
}

const char *api_group_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "/subscriptions/%s/resourceGroups/%s", c->world->subscription,
	    c->param[1]);
}

const char *api_vault_id(struct api_call *c)
{
	if (c->vault.id != NULL)
		return c->vault.id;
	return arena_fmt(&c->arena, "%s/providers/" TYPE_VAULT "/%s", api_group_id(c), c->param[2]);
}

int api_item_id(struct api_call *c, const char **ret, struct err *e)
{
	const char *fabric = c->param[3], *container = c->param[4], *item = c->param[5];
	struct str group, vm, item_group, item_vm;
	const char *cname, *iname, *id;

	if (!str_ieq(str_c(fabric), STR("Azure")))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: backup fabric '%s' does not exist, the only "
		    "one is 'Azure'", fabric);
	if (!arm_workload_name_parse(str_c(container), &group, &vm))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: container '%s' is not of the form "
		    "'IaasVMContainer;iaasvmcontainerv2;<resource group>;<virtual machine>'", container);
	if (!arm_workload_name_parse(str_c(item), &item_group, &item_vm))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: item '%s' is not of the form "
		    "'VM;iaasvmcontainerv2;<resource group>;<virtual machine>'", item);
	if (!str_ieq(group, item_group) || !str_ieq(vm, item_vm))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: item '%s' is not in container '%s'", item,
		    container);
	cname = arm_container_name(&c->arena, group, vm);
	iname = arm_item_name(&c->arena, group, vm);
	if (cname == NULL || iname == NULL)
		return err_nomem(e);
	id = arena_fmt(&c->arena, "%s/backupFabrics/Azure/protectionContainers/%s/protectedItems/%s",
	    api_vault_id(c), cname, iname);
	if (id == NULL)
		return err_nomem(e);
	*ret = id;
	return 0;
}

int api_location(struct api_call *c, const char *given, const char **ret, struct err *e)
{
	const struct region_settings *region = settings_region(c->world->settings, given);

	if (region == NULL)
		return err_code(e, ERR_INVALID, "LocationNotAvailableForResourceType",
		    "location: '%s' is not a region of this server; see [region NAME] in holdfast.conf",
		    given);
	if (!region_is_here(region))
		return err_code(e, ERR_INVALID, "LocationNotAvailableForResourceType",
		    "location: region '%s' is served by %s: send the request there", region->name,
		    region->server);
	*ret = region->name;
	return 0;
}
