/* crr_details.c - what goes with an access token: CrrAccessToken of the published schema. */
#include "api/crr.h"

#include <stdio.h>

#include "api/item.h"
#include "base/clock.h"
#include "crypto/crypto.h"

#define XML "<IaaSVMRecoveryPointMetadataBase " \
	"xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" " \
	"i:type=\"IaaSVMRecoveryPointMetadata_V2015_09\" " \
	"xmlns=\"http://windowscloudbackup.com/CloudCommon/V2011_09\">" \
	"<MetadataVersion>V2015_09</MetadataVersion>" \
	"<IsManagedVirtualMachine>%s</IsManagedVirtualMachine>" \
	"<OriginalSAOption>false</OriginalSAOption><OsType>%s</OsType>" \
	"<RecoveryPointConsistencyType>%s</RecoveryPointConsistencyType>" \
	"</IaaSVMRecoveryPointMetadataBase>"

/* Containers have no row that could hold a number: it is made of the item's id. */
int crr_number(struct api_call *c, struct crr_point *p, struct err *e)
{
	const char *id = arena_lower(&c->arena, str_c(p->item.id));
	uint8_t hash[SHA256_SIZE];
	uint64_t n = 0;

	if (id == NULL)
		return err_nomem(e);
	if (sha256(id, strlen(id), hash, e) != 0)
		return -1;
	/* six bytes: JavaScript has whole numbers up to 2^53 */
	for (size_t i = 0; i < 6; i++)
		n = n << 8 | hash[i];
	p->container_number = arena_fmt(&c->arena, "%llu", (unsigned long long)n);
	p->source_number = arena_dup(&c->arena, jstr(p->item.body, "internal.dataId", "0"));
	return p->container_number != NULL && p->source_number != NULL ? 0 : err_nomem(e);
}

static json_t *of_vault(struct api_call *c, const struct crr_point *p)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "objectType", "CrrAccessToken",
	    "subscriptionId", c->vault.subscription, "resourceGroupName", c->vault.group,
	    "resourceName", c->vault.name, "resourceId",
	    jstr(c->vault.body, "internal.numericId", "0"), "protectionContainerId",
	    (json_int_t)strtoll(p->container_number, NULL, 10));
}

static json_t *of_item(const struct crr_point *p)
{
	/* "VM;iaasvmcontainerv2;rg;vm" without its first word */
	const char *container = p->item.name + strcspn(p->item.name, ";") + 1;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "containerName", container,
	    "containerType", "IaasVMContainer", "backupManagementType", IAAS_MANAGEMENT,
	    "datasourceType", "VM", "datasourceName",
	    jstr(p->item.body, "properties.friendlyName", p->item.name), "datasourceId",
	    p->source_number, "datasourceContainerName", container);
}

static json_t *of_point(struct api_call *c, const struct crr_point *p)
{
	const json_t *props = jat(p->point.body, "properties");
	bool managed = jbool(props, "isManagedVirtualMachine", true);
	const char *extended = arena_fmt(&c->arena, XML, managed ? "true" : "false",
	    jstr(props, "osType", "Linux"), jstr(props, "recoveryPointType", "CrashConsistent"));
	char when[TIME_TEXT_MAX];
	int64_t t = p->point.sort;

	if (extended == NULL)
		return NULL;
	(void)time_parse_iso(str_c(jstr(props, "recoveryPointTime", "")), &t);
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:b, s:b, s:s, s:s}", "recoveryPointId",
	    p->point.name, "recoveryPointTime", time_us_english(t, when),
	    "tokenExtendedInformation", extended, "rpTierInformation", "InstantRP", "Valid",
	    "HardenedRP", "Valid", "rpOriginalSAOption", 0, "rpIsManagedVirtualMachine",
	    (int)managed, "rpVMSizeDescription", jstr(props, "virtualMachineSize", ""),
	    "bMSActiveRegion", c->vault.location);
}

static int build(struct api_call *c, const struct crr_point *p, json_t **ret, struct err *e)
{
	auto_json json_t *out = of_vault(c, p);

	if (out == NULL || json_object_update_new(out, of_item(p)) != 0 ||
	    json_object_update_new(out, of_point(c, p)) != 0)
		return err_nomem(e);
	*ret = TAKE(out);
	return 0;
}

int crr_details(struct api_call *c, const struct crr_point *p, json_t **ret, struct err *e)
{
	auto_json json_t *out = NULL;
	char service[GUID_SIZE];

	if (build(c, p, &out, e) != 0 || token_service_principal(c->api->issuer, service, e) != 0)
		return -1;
	/* Other addresses are made in the second region: these are told and not looked at again. */
	if (json_object_update_new(out, json_pack("{s:s, s:s, s:s, s:s}",
	    "coordinatorServiceStampId", service, "coordinatorServiceStampUri", c->base_url,
	    "protectionServiceStampId", service, "protectionServiceStampUri", c->base_url)) != 0)
		return err_nomem(e);
	*ret = TAKE(out);
	return 0;
}

static bool says_the_same(const json_t *given, const json_t *own)
{
	struct str digits = str_c(json_string_value(given));
	char text[24];

	if (json_is_string(own))
		return json_is_string(given) && str_ieq(digits, str_c(json_string_value(own)));
	if (!json_is_integer(own) || !json_is_string(given))
		return json_equal(given, own);
	/* clients that read numbers as texts send texts */
	(void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(own));
	return str_eq(digits, str_c(text));
}

int crr_details_check(struct api_call *c, const struct crr_point *p, const json_t *given,
    struct err *e)
{
	auto_json json_t *own = NULL;
	const char *key;
	json_t *value;

	if (build(c, p, &own, e) != 0)
		return -1;
	json_object_foreach(own, key, value) {
		const json_t *sent = json_object_get(given, key);
		auto_free char *want = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		const char *path = arena_fmt(&c->arena, "crossRegionRestoreAccessDetails.%s", key);

		if (sent == NULL || json_is_null(sent) || says_the_same(sent, value))
			continue;
		if (path == NULL || want == NULL)
			return err_nomem(e);
		return crr_wrong(e, path,
		    "this is not what came with the access token, %.250s", want);
	}
	return 0;
}
