/* group.c - resource groups, and the routes of everything above resources. */
#include "api/group.h"

#include "api/fields.h"

/* 1 to 90 letters (of any script), digits, '_', '-', '.', '(' and ')', not ending in '.'. */
static bool name_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 90 || name[n - 1] == '.' || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && strchr("_-.()", c) == NULL)
			return false;
	}
	return true;
}

static int put_row(struct api_call *c, struct db_conn *conn, const struct resource *old,
    const char *location, const json_t *tags, struct resource *ret, struct err *e)
{
	const char *id = old->id != NULL ? old->id : api_group_id(c);
	json_t *body;

	if (id == NULL)
		return err_nomem(e);
	if (old->id != NULL && !str_ieq(str_c(old->location), str_c(location)))
		return err_code(e, ERR_CONFLICT, "InvalidResourceGroupLocation",
		    "Invalid resource group location '%s'. The Resource group already exists in "
		    "location '%s'.", location, old->location);
	body = json_pack("{s:O*, s:{s:s}}", "tags", tags, "properties", "provisioningState",
	    "Succeeded");
	return resource_init(ret, TYPE_GROUP, id, location, "", body, e) != 0 ||
	    resource_put(conn, ret, c->now_us, e) != 0 ? -1 : 0;
}

static int group_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource old = { 0 }, r = { 0 };
	const char *id = api_group_id(c), *location;
	json_t *tags = NULL;
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (!name_valid(c->param[1]))
		return err_code(e, ERR_INVALID, "InvalidResourceGroup",
		    "The provided resource group name '%.100s' is not valid: 1 to 90 letters, "
		    "digits, '_', '-', '.', '(' and ')', not beginning or ending with '.'",
		    c->param[1]);
	if (fields_location(c, &location, e) != 0 || fields_tags(c->body, &tags, e) < 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &old, e);
	if (found < 0 || put_row(c, conn, &old, location, tags, &r, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, found > 0 ? 200 : 201, api_resource_json(&r), e);
}

static int find_group(struct api_call *c, struct db_conn *conn, struct resource *ret,
    struct err *e)
{
	const char *id = api_group_id(c);
	int found;

	if (id == NULL)
		return err_nomem(e);
	found = resource_get(conn, id, ret, e);
	if (found < 0)
		return -1;
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceGroupNotFound",
		    "Resource group '%.90s' could not be found.", c->param[1]);
	return 0;
}

/* HEAD asks whether it exists: ARM answers 204 or 404. */
static int group_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };

	if (db_read_begin(c->world->db, &conn, e) != 0 || find_group(c, conn, &r, e) != 0)
		return -1;
	if (strcmp(c->http->method, "HEAD") == 0)
		return api_empty(c, 204);
	return api_json(c, 200, api_resource_json(&r), e);
}

static int group_patch(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	json_t *tags = NULL;
	int got = fields_tags(c->body, &tags, e);

	if (got < 0 || db_write_begin(c->world->db, &conn, e) != 0 ||
	    find_group(c, conn, &r, e) != 0)
		return -1;
	if (got > 0 && (jset(r.body, "tags", json_incref(tags), e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0))
		return -1;
	if (db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, api_resource_json(&r), e);
}

static int group_resources(struct api_call *c, struct err *e)
{
	return listing_resources(c, c->param[1], e);
}

static int all_resources(struct api_call *c, struct err *e)
{
	return listing_resources(c, NULL, e);
}

#define SUB "subscriptions/{sub}"
#define GROUPS SUB "/resourceGroups"
#define ACTION "Microsoft.Resources/"
#define GROUP_ACTION ACTION "subscriptions/resourceGroups"

const struct api_route group_routes[] = {
	{ "GET", "subscriptions", subscription_list, 0, NULL },
	{ "GET", SUB, subscription_get, API_MEMBER, ACTION "subscriptions/read" },
	{ "GET", "tenants", tenant_list, 0, NULL },
	{ "GET", SUB "/locations", location_list, API_MEMBER,
	    ACTION "subscriptions/locations/read" },
	{ "GET", SUB "/providers", provider_list, API_MEMBER, ACTION "providers/read" },
	{ "GET", SUB "/providers/{ns}", provider_get, API_MEMBER, ACTION "providers/read" },
	{ "POST", SUB "/providers/{ns}/register", provider_get, 0, "{ns}/register/action" },
	{ "GET", SUB "/resources", all_resources, API_FILTERED | API_MEMBER,
	    ACTION "subscriptions/resources/read" },
	{ "GET", SUB "/operationresults/{id}", operation_result, API_MEMBER,
	    ACTION "subscriptions/operationresults/read" },
	{ "GET", GROUPS, listing_groups, API_FILTERED, GROUP_ACTION "/read" },
	{ "GET", GROUPS "/{rg}", group_get, 0, GROUP_ACTION "/read" },
	{ "PUT", GROUPS "/{rg}", group_put, API_BODY, GROUP_ACTION "/write" },
	{ "PATCH", GROUPS "/{rg}", group_patch, API_BODY, GROUP_ACTION "/write" },
	{ "DELETE", GROUPS "/{rg}", group_delete, API_GROUP, GROUP_ACTION "/delete" },
	{ "GET", GROUPS "/{rg}/resources", group_resources,
	    API_GROUP | API_FILTERED | API_MEMBER, GROUP_ACTION "/resources/read" },
	{ 0 },
};
