/* subscription.c - the one subscription, its tenant, its regions, its operations. */
#include "api/group.h"

#include "job/operation.h"

static json_t *subscription_json(struct api_call *c)
{
	const char *id = arena_fmt(&c->arena, "/subscriptions/%s", c->world->subscription);

	return json_pack("{s:s, s:s, s:[], s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "id", id,
	    "authorizationSource", "RoleBased", "managedByTenants", "subscriptionId",
	    c->world->subscription, "tenantId", c->world->tenant, "displayName", "holdfast",
	    "state", "Enabled", "subscriptionPolicies", "locationPlacementId", "Public_2014-09-01",
	    "quotaId", "PayAsYouGo_2014-09-01", "spendingLimit", "Off");
}

int subscription_get(struct api_call *c, struct err *e)
{
	return api_json(c, 200, subscription_json(c), e);
}

int subscription_list(struct api_call *c, struct err *e)
{
	auto_json json_t *value = json_array();
	bool shown = c->access.count > 0;

	if (value == NULL || (shown && json_array_append_new(value, subscription_json(c)) != 0))
		return err_nomem(e);
	return api_json(c, 200, json_pack("{s:O, s:{s:s, s:i}}", "value", value, "count", "type",
	    "Total", "value", shown), e);
}

int tenant_list(struct api_call *c, struct err *e)
{
	const char *id = arena_fmt(&c->arena, "/tenants/%s", c->world->tenant);

	return api_json(c, 200,
	    json_pack("{s:[{s:s, s:s, s:s, s:s}]}", "value", "id", id, "tenantId", c->world->tenant,
		"tenantCategory", "Home", "displayName", "holdfast"),
	    e);
}

static const char *location_id(struct api_call *c, const char *name)
{
	return arena_fmt(&c->arena, "/subscriptions/%s/locations/%s", c->world->subscription, name);
}

static json_t *location_json(struct api_call *c, const struct region_settings *r)
{
	const char *shown = region_display_name(r->name);
	auto_json json_t *pairs = json_array();

	if (r->pair != NULL && r->pair[0] != '\0' && json_array_append_new(pairs,
	    json_pack("{s:s, s:s}", "name", r->pair, "id", location_id(c, r->pair))) != 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:O}}", "id",
	    location_id(c, r->name), "name", r->name, "type", "Region", "displayName", shown,
	    "regionalDisplayName", shown, "metadata", "regionType", "Physical", "regionCategory",
	    "Recommended", "pairedRegion", pairs);
}

int location_list(struct api_call *c, struct err *e)
{
	const struct settings *s = c->world->settings;
	auto_json json_t *rows = json_array();

	/* those of this server first, for clients that take the first where none was asked for */
	for (size_t i = 0; i < 2 * s->region_count; i++) {
		const struct region_settings *r = &s->regions[i % s->region_count];

		if (region_is_here(r) == (i < s->region_count) &&
		    json_array_append_new(rows, location_json(c, r)) != 0)
			return err_nomem(e);
	}
	return api_list(c, TAKE(rows), NULL, e);
}

/* Where the Location of a group's deletion leads: 202 while it runs, then 200. */
int operation_result(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation op = { 0 };
	const char *id = c->param[1], *path;
	int found;

	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = operation_get(conn, id, &op, e);
	if (found < 0)
		return -1;
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The operation '%.64s' is not found.", id);
	if (strcmp(op.status, OP_IN_PROGRESS) == 0) {
		path = arena_fmt(&c->arena, "/subscriptions/%s/operationresults/%s",
		    c->world->subscription, op.id);
		return path == NULL ? err_nomem(e) : api_accepted(c, NULL, path, e);
	}
	if (strcmp(op.status, OP_SUCCEEDED) != 0)
		return err_set(e, ERR_CONFLICT, "the operation '%s' ended as %s: %s", op.id,
		    op.status, op.error_message != NULL ? op.error_message : "no message");
	return api_empty(c, 200);
}
