/* pairing_json.c - saying what pairing.c reads.  See pairing.h. */
#include "cli/pairing.h"
#include "crypto/crypto.h"

static json_t *credential_json(const struct credential *k)
{
	json_t *j = json_pack("{s:s,s:s,s:I,s:I}", "id", k->id, "kind",
	    credential_kind_name(k->kind), "createdUs", (json_int_t)k->created_us, "expiresUs",
	    (json_int_t)k->expires_us);

	for (const struct credential_text *t = credential_texts; t->name != NULL; t++) {
		const char *value = (const char *)k + t->offset;

		if (*value != '\0' && json_object_set_new(j, t->name, json_string(value)) != 0) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

static json_t *credentials_of(const struct pairing *p, const char *client_id)
{
	auto_json json_t *list = json_array();

	for (size_t i = 0; i < p->credential_count; i++)
		if (strcmp(p->credentials[i].client_id, client_id) == 0 &&
		    json_array_append_new(list, credential_json(&p->credentials[i])) != 0)
			return NULL;
	return TAKE(list);
}

static int add_principals(const struct pairing *p, json_t *list, struct err *e)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct principal *who = &p->principals[i];

		if (json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:o}", "clientId",
		    who->client_id, "objectId", who->object_id, "name", who->name, "role",
		    who->role, "credentials", credentials_of(p, who->client_id))) != 0)
			return err_nomem(e);
	}
	return 0;
}

static int add_secrets(const struct pairing *p, json_t *doc, struct err *e)
{
	auto_json json_t *list = json_array();
	char hex[HEX_SIZE(32)];
	json_t *secrets;

	if (list == NULL || add_principals(p, list, e) != 0)
		return err_nomem(e);
	secrets = json_pack("{s:s,s:{s:s,s:s},s:O}", "pairKey",
	    hex_encode(p->pair_key, sizeof(p->pair_key), hex), "administrator", "clientId",
	    p->admin, "clientSecret", p->admin_secret, "principals", list);
	crypto_wipe(hex, sizeof(hex));
	return secrets == NULL ? err_nomem(e) : jset(doc, "secrets", secrets, e);
}

int pairing_json(const struct pairing *p, json_t **ret, struct err *e)
{
	auto_json json_t *doc = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:O}", "version", 2, "region",
	    p->region, "pair", p->pair, "server", p->server, "tenant", p->tenant, "subscription",
	    p->subscription, "keys", p->keys);

	if (doc == NULL)
		return err_nomem(e);
	if (p->has_secrets && add_secrets(p, doc, e) != 0)
		return -1;
	*ret = TAKE(doc);
	return 0;
}
