/* vault_config.c - a vault's settings: security, storage, encryption. */
#include "api/vault_config.h"

#include "api/place.h"
#include "api/vault_security.h"
#include "api/vault_storage.h"
#include "work/replicator.h"

static const char *const on_off[] = { "Enabled", "Disabled", NULL };

/* A settings object as ARM shows it; `props` stolen. */
static int answer(struct api_call *c, const char *type, const char *name, json_t *props,
    struct err *e)
{
	const char *id = arena_fmt(&c->arena, "%s/%s/%s", c->vault.id, type, name);
	const char *full = arena_fmt(&c->arena, TYPE_VAULT "/%s", type);
	json_t *body = json_pack("{s:s, s:s, s:s, s:o}", "id", id != NULL ? id : "", "name", name,
	    "type", full != NULL ? full : "", "properties", props);

	if (id == NULL || full == NULL) {
		json_decref(body);
		return err_nomem(e);
	}
	return api_json(c, 200, body, e);
}

/* What a request says about the redundancy.  storageType follows storageModelType, and clients
 * send the old storageType along with a new model: the model counts if both are there. */
static int read_storage(const struct place *p, struct vault_storage_change *ret, struct err *e)
{
	static const char *const words[] = { "GeoRedundant", "LocallyRedundant", "ZoneRedundant",
		"ReadAccessGeoZoneRedundant", "Invalid", NULL };
	const char *model = NULL, *type = NULL;

	if (place_word(p, "storageModelType", words, &model, e) < 0 ||
	    place_word(p, "storageType", words, &type, e) < 0)
		return -1;
	ret->model_path = model != NULL ? "properties.storageModelType" : "properties.storageType";
	ret->model = model != NULL ? model : type;
	if (ret->model == words[4])
		return place_wrong(p, model != NULL ? "storageModelType" : "storageType", e,
		    "'Invalid' is not a redundancy");
	return 0;
}

static int security_json(struct api_call *c, struct db_conn *conn, const struct resource *vault,
    json_t **ret, struct err *e)
{
	const char *soft = vault_soft_delete(vault);
	const char *model = jstr(vault->body, "internal.storageConfig.storageModelType", "");
	auto_json json_t *props = json_pack("{s:s, s:s}", "enhancedSecurityState",
	    vault_enhanced_security(vault), "softDeleteFeatureState", soft);
	bool locked;

	/* 2019 knows the two states only. */
	if (arm_version_at_least(c->version, "2020-01-01")) {
		if (vault_storage_locked(conn, vault, &locked, e) != 0)
			return -1;
		if (json_object_update_new(props, json_pack("{s:I, s:b, s:s, s:s, s:s}",
		    "softDeleteRetentionPeriodInDays", (json_int_t)vault_soft_delete_days(vault),
		    "isSoftDeleteFeatureStateEditable", (int)(strcmp(soft, "AlwaysON") != 0),
		    "storageModelType", model, "storageType", model, "storageTypeState",
		    locked ? "Locked" : "Unlocked")) != 0)
			return err_nomem(e);
	}
	*ret = TAKE(props);
	return 0;
}

static int security_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *props = NULL;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    security_json(c, conn, &c->vault, &props, e) != 0)
		return -1;
	replicator_wake(c->world, c->vault.id);
	return answer(c, "backupconfig", "vaultconfig", TAKE(props), e);
}

static int security_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	struct vault_storage_change change = { 0 };
	auto_json json_t *props = NULL;
	struct place root = { .at = c->body }, p;

	if (place_need_enter(&root, "properties", &p, e) != 0 || read_storage(&p, &change, e) != 0)
		return place_refuse(e);
	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, c->vault.id, &vault, e) != 0)
		return -1;
	if (vault_security_apply(&vault, &p, &vault_config_keys, e) != 0)
		return place_refuse(e);
	if (vault_storage_apply(c, conn, &vault, &change, e) != 0 ||
	    resource_put(conn, &vault, c->now_us, e) != 0 ||
	    security_json(c, conn, &vault, &props, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	replicator_wake(c->world, c->vault.id);
	return answer(c, "backupconfig", "vaultconfig", TAKE(props), e);
}

static int storage_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	bool locked;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    vault_storage_locked(conn, &c->vault, &locked, e) != 0)
		return -1;
	return answer(c, "backupstorageconfig", "vaultstorageconfig",
	    vault_storage_json(&c->vault, locked), e);
}

static int set_states(const struct place *p, struct resource *vault, struct err *e)
{
	static const char *const keys[] = { "dedupState", "xcoolState" };
	static const char *const states[] = { "Enabled", "Disabled", "Invalid", NULL };
	json_t *config = jat(vault->body, "internal.storageConfig");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *word = NULL;
		int r = place_word(p, keys[i], states, &word, e);

		if (r < 0 || (r > 0 && word != states[2] &&
		    jset(config, keys[i], json_string(word), e) != 0))
			return -1;
	}
	return 0;
}

