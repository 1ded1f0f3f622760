/* provider.c - the resource providers, as clients list them: types and api-versions. */
#include "api/group.h"

struct provider {
	const char *name;
	const char *const *types;	/* NULL-terminated */
	const char *const *versions; /* newest first, NULL-terminated; NULL: Recovery Services' */
};

/* Any date is accepted; these are those that clients pick from. */
static const char *const compute_versions[] = { "2024-07-01", "2024-03-01", "2023-09-01",
	"2023-03-01", "2022-11-01", "2022-08-01", "2022-07-02", "2021-07-01", "2020-12-01",
	"2019-07-01", NULL };
static const char *const network_versions[] = { "2024-05-01", "2023-09-01", "2022-07-01",
	"2022-01-01", "2021-08-01", "2020-11-01", "2019-11-01", NULL };
static const char *const storage_versions[] = { "2024-01-01", "2023-05-01", "2023-01-01",
	"2022-09-01", "2021-09-01", "2019-06-01", "2018-02-01", "2016-01-01", NULL };
static const char *const resources_versions[] = { "2024-03-01", "2022-09-01", "2021-04-01",
	"2020-10-01", "2019-10-01", "2018-05-01", "2016-09-01", NULL };

static const char *const compute_types[] = { "disks", "virtualMachines", "skus", "locations/operations",
	NULL };
static const char *const network_types[] = { "networkInterfaces", "networkSecurityGroups",
	"virtualNetworks", "virtualNetworks/subnets", NULL };
static const char *const storage_types[] = { "storageAccounts", "checkNameAvailability", NULL };
static const char *const resources_types[] = { "deployments", "resourceGroups", "resources", "tags",
	"subscriptions", "subscriptions/locations", "tenants", "providers", NULL };
static const char *const recovery_types[] = { "vaults", "locations", "locations/backupStatus",
	"locations/backupPreValidateProtection", "locations/backupValidateFeatures", "operations",
	NULL };

static const struct provider providers[] = {
	{ "Microsoft.Compute", compute_types, compute_versions },
	{ "Microsoft.Network", network_types, network_versions },
	{ "Microsoft.RecoveryServices", recovery_types, NULL },
	{ "Microsoft.Resources", resources_types, resources_versions },
	{ "Microsoft.Storage", storage_types, storage_versions },
};

static const struct region_name {
	const char *name, *display;
} region_names[] = {
	{ "australiaeast", "Australia East" }, { "australiasoutheast", "Australia Southeast" },
	{ "brazilsouth", "Brazil South" }, { "canadacentral", "Canada Central" },
	{ "canadaeast", "Canada East" }, { "centralindia", "Central India" },
	{ "centralus", "Central US" }, { "eastasia", "East Asia" }, { "eastus", "East US" },
	{ "eastus2", "East US 2" }, { "francecentral", "France Central" },
	{ "francesouth", "France South" }, { "germanynorth", "Germany North" },
	{ "germanywestcentral", "Germany West Central" }, { "japaneast", "Japan East" },
	{ "japanwest", "Japan West" }, { "koreacentral", "Korea Central" },
	{ "koreasouth", "Korea South" }, { "northcentralus", "North Central US" },
	{ "northeurope", "North Europe" }, { "norwayeast", "Norway East" },
	{ "norwaywest", "Norway West" }, { "southafricanorth", "South Africa North" },
	{ "southcentralus", "South Central US" }, { "southeastasia", "Southeast Asia" },
	{ "southindia", "South India" }, { "swedencentral", "Sweden Central" },
	{ "swedensouth", "Sweden South" }, { "switzerlandnorth", "Switzerland North" },
	{ "switzerlandwest", "Switzerland West" }, { "uaenorth", "UAE North" },
	{ "uksouth", "UK South" }, { "ukwest", "UK West" }, { "westcentralus", "West Central US" },
	{ "westeurope", "West Europe" }, { "westindia", "West India" }, { "westus", "West US" },
	{ "westus2", "West US 2" }, { "westus3", "West US 3" },
};

const char *region_display_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(region_names); i++)
		if (strcmp(region_names[i].name, name) == 0)
			return region_names[i].display;
	return name;
}

static json_t *location_names(const struct settings *s)
{
	auto_json json_t *names = json_array();

	for (size_t i = 0; i < s->region_count; i++)
		if (json_array_append_new(names,
		    json_string(region_display_name(s->regions[i].name))) != 0)
			return NULL;
	return TAKE(names);
}

static json_t *version_list(const struct provider *p)
{
	auto_json json_t *list = json_array();

	if (p->versions == NULL) {	/* kept oldest first */
		for (const char *const *v = arm_recovery_services_versions; *v != NULL; v++)
			if (json_array_insert_new(list, 0, json_string(*v)) != 0)
				return NULL;
		return TAKE(list);
	}
	for (const char *const *v = p->versions; *v != NULL; v++)
		if (json_array_append_new(list, json_string(*v)) != 0)
			return NULL;
	return TAKE(list);
}

static json_t *provider_json(struct api_call *c, const struct provider *p)
{
	const char *id = arena_fmt(&c->arena, "/subscriptions/%s/providers/%s",
	    c->world->subscription, p->name);
	auto_json json_t *types = json_array();

	for (const char *const *t = p->types; *t != NULL; t++)
		if (json_array_append_new(types,
			json_pack("{s:s, s:o, s:o, s:s}", "resourceType", *t, "locations",
			    location_names(c->world->settings), "apiVersions", version_list(p),
			    "capabilities", "None")) != 0)
			return NULL;
	return json_pack("{s:s, s:s, s:O, s:s, s:s}", "id", id, "namespace", p->name,
	    "resourceTypes", types, "registrationState", "Registered", "registrationPolicy",
	    "RegistrationFree");
}

int provider_list(struct api_call *c, struct err *e)
{
	auto_json json_t *rows = json_array();

	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		if (json_array_append_new(rows, provider_json(c, &providers[i])) != 0)
			return err_nomem(e);
	return api_list(c, TAKE(rows), NULL, e);
}

int provider_get(struct api_call *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		if (str_ieq(str_c(providers[i].name), str_c(c->param[1])))
			return api_json(c, 200, provider_json(c, &providers[i]), e);
	return err_code(e, ERR_NOT_FOUND, "InvalidResourceNamespace",
	    "The resource namespace '%.100s' is invalid.", c->param[1]);
}
