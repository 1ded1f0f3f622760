/* keys.c - see keys.h. */
#include "vault/keys.h"

#include "vault/wire.h"

int keys_derive(const uint8_t vault[32], const uint8_t vault_id[VAULT_ID_SIZE],
    struct vault_keys *ret, struct err *e)
{
	memcpy(ret->vault, vault, sizeof(ret->vault));
	memcpy(ret->vault_id, vault_id, VAULT_ID_SIZE);
	if (hkdf_sha256(vault, 32, vault_id, VAULT_ID_SIZE, STR("holdfast config"), ret->config,
		32, e) != 0 ||
	    hkdf_sha256(vault, 32, vault_id, VAULT_ID_SIZE, STR("holdfast chunk id"),
		ret->data_id, 32, e) != 0 ||
	    hkdf_sha256(vault, 32, vault_id, VAULT_ID_SIZE, STR("holdfast map id"), ret->map_id,
		32, e) != 0 ||
	    hkdf_sha256(vault, 32, vault_id, VAULT_ID_SIZE, STR("holdfast item"), ret->item, 32,
		e) != 0) {
		keys_wipe(ret);
		return -1;
	}
	return 0;
}

void keys_wipe(struct vault_keys *k)
{
	crypto_wipe(k, sizeof(*k));
}

int keys_check(const struct vault_keys *k, const uint8_t head[CONFIG_SIGNED], uint8_t ret[32],
    struct err *e)
{
	return hmac_sha256(k->config, sizeof(k->config), head, CONFIG_SIGNED, ret, e);
}

static int derive_aead(const struct vault_keys *k, const uint8_t salt[16], struct str info,
    struct aead **ret, struct err *e)
{
	uint8_t key[AEAD_KEY_SIZE];
	int r;

	if (hkdf_sha256(k->vault, sizeof(k->vault), salt, 16, info, key, sizeof(key), e) != 0)
		return -1;
	r = aead_new(key, ret, e);
	crypto_wipe(key, sizeof(key));
	return r;
}

int keys_pack(const struct vault_keys *k, const uint8_t pack_id[PACK_ID_SIZE], struct aead **ret,
    struct err *e)
{
	return derive_aead(k, pack_id, STR("holdfast pack"), ret, e);
}

int keys_sealed(const struct vault_keys *k, const uint8_t salt[16], const char *info,
    struct aead **ret, struct err *e)
{
	return derive_aead(k, salt, str_c(info), ret, e);
}

void keys_nonce(uint32_t number, uint8_t ret[AEAD_NONCE_SIZE])
{
	memset(ret, 0, AEAD_NONCE_SIZE);
	(void)wr_le(ret, number, 4);
}