/* PUT and PATCH alike change what they name; PATCH answers 204. */
static int storage_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	struct vault_storage_change change = {
		.cross_region_path = "properties.crossRegionRestoreFlag" };
	struct place root = { .at = c->body }, p;
	bool flag = false, locked;
	int named;

	if (place_need_enter(&root, "properties", &p, e) != 0 || read_storage(&p, &change, e) != 0)
		return place_refuse(e);
	named = place_bool(&p, "crossRegionRestoreFlag", &flag, e);
	if (named < 0)
		return place_refuse(e);
	if (named > 0)
		change.cross_region = &flag;
	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, c->vault.id, &vault, e) != 0)
		return -1;
	if (set_states(&p, &vault, e) != 0)
		return place_refuse(e);
	if (vault_storage_apply(c, conn, &vault, &change, e) != 0 ||
	    vault_storage_locked(conn, &vault, &locked, e) != 0 ||
	    resource_put(conn, &vault, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	replicator_wake(c->world, c->vault.id);
	if (strcmp(c->http->method, "PATCH") == 0)
		return api_empty(c, 204);
	return answer(c, "backupstorageconfig", "vaultstorageconfig",
	    vault_storage_json(&vault, locked), e);
}

static int encryption_get(struct api_call *c, struct err *e)
{
	return answer(c, "backupEncryptionConfigs", "backupResourceEncryptionConfig",
	    json_pack("{s:s, s:s, s:s, s:b}", "encryptionAtRestType",
	    jstr(c->vault.body, "internal.encryptionConfig.encryptionAtRestType",
	    "MicrosoftManaged"), "lastUpdateStatus", "NotEnabled", "infrastructureEncryptionState",
	    "Disabled", "useSystemAssignedIdentity", 0), e);
}

/* Every vault is sealed under a key of this server; no key vault can be asked for another one,
 * so a client's own key is refused rather than noted and not used. */
static int encryption_put(struct api_call *c, struct err *e)
{
	static const char *const types[] = { "MicrosoftManaged", "CustomerManaged", NULL };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	struct place root = { .at = c->body }, p;
	const char *type = types[0], *infrastructure = on_off[1];

	if (place_need_enter(&root, "properties", &p, e) != 0 ||
	    place_word(&p, "encryptionAtRestType", types, &type, e) < 0 ||
	    place_word(&p, "infrastructureEncryptionState", on_off, &infrastructure, e) < 0)
		return place_refuse(e);
	if (type != types[0] || jat(p.at, "keyUri") != NULL) {
		(void)place_wrong(&p, type != types[0] ? "encryptionAtRestType" : "keyUri", e,
		    "customer-managed keys are not supported by this server");
		return place_refuse(e);
	}
	if (infrastructure != on_off[1]) {
		(void)place_wrong(&p, "infrastructureEncryptionState", e,
		    "a second layer of encryption is not supported by this server");
		return place_refuse(e);
	}
	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, c->vault.id, &vault, e) != 0 ||
	    jset(jat(vault.body, "internal"), "encryptionConfig",
	    json_pack("{s:s}", "encryptionAtRestType", type), e) != 0 ||
	    resource_put(conn, &vault, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 200);
}

#define VAULT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}"
#define SECURITY VAULT "/backupconfig/vaultconfig"
#define STORAGE VAULT "/backupstorageconfig/vaultstorageconfig"
#define ENCRYPTION VAULT "/backupEncryptionConfigs/backupResourceEncryptionConfig"
#define GUARDS VAULT "/backupResourceGuardProxies"

const struct api_route vault_config_routes[] = {
	{ "GET", SECURITY, security_get, API_RS | API_VAULT, TYPE_VAULT "/backupconfig/read" },
	{ "PUT", SECURITY, security_put, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/backupconfig/write" },
	{ "PATCH", SECURITY, security_put, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/backupconfig/write" },
	{ "GET", STORAGE, storage_get, API_RS | API_VAULT | API_SECONDARY,
	    TYPE_VAULT "/backupstorageconfig/read" },
	{ "PUT", STORAGE, storage_put, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/backupstorageconfig/write" },
	{ "PATCH", STORAGE, storage_put, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/backupstorageconfig/write" },
	{ "GET", ENCRYPTION, encryption_get, API_RS | API_VAULT | API_FROM_COPY,
	    TYPE_VAULT "/backupEncryptionConfigs/read" },
	{ "PUT", ENCRYPTION, encryption_put, API_RS | API_VAULT | API_BODY,
	    TYPE_VAULT "/backupEncryptionConfigs/write" },
	{ "GET", GUARDS, guard_list, API_RS | API_VAULT, TYPE_GUARD_PROXY "/read" },
	{ "GET", GUARDS "/{guard}", guard_get, API_RS | API_VAULT, TYPE_GUARD_PROXY "/read" },
	{ "PUT", GUARDS "/{guard}", guard_put, API_RS | API_VAULT | API_BODY,
	    TYPE_GUARD_PROXY "/write" },
	{ "DELETE", GUARDS "/{guard}", guard_delete, API_RS | API_VAULT,
	    TYPE_GUARD_PROXY "/delete" },
	{ "POST", GUARDS "/{guard}/unlockDelete", guard_unlock_delete,
	    API_RS | API_VAULT | API_BODY_OPTIONAL, TYPE_GUARD_PROXY "/unlockDelete/action" },
	{ "POST", VAULT "/backupSecurityPIN", security_pin, API_RS | API_VAULT | API_BODY_OPTIONAL,
	    TYPE_VAULT "/backupSecurityPIN/action" },
	{ NULL },
};
