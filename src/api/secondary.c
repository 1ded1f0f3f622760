/* secondary.c - the paired region's view; see secondary.h. */
#include "api/secondary.h"

#include "api/place.h"
#include "base/codec.h"
#include "crypto/crypto.h"

#define VAULT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}"
#define ITEM VAULT \
	"/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}"
#define LOCATION "subscriptions/{sub}/providers/Microsoft.RecoveryServices/locations/{location}"

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

static int no_copy(struct api_call *c, const struct resource *vault, struct err *e)
{
	const struct region_settings *region = settings_region(c->world->settings, vault->location);

	return err_code(e, ERR_NOT_FOUND, "BMSUserErrorDataSourceObjectNotFound",
	    "Item not found.\r\nThe paired region '%s' of vault '%.80s' has no copy of it yet.",
	    region != NULL ? region->pair : "", vault->name);
}

/* A path that ends in a name shows one thing, others show lists. */
static bool shows_one(const struct api_call *c)
{
	const char *pattern = c->route->pattern;

	return pattern[strlen(pattern) - 1] == '}';
}

int secondary_guard(struct api_call *c, bool *ret_answered, struct err *e)
{
	json_t *none;

	*ret_answered = false;
	if (!arm_version_is_secondary(c->version))
		return 0;
	if (!secondary_enabled(&c->vault))
		return secondary_refuse(e);
	if (shows_one(c))
		return no_copy(c, &c->vault, e);
	none = json_array();
	if (none == NULL)
		return err_nomem(e);
	if (api_list(c, none, NULL, e) != 0)
		return -1;
	*ret_answered = true;
	return 0;
}

static int need_secondary_version(struct api_call *c, struct err *e)
{
	if (arm_version_is_secondary(c->version))
		return 0;
	return err_code(e, ERR_INVALID, "NoRegisteredProviderFound",
	    "No registered resource provider found for location '' and API version '%.40s' for "
	    "this type. The supported api-versions are '2018-12-20, 2021-11-15, 2023-01-15'.",
	    c->version);
}

static int access_token(struct api_call *c, struct err *e)
{
	const char *item;

	if (need_secondary_version(c, e) != 0 || api_item_id(c, &item, e) != 0)
		return -1;
	return secondary_enabled(&c->vault) ? no_copy(c, &c->vault, e) : secondary_refuse(e);
}

/* The service's own principal, the same each time: a name-based GUID (RFC 9562 version 8). */
static int service_principal(struct api_call *c, char out[GUID_SIZE], struct err *e)
{
	static const char digits[] = "xxxxxxxx-xxxx-8xxx-8xxx-xxxxxxxxxxxx";
	const char *name = arena_fmt(&c->arena, "%s/backup management service", c->world->tenant);
	uint8_t hash[SHA256_SIZE];
	char hex[HEX_SIZE(SHA256_SIZE)];
	size_t used = 0;

	if (name == NULL)
		return err_nomem(e);
	if (sha256(name, strlen(name), hash, e) != 0)
		return -1;
	(void)hex_encode(hash, sizeof(hash), hex);
	for (size_t i = 0; i < sizeof(digits); i++)
		out[i] = digits[i] == 'x' ? hex[used++] : digits[i];
	return 0;
}

static int aad_properties(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "backupManagementType", NULL };
	struct arm_filter filter;
	const char *region, *audience, *id, *authority;
	char principal[GUID_SIZE];

	if (need_secondary_version(c, e) != 0 || api_location(c, c->param[1], &region, e) != 0 ||
	    arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &filter,
	    e) != 0 || service_principal(c, principal, e) != 0)
		return -1;
	audience = arena_fmt(&c->arena, "https://RecoveryServices/IaasCoord/aadmgmt/%s", region);
	authority = arena_fmt(&c->arena, "%s/%s", c->base_url, c->world->tenant);
	id = arena_fmt(&c->arena, "/subscriptions/%s/providers/Microsoft.RecoveryServices/"
	    "locations/%s/backupAadProperties", c->world->subscription, region);
	if (audience == NULL || authority == NULL || id == NULL)
		return err_nomem(e);
	if (strcmp(c->version, "2018-12-20") != 0)
		return api_json(c, 200, json_pack("{s:{s:s, s:s, s:s}}", "properties", "tenantId",
		    c->world->tenant, "audience", audience, "servicePrincipalObjectId", principal),
		    e);
	return api_json(c, 200, json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "id", id,
	    "name", "backupAadProperties", "type",
	    "Microsoft.RecoveryServices/locations/backupAadProperties", "properties", "tenantId",
	    c->world->tenant, "authority", authority, "audience", audience,
	    "servicePrincipalClientId", principal, "servicePrincipalObjectId", principal), e);
}

