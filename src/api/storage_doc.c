/* storage_doc.c - documents of storage accounts.  See storage.h. */
#include "api/storage.h"

#include "api/fields.h"
#include "base/clock.h"
#include "base/codec.h"

#define KEY_BYTES 64

static const char *const skus[] = { "Standard_LRS", "Standard_GRS", "Standard_RAGRS",
	"Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS", "Premium_LRS", "Premium_ZRS", NULL };
static const char *const kinds[] = { "StorageV2", "Storage", "BlobStorage", "BlockBlobStorage",
	"FileStorage", NULL };

/* What clients may set among the properties, and what it is when they do not. */
static const struct setting {
	const char *name;
	enum { TEXT, BOOL } type;
	const char *text;	/* NULL: left out */
	bool flag;
} settings[] = {
	{ "accessTier", TEXT, "Hot", false },
	{ "minimumTlsVersion", TEXT, "TLS1_2", false },
	{ "publicNetworkAccess", TEXT, NULL, false },
	{ "supportsHttpsTrafficOnly", BOOL, NULL, true },
	{ "allowBlobPublicAccess", BOOL, NULL, false },
	{ "allowSharedKeyAccess", BOOL, NULL, true },
};

static const char *listed(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (str_ieq(str_c(*list), str_c(word)))
			return *list;
	return NULL;
}

static int take_listed(const json_t *body, const char *path, const char *const *list,
    const char **ret, struct err *e)
{
	const char *given, *known;
	int got = jget_str(body, path, &given, e);

	if (got <= 0)
		return got;
	known = listed(list, given);
	if (known == NULL)
		return err_code(e, ERR_INVALID, "InvalidValuesForRequestParameters",
		    "Values for request parameters are invalid: %s '%.60s'.", path, given);
	*ret = known;
	return 1;
}

static int set_one(const struct setting *s, const json_t *body, json_t *props, struct err *e)
{
	char path[64] = "properties.";
	const char *text = s->text;
	bool flag = s->flag;
	int got;

	memcpy(path + strlen(path), s->name, strlen(s->name) + 1);
	got = s->type == TEXT ? jget_str(body, path, &text, e) : jget_bool(body, path, &flag, e);
	if (got < 0)
		return -1;
	if (got == 0 &&
	    (json_object_get(props, s->name) != NULL || (s->type == TEXT && text == NULL)))
		return 0;
	return jset(props, s->name, s->type == TEXT ? json_string(text) : json_boolean(flag), e);
}

static int set_settings(const json_t *body, json_t *props, struct err *e)
{
	static const char *const objects[] = { "networkAcls", NULL };
	json_t *given = NULL, *value;

	if (jget_obj(body, "properties", &given, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (set_one(&settings[i], body, props, e) != 0)
			return -1;
	for (const char *const *name = objects; *name != NULL; name++) {
		value = json_object_get(given, *name);
		if (json_is_object(value) && jset(props, *name, json_deep_copy(value), e) != 0)
			return -1;
	}
	return 0;
}

static json_t *new_properties(struct api_call *c, const char *location)
{
	char when[TIME_TEXT_MAX];

	(void)time_iso(c->now_us, when);
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:[], s:[], s:s}, s:[]}",
	    "provisioningState", "Succeeded", "creationTime", when, "primaryLocation", location,
	    "statusOfPrimary", "available", "keyCreationTime", "key1", when, "key2", when,
	    "networkAcls", "bypass", "AzureServices", "virtualNetworkRules", "ipRules",
	    "defaultAction", "Allow", "privateEndpointConnections");
}

/* Redundancies with a second region name it. */
static int set_secondary(struct api_call *c, const char *location, const char *sku, json_t *props,
    struct err *e)
{
	const struct region_settings *r = settings_region(c->world->settings, location);
	bool paired = strstr(sku, "GRS") != NULL || strstr(sku, "GZRS") != NULL;

