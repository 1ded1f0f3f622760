/* vault_apply.c - see vault_apply.h. */
#include "api/vault_apply.h"

#include <stdio.h>

#include "api/fields.h"
#include "api/place.h"
#include "api/vault_identity.h"
#include "api/vault_security.h"
#include "api/vault_storage.h"
#include "base/codec.h"

static const char *const on_off[] = { "Enabled", "Disabled", NULL };

json_t *vault_document_new(void)
{
	char text[12];

	/* Eight digits: ids of operations hold it, and must stay below 64 characters. */
	(void)snprintf(text, sizeof(text), "%u", (unsigned)(10000000 + random_u64() % 90000000));
	return json_pack("{s:{s:s}, s:{}, s:{s:s, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s}}, "
	    "s:{s:{s:s}}, s:{}}, s:{s:s, s:o, s:o}}",
	    "sku", "name", "Standard", "tags", "properties", "publicNetworkAccess", "Enabled",
	    "monitoringSettings", "azureMonitorAlertSettings", "alertsForAllJobFailures", "Enabled",
	    "alertsForAllReplicationIssues", "Enabled", "alertsForAllFailoverIssues", "Enabled",
	    "classicAlertSettings", "alertsForCriticalOperations", "Enabled",
	    "emailNotificationsForSiteRecovery", "Enabled", "restoreSettings",
	    "crossSubscriptionRestoreSettings", "crossSubscriptionRestoreState", "Enabled",
	    "securitySettings", "internal", "numericId", text, "vaultConfig", vault_security_new(),
	    "storageConfig", vault_storage_new());
}

/* The member `key` of `p` as one of `words`, set in `target` if it is there. */
static int set_word(const struct place *p, const char *key, const char *const *words,
    json_t *target, struct err *e)
{
	const char *word = NULL;
	int r = place_word(p, key, words, &word, e);

	return r <= 0 ? r : jset(target, key, json_string(word), e);
}

static int apply_sku(struct resource *vault, const struct place *root, struct err *e)
{
	static const char *const names[] = { "Standard", "RS0", NULL };
	const char *name = names[0], *tier = NULL;
	struct place p;
	int r = place_enter(root, "sku", &p, e);

	if (r <= 0)
		return r;
	if (place_need_word(&p, "name", names, &name, e) != 0 ||
	    place_text(&p, "tier", 40, &tier, e) < 0)
		return -1;
	return jset(vault->body, "sku", json_pack("{s:s, s:s*}", "name", name, "tier", tier), e);
}

static int apply_tags(struct api_call *c, struct resource *vault, bool replace, struct err *e)
{
	json_t *tags = NULL;
	int r = fields_tags(c->body, &tags, e);

	if (r < 0)
		return -1;
	if (r > 0)
		return jset(vault->body, "tags", json_deep_copy(tags), e);
	return replace ? jset(vault->body, "tags", json_object(), e) : 0;
}

static int apply_monitoring(const struct place *p, json_t *props, struct err *e)
{
	static const char *const azure[] = { "alertsForAllJobFailures",
		"alertsForAllReplicationIssues", "alertsForAllFailoverIssues", NULL };
	static const char *const classic[] = { "alertsForCriticalOperations",
		"emailNotificationsForSiteRecovery", NULL };
	static const struct {
		const char *key;
		const char *const *words;
	} kinds[] = { { "azureMonitorAlertSettings", azure }, { "classicAlertSettings", classic } };
	struct place at, inner;
	int r = place_enter(p, "monitoringSettings", &at, e);

	for (size_t i = 0; r > 0 && i < ARRAY_LEN(kinds); i++) {
		json_t *target = json_object_get(json_object_get(props, "monitoringSettings"),
		    kinds[i].key);
		int got = place_enter(&at, kinds[i].key, &inner, e);

		if (got < 0)
			return -1;
		for (const char *const *k = kinds[i].words; got > 0 && *k != NULL; k++)
			if (set_word(&inner, *k, on_off, target, e) < 0)
				return -1;
	}
	return r < 0 ? -1 : 0;
}

