/* sealed.c - see sealed.h. */
#include "vault/sealed.h"

#include "base/codec.h"

static void aead_p(struct aead **a)
{
	aead_free(*a);
}
#define auto_aead cleanup_with(aead_p)

/* The object's name is associated data: copied to another name it does not open. */
static int add_aad(struct buf *aad, const uint8_t header[SEALED_HEADER_SIZE], const char *name,
    struct err *e)
{
	buf_add(aad, header, SEALED_HEADER_SIZE);
	buf_adds(aad, name);
	return buf_ok(aad, e);
}

int sealed_make(struct vault *v, const struct sealed_kind *k, const char *name, struct buf *plain,
    struct buf *out, struct err *e)
{
	uint8_t salt[16], header[SEALED_HEADER_SIZE], nonce[AEAD_NONCE_SIZE], tag[AEAD_TAG_SIZE];
	auto_aead struct aead *a = NULL;
	auto_buf struct buf aad = { 0 };

	random_bytes(salt, sizeof(salt));
	sealed_header_write(k->magic, salt, header);
	keys_nonce(0, nonce);
	if (buf_ok(plain, e) != 0 || add_aad(&aad, header, name, e) != 0 ||
	    keys_sealed(&v->keys, salt, k->key_info, &a, e) != 0 ||
	    aead_seal(a, nonce, aad.p, aad.n, plain->p, plain->n, plain->p, tag, e) != 0)
		return -1;
	buf_add(out, header, sizeof(header));
	buf_add(out, plain->p, plain->n);
	buf_add(out, tag, sizeof(tag));
	return buf_ok(out, e);
}

static int unseal(struct vault *v, const struct sealed_kind *k, const char *name, struct buf *b,
    struct str *ret, struct err *e)
{
	uint8_t *p = (uint8_t *)b->p, salt[16], nonce[AEAD_NONCE_SIZE];
	auto_aead struct aead *a = NULL;
	auto_buf struct buf aad = { 0 };
	size_t n;

	if (b->n < SEALED_HEADER_SIZE + AEAD_TAG_SIZE)
		return err_set(e, ERR_CORRUPT, "%zu bytes are no %s", b->n, k->what);
	n = b->n - SEALED_HEADER_SIZE - AEAD_TAG_SIZE;
	keys_nonce(0, nonce);
	if (sealed_header_parse(k->magic, k->what, p, b->n, salt, e) != 0 ||
	    add_aad(&aad, p, name, e) != 0 || keys_sealed(&v->keys, salt, k->key_info, &a, e) != 0)
		return -1;
	p += SEALED_HEADER_SIZE;
	if (aead_open(a, nonce, aad.p, aad.n, p, n, p, p + n, e) != 0)
		return -1;
	*ret = (struct str){ (const char *)p, n };
	return 0;
}

int sealed_get(struct vault *v, const struct sealed_kind *k, const char *name, size_t max,
    struct buf *b, struct str *ret, struct err *e)
{
	if (object_get_all(v->store, name, max, b, e) != 0) {
		if (e->kind == ERR_INVALID)
			e->kind = ERR_CORRUPT;
		return -1;
	}
	return unseal(v, k, name, b, ret, e) != 0 ? err_in(e, "object '%s'", name) : 0;
}