	(void)json_object_del(props, "secondaryLocation");
	(void)json_object_del(props, "statusOfSecondary");
	if (!paired || r == NULL || r->pair == NULL || r->pair[0] == '\0')
		return 0;
	if (jset(props, "secondaryLocation", json_string(r->pair), e) != 0)
		return -1;
	return jset(props, "statusOfSecondary", json_string("available"), e);
}

int storage_new_key(json_t *body, size_t index, struct err *e)
{
	json_t *keys = jat(body, "internal.keys");
	auto_buf struct buf text = { 0 };
	uint8_t key[KEY_BYTES];

	random_bytes(key, sizeof(key));
	base64_encode(&text, key, sizeof(key));
	if (text.failed || keys == NULL)
		return err_nomem(e);
	if ((index < json_array_size(keys) ? json_array_set_new(keys, index, json_string(text.p)) :
	    json_array_append_new(keys, json_string(text.p))) != 0)
		return err_nomem(e);
	return 0;
}

static json_t *start_document(struct api_call *c, const struct resource *old,
    const char *location, struct err *e)
{
	auto_json json_t *doc = NULL;

	if (old != NULL)
		return json_deep_copy(old->body);
	doc = json_pack("{s:{}, s:s, s:o, s:{s:[]}}", "sku", "kind", "StorageV2", "properties",
	    new_properties(c, location), "internal", "keys");
	if (doc == NULL)
		return NULL;
	for (size_t i = 0; i < STORAGE_KEYS; i++)
		if (storage_new_key(doc, i, e) != 0)
			return NULL;
	return TAKE(doc);
}

static int set_sku(struct api_call *c, const struct resource *old, bool replace,
    const char *location, json_t *doc, struct err *e)
{
	const char *sku = old != NULL ? jstr(old->body, "sku.name", NULL) : NULL, *kind = NULL;
	int got = take_listed(c->body, "sku.name", skus, &sku, e);

	if (got < 0)
		return -1;
	if (sku == NULL || (got == 0 && replace))
		return err_code(e, ERR_INVALID, "InvalidValuesForRequestParameters",
		    "Values for request parameters are invalid: sku.name is missing.");
	if (take_listed(c->body, "kind", kinds, &kind, e) < 0 ||
	    (kind != NULL && jset(doc, "kind", json_string(kind), e) != 0))
		return -1;
	if (jset(doc, "sku", json_pack("{s:s, s:s}", "name", sku, "tier",
	    strncmp(sku, "Premium", 7) == 0 ? "Premium" : "Standard"), e) != 0)
		return -1;
	return set_secondary(c, location, sku, jat(doc, "properties"), e);
}

int storage_document(struct api_call *c, const struct resource *old, bool replace,
    const char *location, json_t **ret, struct err *e)
{
	auto_json json_t *doc = NULL;
	json_t *tags = NULL;
	int got = fields_tags(c->body, &tags, e);

	if (got < 0)
		return -1;
	doc = start_document(c, old, location, e);
	if (doc == NULL)
		return err_nomem(e);
	if (set_sku(c, old, replace, location, doc, e) != 0 ||
	    set_settings(c->body, jat(doc, "properties"), e) != 0)
		return -1;
	if (got > 0 && jset(doc, "tags", json_deep_copy(tags), e) != 0)
		return -1;
	if (got == 0 && replace)
		(void)json_object_del(doc, "tags");
	*ret = TAKE(doc);
	return 0;
}

json_t *storage_json(struct api_call *c, const struct resource *account)
{
	auto_json json_t *out = api_resource_json(account), *props = NULL;
	const char *blob = arena_fmt(&c->arena, "%s/%s/", c->base_url, account->name);

	if (out == NULL || blob == NULL)
		return NULL;
	props = json_copy(jat(out, "properties"));
	if (props == NULL ||
	    json_object_set_new(props, "primaryEndpoints", json_pack("{s:s}", "blob", blob)) != 0 ||
	    json_object_set(out, "properties", props) != 0)
		return NULL;
	return TAKE(out);
}