static int apply_restore(const struct place *p, json_t *props, struct err *e)
{
	static const char key[] = "crossSubscriptionRestoreState";
	static const char *const states[] = { "Enabled", "Disabled", "PermanentlyDisabled", NULL };
	json_t *target = jat(props, "restoreSettings.crossSubscriptionRestoreSettings");
	const char *state = NULL, *old = jstr(target, key, states[0]);
	struct place at, inner;
	int r = place_enter(p, "restoreSettings", &at, e);

	if (r > 0)
		r = place_enter(&at, "crossSubscriptionRestoreSettings", &inner, e);
	if (r > 0)
		r = place_word(&inner, key, states, &state, e);
	if (r <= 0)
		return r;
	if (strcmp(old, states[2]) == 0 && state != states[2])
		return place_wrong(&inner, key, e, "'%s' cannot be changed any more", old);
	return jset(target, key, json_string(state), e);
}

static int apply_immutability(const struct place *p, json_t *props, struct err *e)
{
	static const char *const states[] = { "Disabled", "Unlocked", "Locked", NULL };
	const char *state = NULL;
	const char *old = jstr(props, "securitySettings.immutabilitySettings.state", states[0]);
	struct place at;
	int r = place_enter(p, "immutabilitySettings", &at, e);

	if (r > 0)
		r = place_word(&at, "state", states, &state, e);
	if (r <= 0)
		return r;
	if (strcmp(old, states[2]) == 0 && state != states[2])
		return place_wrong(&at, "state", e, "'%s' cannot be changed any more", old);
	return jset(jat(props, "securitySettings"), "immutabilitySettings",
	    json_pack("{s:s}", "state", state), e);
}

static int apply_security(const struct place *p, struct resource *vault, json_t *props,
    struct err *e)
{
	struct place at, soft;
	int r = place_enter(p, "securitySettings", &at, e);

	if (r <= 0)
		return r;
	r = place_enter(&at, "softDeleteSettings", &soft, e);
	if (r < 0 || (r > 0 && vault_security_apply(vault, &soft, &vault_settings_keys, e) != 0))
		return -1;
	return apply_immutability(&at, props, e);
}

static int apply_redundancy(struct api_call *c, struct db_conn *conn, const struct place *p,
    struct resource *vault, struct err *e)
{
	struct vault_storage_change change = {
		.model_path = "properties.redundancySettings.standardTierStorageRedundancy",
		.cross_region_path = "properties.redundancySettings.crossRegionRestore" };
	const char *cross = NULL;
	struct place at;
	bool on;
	int r = place_enter(p, "redundancySettings", &at, e);

	if (r <= 0)
		return r;
	if (place_word(&at, "standardTierStorageRedundancy", vault_storage_models, &change.model,
	    e) < 0 || place_word(&at, "crossRegionRestore", on_off, &cross, e) < 0)
		return -1;
	on = cross == on_off[0];
	if (cross != NULL)
		change.cross_region = &on;
	return vault_storage_apply(c, conn, vault, &change, e);
}

/* A key of the client's own would not be used: saying yes would be a lie. */
static int refuse_encryption(const struct place *p, struct err *e)
{
	static const char *const kinds[] = { "Enabled", "Disabled", NULL };
	const char *infrastructure = NULL;
	struct place at;
	int r = place_enter(p, "encryption", &at, e);

	if (r <= 0)
		return r;
	if (jat(at.at, "keyVaultProperties") != NULL || jat(at.at, "kekIdentity") != NULL)
		return place_wrong(p, "encryption", e,
		    "customer-managed keys are not supported by this server");
	if (place_word(&at, "infrastructureEncryption", kinds, &infrastructure, e) < 0)
		return -1;
	if (infrastructure == kinds[0])
		return place_wrong(&at, "infrastructureEncryption", e,
		    "a second layer of encryption is not supported by this server");
	return 0;
}

int vault_apply(struct api_call *c, struct db_conn *conn, struct resource *vault, bool replace,
    struct err *e)
{
	json_t *props = jat(vault->body, "properties");
	struct place root = { .at = c->body }, p;
	int r;

	if (apply_sku(vault, &root, e) != 0 || apply_tags(c, vault, replace, e) != 0 ||
	    vault_identity_apply(c, vault, &root, replace, e) != 0)
		return -1;
	r = place_enter(&root, "properties", &p, e);
	if (r <= 0)
		return r;
	if (set_word(&p, "publicNetworkAccess", on_off, props, e) < 0 ||
	    apply_monitoring(&p, props, e) != 0 || apply_restore(&p, props, e) < 0 ||
	    apply_security(&p, vault, props, e) < 0 || refuse_encryption(&p, e) < 0)
		return -1;
	return apply_redundancy(c, conn, &p, vault, e);
}
