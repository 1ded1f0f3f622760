/* hash.c - SHA-256, HMAC and HKDF.  See crypto.h. */
#include "crypto/crypto.h"

#include <limits.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include "crypto/lib.h"

struct hmac {
	EVP_MAC_CTX *keyed;	/* never updated itself: every hash works on a copy */
};

static void mac_p(EVP_MAC **m)
{
	EVP_MAC_free(*m);
}

static void mac_ctx_p(EVP_MAC_CTX **c)
{
	EVP_MAC_CTX_free(*c);
}

static void kdf_p(EVP_KDF **k)
{
	EVP_KDF_free(*k);
}

static void kdf_ctx_p(EVP_KDF_CTX **c)
{
	EVP_KDF_CTX_free(*c);
}

/* Parameters take non-const pointers, but the library only reads through them. */
static OSSL_PARAM octets(const char *name, const void *p, size_t n)
{
	union {
		const void *in;
		void *out;
	} u = { .in = n > 0 ? p : "" };

	return OSSL_PARAM_construct_octet_string(name, u.out, n);
}

static OSSL_PARAM digest_name(void)
{
	static char name[] = "SHA256";

	return OSSL_PARAM_construct_utf8_string("digest", name, 0);
}

int sha256(const void *p, size_t n, uint8_t ret[SHA256_SIZE], struct err *e)
{
	if (SHA256(n > 0 ? p : (const void *)"", n, ret) == NULL)
		return crypto_err(e, "hashing with SHA-256");
	return 0;
}

int hmac_sha256(const void *key, size_t key_n, const void *p, size_t n, uint8_t ret[SHA256_SIZE],
    struct err *e)
{
	if (key_n > INT_MAX)
		return err_set(e, ERR_INVALID, "HMAC key of %zu bytes is too long", key_n);
	if (HMAC(EVP_sha256(), key_n > 0 ? key : "", (int)key_n, n > 0 ? p : (const void *)"", n,
		ret, NULL) == NULL)
		return crypto_err(e, "computing HMAC-SHA-256");
	return 0;
}

int hmac_new(const void *key, size_t key_n, struct hmac **ret, struct err *e)
{
	cleanup_with(mac_p) EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	cleanup_with(mac_ctx_p) EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
	const OSSL_PARAM params[] = { digest_name(), OSSL_PARAM_construct_end() };
	struct hmac *h;

	if (ctx == NULL ||
	    EVP_MAC_init(ctx, key_n > 0 ? key : (const void *)"", key_n, params) != 1)
		return crypto_err(e, "preparing HMAC-SHA-256");
	h = malloc(sizeof(*h));
	if (h == NULL)
		return err_nomem(e);
	h->keyed = TAKE(ctx);
	*ret = h;
	return 0;
}

void hmac_free(struct hmac *h)
{
	if (h == NULL)
		return;
	EVP_MAC_CTX_free(h->keyed);
	free(h);
}

int hmac_once(struct hmac *h, const void *p, size_t n, uint8_t ret[SHA256_SIZE], struct err *e)
{
	cleanup_with(mac_ctx_p) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(h->keyed);
	size_t got = 0;

	if (ctx == NULL || (n > 0 && EVP_MAC_update(ctx, p, n) != 1) ||
	    EVP_MAC_final(ctx, ret, &got, SHA256_SIZE) != 1 || got != SHA256_SIZE)
		return crypto_err(e, "computing HMAC-SHA-256");
	return 0;
}

int hkdf_sha256(const void *key, size_t key_n, const void *salt, size_t salt_n, struct str info,
    void *ret, size_t n, struct err *e)
{
	cleanup_with(kdf_p) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	cleanup_with(kdf_ctx_p) EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	const OSSL_PARAM params[] = {
		digest_name(),
		octets(OSSL_KDF_PARAM_KEY, key, key_n),
		octets(OSSL_KDF_PARAM_SALT, salt, salt_n),
		octets(OSSL_KDF_PARAM_INFO, info.p, info.n),
		OSSL_PARAM_construct_end(),
	};

	if (ctx == NULL || EVP_KDF_derive(ctx, ret, n, params) != 1)
		return crypto_err(e, "deriving a key with HKDF-SHA-256");
	return 0;
}
