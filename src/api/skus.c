/* skus.c - Microsoft.Compute/skus: what disks and VMs may be made of here.
 *
 * Neither disks' skus nor VMs' sizes are limited by this server.  Clients get the skus that disks of Azure have,
 * for every region, and of sizes those that VMs here have.  REST reference: Compute, Resource Skus. */
#include "api/authorize.h"
#include "api/compute.h"
#include "api/rows.h"

static const char *const disk_skus[][2] = {
	{ "Premium_LRS", "Premium" }, { "Premium_ZRS", "Premium" },
	{ "StandardSSD_LRS", "Standard" }, { "StandardSSD_ZRS", "Standard" },
	{ "Standard_LRS", "Standard" },
};

/* `tier` NULL: of a VM's size */
static json_t *sku_json(const char *name, const char *tier, const char *location)
{
	return json_pack("{s:s, s:s, s:s, s:s*, s:[s], s:[{s:s, s:[], s:[]}], s:[], s:[]}",
	    "resourceType", tier != NULL ? "disks" : "virtualMachines", "name", name, "tier",
	    tier != NULL ? tier : "Standard", "size", tier != NULL ? NULL : name, "locations", location,
	    "locationInfo", "location", location, "zones", "zoneDetails", "capabilities",
	    "restrictions");
}

static int add_disks(json_t *rows, const char *location, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(disk_skus); i++)
		if (json_array_append_new(rows, sku_json(disk_skus[i][0], disk_skus[i][1], location)) != 0)
			return err_nomem(e);
	return 0;
}

struct sizes {
	struct api_call *c;
	json_t *seen;	/* {"location size": sku}, owned */
};

static int add_size(void *arg, struct resource *r, struct err *e)
{
	struct sizes *s = arg;
	const char *size = jstr(r->body, "properties.hardwareProfile.vmSize", "");
	const char *key = arena_fmt(&s->c->arena, "%s %s", r->location, size);

	if (size[0] == '\0' || !authorize_reads(s->c, r))
		return 0;
	return key != NULL && json_object_set_new(s->seen, key, sku_json(size, NULL, r->location)) == 0 ?
	    0 : err_nomem(e);
}

static int sku_list(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "location", NULL };
	struct resource_query q = { .type = TYPE_VM, .subscription = c->world->subscription };
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *rows = json_array(), *seen = json_object();
	const struct settings *settings = c->world->settings;
	struct sizes s = { c, seen };
	struct arm_filter f;
	const char *key;
	json_t *sku;

	if (rows == NULL || seen == NULL)
		return err_nomem(e);
	if (arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &f, e) != 0)
		return -1;
	q.location = arm_filter_get(&f, "location");
	for (size_t i = 0; i < settings->region_count; i++)
		if ((q.location == NULL || str_ieq(str_c(q.location), str_c(settings->regions[i].name))) &&
		    add_disks(rows, settings->regions[i].name, e) != 0)
			return -1;
	if (db_read_begin(c->world->db, &conn, e) != 0 || resource_list(conn, &q, add_size, &s, e) < 0)
		return -1;
	json_object_foreach(seen, key, sku)
		if (json_array_append(rows, sku) != 0)
			return err_nomem(e);
	return api_list(c, TAKE(rows), NULL, e);
}

const struct api_route sku_routes[] = {
	{ "GET", "subscriptions/{sub}/providers/Microsoft.Compute/skus", sku_list, API_FILTERED,
	    "Microsoft.Compute/skus/read" },
	{ 0 },
};
