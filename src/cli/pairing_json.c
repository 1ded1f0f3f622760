/* pairing_json.c - saying what pairing.c reads.  See pairing.h. */
#include "cli/pairing.h"
#include "crypto/crypto.h"

static int add_principals(const struct pairing *p, json_t *list, struct err *e)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct principal *who = &p->principals[i];

		if (json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s}", "clientId",
		    who->client_id, "objectId", who->object_id, "name", who->name, "role",
		    who->role, "secret", who->secret)) != 0)
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
	auto_json json_t *doc = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:O}", "version", 1, "region",
	    p->region, "pair", p->pair, "server", p->server, "tenant", p->tenant, "subscription",
	    p->subscription, "keys", p->keys);

	if (doc == NULL)
		return err_nomem(e);
	if (p->has_secrets && add_secrets(p, doc, e) != 0)
		return -1;
	*ret = TAKE(doc);
	return 0;
}
