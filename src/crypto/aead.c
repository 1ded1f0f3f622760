/* aead.c - AES-256-GCM.  See crypto.h. */
#include "crypto/crypto.h"

#include <openssl/evp.h>

#include "crypto/lib.h"

/* The library counts in int. */
#define PIECE_MAX ((size_t)1 << 30)

enum direction { OPEN, SEAL };	/* as EVP_CipherInit_ex() wants them */

struct aead {
	EVP_CIPHER_CTX *ctx;	/* holds the key schedule; a nonce is set per message */
};

int aead_new(const uint8_t key[AEAD_KEY_SIZE], struct aead **ret, struct err *e)
{
	struct aead *a = malloc(sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	a->ctx = EVP_CIPHER_CTX_new();
	if (a->ctx == NULL ||
	    EVP_CipherInit_ex(a->ctx, EVP_aes_256_gcm(), NULL, key, NULL, SEAL) != 1) {
		aead_free(a);
		return crypto_err(e, "preparing AES-256-GCM");
	}
	*ret = a;
	return 0;
}

void aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->ctx);
	free(a);
}

/* `out` NULL: `p` is associated data. */
static bool update(EVP_CIPHER_CTX *ctx, const void *p, size_t n, void *out)
{
	const uint8_t *in = p;
	uint8_t *to = out;

	while (n > 0) {
		size_t piece = n < PIECE_MAX ? n : PIECE_MAX;
		int done;

		if (EVP_CipherUpdate(ctx, to, &done, in, (int)piece) != 1)
			return false;
		in += piece;
		if (to != NULL)
			to += piece;
		n -= piece;
	}
	return true;
}

static bool begin(struct aead *a, enum direction way, const uint8_t *nonce, const void *aad,
    size_t aad_n)
{
	return EVP_CipherInit_ex(a->ctx, NULL, NULL, NULL, nonce, (int)way) == 1 &&
	       update(a->ctx, aad, aad_n, NULL);
}

int aead_seal(struct aead *a, const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad, size_t aad_n,
    const void *p, size_t n, void *out, uint8_t *tag, struct err *e)
{
	uint8_t none[16];
	int done;

	if (!begin(a, SEAL, nonce, aad, aad_n) || !update(a->ctx, p, n, out) ||
	    EVP_CipherFinal_ex(a->ctx, none, &done) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, tag) != 1)
		return crypto_err(e, "sealing with AES-256-GCM");
	return 0;
}

int aead_open(struct aead *a, const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad, size_t aad_n,
    const void *p, size_t n, void *out, const uint8_t *tag, struct err *e)
{
	uint8_t none[16], want[AEAD_TAG_SIZE];
	int done;

	memcpy(want, tag, sizeof(want));
	if (!begin(a, OPEN, nonce, aad, aad_n) || !update(a->ctx, p, n, out) ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, want) != 1)
		return crypto_err(e, "opening with AES-256-GCM");
	if (EVP_CipherFinal_ex(a->ctx, none, &done) != 1) {
		(void)crypto_err(e, "");	/* empties the library's queue */
		return err_set(e, ERR_CORRUPT, "sealed data was changed or is under another key");
	}
	return 0;
}