/* The vault that a request's resourceId names; cross-region restore must be on in it. */
static int find_vault(struct api_call *c, struct resource *ret, struct err *e)
{
	const char *given, *id;
	struct arm_id a;

	if (jneed_str(c->body, "resourceId", &given, e) != 0)
		return place_refuse(e);
	if (arm_id_parse(str_c(given), &a, e) != 0 || !arm_id_is(&a, TYPE_VAULT))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: resourceId: '%.250s' is not the id "
		    "of a Recovery Services vault", given);
	id = arm_id_canonical(&c->arena, &a);
	if (id == NULL)
		return err_nomem(e);
	if (api_find(c, id, ret, e) != 0)
		return -1;
	return secondary_enabled(ret) ? 0 : secondary_refuse(e);
}

static int crr_jobs(struct api_call *c, struct err *e)
{
	auto_resource struct resource vault = { 0 };
	const char *region;
	json_t *none;

	if (need_secondary_version(c, e) != 0 || api_location(c, c->param[1], &region, e) != 0 ||
	    find_vault(c, &vault, e) != 0)
		return -1;
	none = json_array();
	return none == NULL ? err_nomem(e) : api_list(c, none, NULL, e);
}

static int crr_job(struct api_call *c, struct err *e)
{
	auto_resource struct resource vault = { 0 };
	const char *region, *job;

	if (need_secondary_version(c, e) != 0 || api_location(c, c->param[1], &region, e) != 0 ||
	    find_vault(c, &vault, e) != 0)
		return -1;
	if (jneed_str(c->body, "jobName", &job, e) != 0)
		return place_refuse(e);
	return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
	    "The job '%.80s' of vault '%.80s' was not found in region '%s'.", job, vault.name,
	    region);
}

/* Access tokens are given out with the paired region's recovery points, of which there are none. */
static int cross_region_restore(struct api_call *c, struct err *e)
{
	static const char token[] = "crossRegionRestoreAccessDetails.accessTokenString";
	struct place root = { .at = c->body }, p;
	const char *region, *text;

	if (need_secondary_version(c, e) != 0 || api_location(c, c->param[1], &region, e) != 0)
		return -1;
	if (jneed_str(c->body, token, &text, e) != 0 ||
	    place_need_enter(&root, "restoreRequest", &p, e) != 0)
		return place_refuse(e);
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: %s: this is not a token that region '%s' has "
	    "given out", token, region);
}

static int crr_operation(struct api_call *c, struct err *e)
{
	const char *region;

	if (need_secondary_version(c, e) != 0 || api_location(c, c->param[1], &region, e) != 0)
		return -1;
	return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
	    "The operation '%.80s' was not found in region '%s'.", c->param[2], region);
}

const struct api_route secondary_routes[] = {
	{ "POST", ITEM "/recoveryPoints/{rp}/accessToken", access_token,
	    API_RS | API_VAULT | API_BODY_OPTIONAL, TYPE_POINT "/accessToken/action" },
	{ "GET", LOCATION "/backupAadProperties", aad_properties, API_RS,
	    "Microsoft.RecoveryServices/locations/backupAadProperties/read" },
	{ "POST", LOCATION "/backupCrossRegionRestore", cross_region_restore, API_RS | API_BODY,
	    "Microsoft.RecoveryServices/locations/backupCrossRegionRestore/action" },
	{ "POST", LOCATION "/backupCrrJob", crr_job, API_RS | API_BODY,
	    "Microsoft.RecoveryServices/locations/backupCrrJob/action" },
	{ "POST", LOCATION "/backupCrrJobs", crr_jobs, API_RS | API_BODY,
	    "Microsoft.RecoveryServices/locations/backupCrrJobs/action" },
	{ "GET", LOCATION "/backupCrrOperationsStatus/{op}", crr_operation, API_RS,
	    "Microsoft.RecoveryServices/locations/backupCrrOperationsStatus/read" },
	{ "GET", LOCATION "/backupCrrOperationResults/{op}", crr_operation, API_RS,
	    "Microsoft.RecoveryServices/locations/backupCrrOperationResults/read" },
	{ NULL },
};
