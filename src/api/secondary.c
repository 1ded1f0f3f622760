/* secondary.c - finding the copy of a vault; see secondary.h. */
#include "api/secondary.h"

#include "api/item.h"

#define VERSIONS "2018-12-20, 2021-11-15"
#define LAST_VERSION "2023-01-15"

bool secondary_asked(const struct api_call *c)
{
	return arm_version_is_secondary(c->version);
}

int secondary_need_version(struct api_call *c, struct err *e)
{
	if (secondary_asked(c))
		return 0;
	return err_code(e, ERR_INVALID, "NoRegisteredProviderFound",
	    "No registered resource provider found for location '' and API version '%.40s' for "
	    "this type. The supported api-versions are '" VERSIONS ", " LAST_VERSION "'.",
	    c->version);
}

bool secondary_enabled(const struct resource *vault)
{
	return jbool(vault->body, "internal.storageConfig.crossRegionRestoreFlag", false);
}

int secondary_refuse(struct err *e)
{
	return err_code(e, ERR_INVALID, "BMSUserErrorCrossRegionRestoreNotEnabledInThisVault",
	    "Cross Region Restore is not enabled in this vault. Please enable Cross Region "
	    "Restore in this vault.");
}

const char *secondary_region(struct api_call *c)
{
	const struct region_settings *r = settings_region(c->world->settings, c->vault.location);

	return c->copy_region != NULL ? c->copy_region : r != NULL ? r->pair : "";
}

int secondary_open(struct api_call *c, struct vault **ret, struct err *e)
{
	const struct region_settings *pair;

	if (!secondary_enabled(&c->vault))
		return secondary_refuse(e);
	if (c->copy_region != NULL)
		return replica_open(c->world, c->copy_region, c->vault.id, ret, e);
	if (settings_copy_region(c->world->settings, c->vault.location, &pair, e) != 0)
		return -1;
	return replica_open(c->world, pair->name, c->vault.id, ret, e);
}

int secondary_need(struct api_call *c, struct vault **ret, struct err *e)
{
	int found = secondary_open(c, ret, e);

	if (found != 0)
		return found < 0 ? -1 : 0;
	return err_code(e, ERR_NOT_FOUND, "BMSUserErrorDataSourceObjectNotFound",
	    "Item not found.\r\nThe paired region '%s' of vault '%.80s' has no copy of it yet.",
	    secondary_region(c), c->vault.name);
}

int secondary_find_vault(struct api_call *c, struct err *e)
{
	const char *id = api_vault_id(c), *region = NULL;
	bool wanted = (c->route->flags & API_FROM_COPY) != 0 ||
	    (secondary_asked(c) && (c->route->flags & API_SECONDARY) != 0);
	struct err missing = *e, why = { 0 };
	struct vault *copy = NULL;
	int found = id == NULL ? err_nomem(&why) : replica_find(c->world, id, &region, &copy, &why);

	if (found > 0 && wanted) {
		c->copy_region = region;
		found = replica_vault(copy, &c->vault, &why);
		if (found > 0)
			return 0;
	}
	if (found < 0 && wanted) {
		*e = why;
		return -1;
	}
	if (found <= 0)
		return -1;	/* as *e says */
	return err_code(e, missing.kind, missing.code, "%.300s A copy of vault '%.80s' in region "
	    "'%s' can be read with api-version " VERSIONS " or " LAST_VERSION ".", missing.msg,
	    c->param[2], region);
}

int secondary_find_item(struct api_call *c, struct vault *copy, struct resource *ret,
    struct err *e)
{
	const char *id;
	int found;

	if (api_item_id(c, &id, e) != 0)
		return -1;
	found = replica_item(copy, id, ret, e);
	return found < 0 ? -1 : found == 0 ? item_not_found(id, e) : 0;
}
