/* document.c - small sealed documents beside the points; see copy.h.
 *
 * "documents/<hash of the key>": the key itself is inside, so that a listing can tell it. */
#include <stdio.h>

#include "base/codec.h"
#include "vault/copy.h"
#include "vault/sealed.h"

#define PREFIX "documents/"
#define NAME_SIZE (sizeof(PREFIX) - 1 + HEX_SIZE(SHA256_SIZE))
#define DOCUMENT_MAX ((size_t)4 << 20)

static const struct sealed_kind document_kind = { "HFDOCUM", "holdfast document", "document" };

static int make_name(struct vault *v, const char *key, char out[NAME_SIZE], struct err *e)
{
	uint8_t h[SHA256_SIZE];

	if (hmac_sha256(v->keys.item, sizeof(v->keys.item), key, strlen(key), h, e) != 0)
		return -1;
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	(void)hex_encode(h, sizeof(h), out + sizeof(PREFIX) - 1);
	return 0;
}

int vault_document_put(struct vault *v, const char *key, const json_t *doc, struct err *e)
{
	auto_buf struct buf plain = { 0 }, out = { 0 };
	auto_json json_t *whole = json_pack("{s:s, s:O}", "key", key, "doc", doc);
	char name[NAME_SIZE];

	if (whole == NULL)
		return err_nomem(e);
	if (vault_lock_writer(v, e) != 0 || make_name(v, key, name, e) != 0 ||
	    jdump(whole, &plain, e) != 0 ||
	    sealed_make(v, &document_kind, name, &plain, &out, e) != 0)
		return -1;
	return object_put(v->store, name, out.p, out.n, e);
}

static int load(struct vault *v, const char *name, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	auto_json json_t *whole = NULL;
	struct str plain;

	if (sealed_get(v, &document_kind, name, DOCUMENT_MAX, &b, &plain, e) != 0)
		return -1;
	if (jparse(plain, &whole, e) != 0 || jat(whole, "key") == NULL || jat(whole, "doc") == NULL)
		return err_set(e, ERR_CORRUPT, "object '%s' is no document", name);
	*ret = TAKE(whole);
	return 0;
}

int vault_document_get(struct vault *v, const char *key, json_t **ret, struct err *e)
{
	auto_json json_t *whole = NULL;
	char name[NAME_SIZE];

	if (make_name(v, key, name, e) != 0)
		return -1;
	if (load(v, name, &whole, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	*ret = json_incref(json_object_get(whole, "doc"));
	return 1;
}

int vault_document_delete(struct vault *v, const char *key, struct err *e)
{
	char name[NAME_SIZE];

	if (vault_lock_writer(v, e) != 0 || make_name(v, key, name, e) != 0)
		return -1;
	return object_del(v->store, name, e);
}

struct listing {
	struct vault *v;
	vault_document_fn *fn;
	void *arg;
};

static int list_one(void *arg, const struct object_info *info, struct err *e)
{
	struct listing *l = arg;
	auto_json json_t *whole = NULL;
	struct err why = { 0 };

	if (load(l->v, info->name, &whole, &why) == 0)
		return l->fn(l->arg, jstr(whole, "key", ""), json_object_get(whole, "doc"), e);
	if (why.kind == ERR_NOT_FOUND || why.kind == ERR_CORRUPT)
		return 0;
	*e = why;
	return -1;
}

int vault_document_list(struct vault *v, vault_document_fn *fn, void *arg, struct err *e)
{
	struct listing l = { v, fn, arg };

	return object_list(v->store, PREFIX, list_one, &l, e);
}
