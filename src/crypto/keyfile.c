/* keyfile.c - keys in files, and keys wrapped by keys.  See crypto.h. */
#include "crypto/crypto.h"

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/file.h"

#define KEY_SIZE 32

static void key_text(const uint8_t key[KEY_SIZE], char ret[HEX_SIZE(KEY_SIZE)])
{
	(void)hex_encode(key, KEY_SIZE, ret);
	ret[HEX_SIZE(KEY_SIZE) - 1] = '\n';
}

int key_file_put(const char *path, const uint8_t key[KEY_SIZE], struct err *e)
{
	char text[HEX_SIZE(KEY_SIZE)];
	int rc;

	key_text(key, text);
	rc = fs_write_atomic(path, text, sizeof(text), 0600, e);
	crypto_wipe(text, sizeof(text));
	return rc;
}

int key_file_create(const char *path, uint8_t ret[32], struct err *e)
{
	char text[HEX_SIZE(KEY_SIZE)];
	uint8_t key[KEY_SIZE];
	int rc;

	random_bytes(key, sizeof(key));
	key_text(key, text);
	rc = crypto_file_new(path, text, HEX_SIZE(KEY_SIZE), 0600, e);
	if (rc == 0)
		memcpy(ret, key, sizeof(key));
	crypto_wipe(text, sizeof(text));
	crypto_wipe(key, sizeof(key));
	return rc;
}

int key_file_load(const char *path, uint8_t ret[32], struct err *e)
{
	auto_secret_buf struct buf b = { 0 };
	struct str text;
	uint8_t key[KEY_SIZE];

	if (crypto_file_private(path, 4096, &b, e) != 0)
		return err_in(e, "loading a key");
	text = buf_str(&b);
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (text.n != HEX_SIZE(KEY_SIZE) - 1 || hex_decode(text, key, sizeof(key)) != KEY_SIZE)
		return err_set(e, ERR_CORRUPT, "key file '%s' does not hold 64 hex digits", path);
	memcpy(ret, key, sizeof(key));
	crypto_wipe(key, sizeof(key));
	return 0;
}

static void aead_p(struct aead **a)
{
	aead_free(*a);
}

int key_wrap(const uint8_t master[32], struct str label, const uint8_t key[32],
    uint8_t ret[WRAPPED_KEY_SIZE], struct err *e)
{
	cleanup_with(aead_p) struct aead *a = NULL;
	uint8_t out[WRAPPED_KEY_SIZE];

	random_bytes(out, AEAD_NONCE_SIZE);
	if (aead_new(master, &a, e) != 0 ||
	    aead_seal(a, out, label.p, label.n, key, KEY_SIZE, out + AEAD_NONCE_SIZE,
	        out + AEAD_NONCE_SIZE + KEY_SIZE, e) != 0)
		return err_in(e, "wrapping the key of '" STR_F "'", STR_A(label));
	memcpy(ret, out, sizeof(out));
	return 0;
}

int key_unwrap(const uint8_t master[32], struct str label, const uint8_t wrapped[WRAPPED_KEY_SIZE],
    uint8_t ret[32], struct err *e)
{
	cleanup_with(aead_p) struct aead *a = NULL;
	uint8_t key[KEY_SIZE];

	if (aead_new(master, &a, e) != 0)
		return -1;
	if (aead_open(a, wrapped, label.p, label.n, wrapped + AEAD_NONCE_SIZE, KEY_SIZE, key,
	        wrapped + AEAD_NONCE_SIZE + KEY_SIZE, e) != 0) {
		if (e->kind != ERR_CORRUPT)
			return -1;
		return err_set(e, ERR_DENIED,
		    "unwrapping the key of '" STR_F "': not wrapped by this master key",
		    STR_A(label));
	}
	memcpy(ret, key, sizeof(key));
	crypto_wipe(key, sizeof(key));
	return 0;
}
