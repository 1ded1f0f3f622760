/* vault_storage.c - see vault_storage.h. */
#include "api/vault_storage.h"

#define CONFIG "internal.storageConfig"

const char *const vault_storage_models[] = { "GeoRedundant", "LocallyRedundant", "ZoneRedundant",
	"ReadAccessGeoZoneRedundant", NULL };

static const char *model_of(const struct resource *vault)
{
	return jstr(vault->body, CONFIG ".storageModelType", "GeoRedundant");
}

static bool cross_region_of(const struct resource *vault)
{
	return jbool(vault->body, CONFIG ".crossRegionRestoreFlag", false);
}

json_t *vault_storage_new(void)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "storageModelType", "GeoRedundant",
	    "storageType", "GeoRedundant", "storageTypeState", "Unlocked", "crossRegionRestoreFlag",
	    0, "dedupState", "Disabled", "xcoolState", "Disabled");
}

static int any_job(void *arg, struct job_row *j, struct err *e)
{
	(void)j;
	(void)e;
	*(bool *)arg = true;
	return 1;
}

int vault_storage_locked(struct db_conn *conn, const struct resource *vault, bool *ret,
    struct err *e)
{
	struct resource_query items = { .type = TYPE_ITEM, .parent = vault->id };
	struct job_query registered = { .vault = vault->id, .operation = "ConfigureBackup",
		.status = JOB_COMPLETED, .limit = 1 };
	bool locked = cross_region_of(vault) ||
	    strcmp(jstr(vault->body, CONFIG ".storageTypeState", ""), "Locked") == 0;
	int64_t count;

	if (!locked) {
		if (resource_count(conn, &items, &count, e) != 0)
			return -1;
		locked = count > 0;
	}
	/* Items that are gone by now locked it as well. */
	if (!locked && job_list(conn, &registered, any_job, &locked, e) < 0)
		return -1;
	*ret = locked;
	return 0;
}

static int wrong(const char *path, const char *what, struct err *e)
{
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: %s: %s", path, what);
}

static int set_model(struct db_conn *conn, struct resource *vault,
    const struct vault_storage_change *change, json_t *config, struct err *e)
{
	bool locked;

	if (change->model == NULL || strcmp(change->model, model_of(vault)) == 0)
		return 0;
	if (vault_storage_locked(conn, vault, &locked, e) != 0)
		return -1;
	if (locked)
		return wrong(change->model_path, "the redundancy cannot be changed any more: the "
		    "vault's storageTypeState is Locked, as items were registered or cross-region "
		    "restore is on", e);
	if (jset(config, "storageModelType", json_string(change->model), e) != 0)
		return -1;
	return jset(config, "storageType", json_string(change->model), e);
}

static int set_cross_region(struct api_call *c, struct resource *vault,
    const struct vault_storage_change *change, json_t *config, struct err *e)
{
	const struct region_settings *pair;
	struct err why = { 0 };

	if (change->cross_region == NULL || *change->cross_region == cross_region_of(vault))
		return 0;
	if (!*change->cross_region)
		return wrong(change->cross_region_path,
		    "cross-region restore cannot be disabled once it is enabled", e);
	if (strcmp(model_of(vault), "GeoRedundant") != 0)
		return wrong(change->cross_region_path,
		    "cross-region restore needs a vault with GeoRedundant storage", e);
	if (settings_copy_region(c->world->settings, vault->location, &pair, &why) != 0)
		return wrong(change->cross_region_path, why.msg, e);
	if (jset(config, "crossRegionRestoreFlag", json_true(), e) != 0)
		return -1;
	return jset(config, "storageTypeState", json_string("Locked"), e);
}

int vault_storage_apply(struct api_call *c, struct db_conn *conn, struct resource *vault,
    const struct vault_storage_change *change, struct err *e)
{
	json_t *config = jat(vault->body, CONFIG);

	if (config == NULL)
		return err_set(e, ERR_BUG, "vault '%s' has no %s", vault->id, CONFIG);
	if (set_model(conn, vault, change, config, e) != 0)
		return -1;
	return set_cross_region(c, vault, change, config, e);
}

json_t *vault_storage_json(const struct resource *vault, bool locked)
{
	const char *model = model_of(vault);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "storageModelType", model, "storageType",
	    jstr(vault->body, CONFIG ".storageType", model), "storageTypeState",
	    locked ? "Locked" : "Unlocked", "dedupState",
	    jstr(vault->body, CONFIG ".dedupState", "Disabled"), "xcoolState",
	    jstr(vault->body, CONFIG ".xcoolState", "Disabled"), "crossRegionRestoreFlag",
	    (int)cross_region_of(vault));
}

json_t *vault_storage_redundancy(const struct resource *vault)
{
	return json_pack("{s:s, s:s}", "standardTierStorageRedundancy", model_of(vault),
	    "crossRegionRestore", cross_region_of(vault) ? "Enabled" : "Disabled");
}
