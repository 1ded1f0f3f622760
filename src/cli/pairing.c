/* pairing.c - reading what another server says of itself.  See pairing.h. */
#include "cli/pairing.h"

#include <ctype.h>
#include <stdio.h>

#include "base/fs.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"

#define FILE_MAX (1 << 20)
#define KEYS_MAX 16
#define PRINCIPALS_MAX 1000

void pairing_done(struct pairing *p)
{
	json_decref(p->keys);
	free(p->principals);
	free(p->credentials);
	crypto_wipe(p, sizeof(*p));
}

/* A text that fits and has no control characters. */
static int text(const json_t *j, const char *key, char *ret, size_t size, struct err *e)
{
	const char *value = "";

	if (jneed_str(j, key, &value, e) != 0)
		return -1;
	if (strlen(value) >= size)
		return err_set(e, ERR_INVALID, "%s: longer than %zu bytes", key, size - 1);
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(e, ERR_INVALID, "%s: holds a control character", key);
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}

static int guid(const json_t *j, const char *key, char ret[GUID_SIZE], struct err *e)
{
	if (text(j, key, ret, GUID_SIZE, e) != 0)
		return -1;
	if (!guid_valid(str_c(ret)))
		return err_set(e, ERR_INVALID, "%s: '%s' is no GUID", key, ret);
	for (char *c = ret; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static int region(const json_t *j, const char *key, bool is_optional, char ret[PAIRING_REGION_SIZE],
    struct err *e)
{
	if (text(j, key, ret, PAIRING_REGION_SIZE, e) != 0)
		return -1;
	return region_name_valid(ret) || (is_optional && *ret == '\0') ? 0 :
	    err_set(e, ERR_INVALID, "%s: '%s' is not a region's name", key, ret);
}

static void jwt_key_p(struct jwt_key **k)
{
	jwt_key_free(*k);
}

/* Only what a public RSA key has: no private member that came along by mistake is kept.  A key that a
 * server cannot read would keep it from starting. */
static int add_key(json_t *keys, const json_t *j, struct err *e)
{
	cleanup_with(jwt_key_p) struct jwt_key *usable = NULL;
	const char *kty, *kid, *n, *exponent;

	if (jneed_str(j, "kty", &kty, e) != 0 || jneed_str(j, "kid", &kid, e) != 0 ||
	    jneed_str(j, "n", &n, e) != 0 || jneed_str(j, "e", &exponent, e) != 0)
		return -1;
	if (strcmp(kty, "RSA") != 0)
		return err_set(e, ERR_INVALID, "kty: '%.40s' is not RSA", kty);
	if (jwt_key_public(j, &usable, e) != 0)
		return -1;
	if (json_array_append_new(keys, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "kty", kty, "use",
	    "sig", "alg", "RS256", "kid", kid, "n", n, "e", exponent)) != 0)
		return err_nomem(e);
	return 0;
}

static int read_keys(const json_t *doc, json_t **ret, struct err *e)
{
	auto_json json_t *keys = json_array();
	json_t *list = NULL, *key;
	size_t i;

	if (keys == NULL)
		return err_nomem(e);
	if (jget_arr(doc, "keys", &list, e) < 0)
		return -1;
	if (json_array_size(list) < 1 || json_array_size(list) > KEYS_MAX)
		return err_set(e, ERR_INVALID, "keys: %zu of them, wanted are 1 to %d",
		    json_array_size(list), KEYS_MAX);
	json_array_foreach(list, i, key)
		if (add_key(keys, key, e) != 0)
			return err_in(e, "keys[%zu]", i);
	*ret = TAKE(keys);
	return 0;
}

static int read_credential(const json_t *j, struct credential *k, struct err *e)
{
	const char *kind = "";

	if (guid(j, "id", k->id, e) != 0 || jneed_str(j, "kind", &kind, e) != 0 ||
	    jget_int(j, "createdUs", &k->created_us, e) < 0 ||
	    jget_int(j, "expiresUs", &k->expires_us, e) < 0)
		return -1;
	if (!credential_kind_find(kind, &k->kind))
		return err_set(e, ERR_INVALID, "kind: '%.40s' is no kind of credential", kind);
	for (const struct credential_text *t = credential_texts; t->name != NULL; t++)
		if (jat(j, t->name) != NULL &&
		    text(j, t->name, (char *)k + t->offset, t->size, e) != 0)
			return -1;
	return 0;
}

static int read_credentials(const json_t *j, struct pairing *p, const char *client_id,
    struct err *e)
{
	json_t *list = NULL, *one;
	struct credential *more;
	size_t i;

	if (jget_arr(j, "credentials", &list, e) < 0)
		return -1;
	if (json_array_size(list) > CREDENTIALS_MAX)
		return err_set(e, ERR_INVALID, "credentials: more than %d", CREDENTIALS_MAX);
	more = reallocarray(p->credentials, p->credential_count + json_array_size(list) + 1,
	    sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	p->credentials = more;
	json_array_foreach(list, i, one) {
		struct credential *k = &p->credentials[p->credential_count];

		*k = (struct credential){ 0 };
		(void)snprintf(k->client_id, sizeof(k->client_id), "%s", client_id);
		if (read_credential(one, k, e) != 0)
			return err_in(e, "credentials[%zu]", i);
		p->credential_count++;
	}
	return 0;
}

static int read_principal(const json_t *j, struct pairing *p, struct principal *who, struct err *e)
{
	if (guid(j, "clientId", who->client_id, e) != 0 ||
	    guid(j, "objectId", who->object_id, e) != 0 ||
	    text(j, "name", who->name, sizeof(who->name), e) != 0 ||
	    text(j, "role", who->role, sizeof(who->role), e) != 0)
		return -1;
	return read_credentials(j, p, who->client_id, e);
}

static int read_principals(const json_t *secrets, struct pairing *p, struct err *e)
{
	json_t *list = NULL, *one;
	bool has_admin = false;
	size_t i;

	if (jget_arr(secrets, "principals", &list, e) < 0)
		return -1;
	if (json_array_size(list) > PRINCIPALS_MAX)
		return err_set(e, ERR_INVALID, "principals: more than %d", PRINCIPALS_MAX);
	p->principals = calloc(json_array_size(list) + 1, sizeof(*p->principals));
	if (p->principals == NULL)
		return err_nomem(e);
	json_array_foreach(list, i, one) {
		if (read_principal(one, p, &p->principals[i], e) != 0)
			return err_in(e, "principals[%zu]", i);
		has_admin |= str_ieq(str_c(p->principals[i].client_id), str_c(p->admin));
		p->count++;
	}
	return has_admin ? 0 : err_set(e, ERR_INVALID,
	    "principals: the administrator '%s' is not among them", p->admin);
}

static int read_secrets(const json_t *secrets, struct pairing *p, struct err *e)
{
	const char *hex = "";

	if (jneed_str(secrets, "pairKey", &hex, e) != 0)
		return -1;
	if (strlen(hex) != 64 || hex_decode(str_c(hex), p->pair_key, sizeof(p->pair_key)) != 32)
		return err_set(e, ERR_INVALID, "pairKey: not 64 hex digits");
	if (guid(secrets, "administrator.clientId", p->admin, e) != 0 ||
	    text(secrets, "administrator.clientSecret", p->admin_secret,
	    sizeof(p->admin_secret), e) != 0)
		return -1;
	p->has_secrets = true;
	return read_principals(secrets, p, e);
}

static int read_all(const json_t *doc, struct pairing *p, struct err *e)
{
	json_t *secrets = NULL;
	int64_t version = 0;
	int found;

	if (jget_int(doc, "version", &version, e) < 0)
		return -1;
	if (version != 2)
		return err_set(e, ERR_INVALID, "version: not 2, which is the one that this program "
		    "knows; 'holdfast region export' makes such files");
	if (region(doc, "region", false, p->region, e) != 0 ||
	    region(doc, "pair", true, p->pair, e) != 0 ||
	    text(doc, "server", p->server, sizeof(p->server), e) != 0 ||
	    guid(doc, "tenant", p->tenant, e) != 0 ||
	    guid(doc, "subscription", p->subscription, e) != 0 || read_keys(doc, &p->keys, e) != 0)
		return -1;
	if (!server_url_valid(p->server))
		return err_set(e, ERR_INVALID, "server: '%.100s' is not a server's URL", p->server);
	found = jget_obj(doc, "secrets", &secrets, e);
	if (found > 0 && read_secrets(secrets, p, e) != 0)
		return err_in(e, "secrets");
	return found < 0 ? -1 : 0;
}

int pairing_parse(struct str in, struct pairing *ret, struct err *e)
{
	auto_json json_t *doc = NULL;
	auto_pairing struct pairing p = { 0 };

	if (jparse(in, &doc, e) != 0 || read_all(doc, &p, e) != 0)
		return -1;
	*ret = p;
	p = (struct pairing){ 0 };
	return 0;
}

int pairing_load(const char *file, struct pairing *ret, struct err *e)
{
	auto_buf struct buf in = { 0 };
	int r;

	if (fs_read_all(strcmp(file, "-") == 0 ? "/dev/stdin" : file, FILE_MAX, &in, e) != 0)
		return -1;
	r = pairing_parse(buf_str(&in), ret, e);
	crypto_wipe(in.p, in.cap);
	return r == 0 ? 0 : err_in(e, "'%s'", file);
}

int pairing_keep_keys(const struct pairing *p, const char *dir, struct err *e)
{
	auto_buf struct buf out = { 0 };
	auto_json json_t *set = json_pack("{s:O}", "keys", p->keys);
	char peers[PATH_MAX], path[PATH_MAX];

	if (set == NULL)
		return err_nomem(e);
	if (snprintf(peers, sizeof(peers), "%s/keys/peers", dir) >= (int)sizeof(peers) ||
	    snprintf(path, sizeof(path), "%s/%s.json", peers, p->region) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	if (jdump(set, &out, e) != 0 || fs_mkdirs(peers, 0700, e) != 0)
		return -1;
	return fs_write_atomic(path, out.p, out.n, 0600, e);
}
