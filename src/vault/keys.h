/* keys.h - everything that is derived from a vault's key.  docs/format.md, "Keys". */
#ifndef VAULT_KEYS_H
#define VAULT_KEYS_H

#include "crypto/crypto.h"
#include "vault/format.h"

struct vault_keys {
	uint8_t vault[32];
	uint8_t vault_id[VAULT_ID_SIZE];
	uint8_t config[32], data_id[32], map_id[32], item[32];
};

must_check int keys_derive(const uint8_t vault[32], const uint8_t vault_id[VAULT_ID_SIZE],
    struct vault_keys *ret, struct err *e);
void keys_wipe(struct vault_keys *k);

/* The key check in a vault's config, over the bytes before it. */
must_check int keys_check(const struct vault_keys *k, const uint8_t head[CONFIG_SIGNED],
    uint8_t ret[32], struct err *e);

/* The cipher of one pack, and of one sealed object whose kind is `info`. */
must_check int keys_pack(const struct vault_keys *k, const uint8_t pack_id[PACK_ID_SIZE],
    struct aead **ret, struct err *e);
must_check int keys_sealed(const struct vault_keys *k, const uint8_t salt[16], const char *info,
    struct aead **ret, struct err *e);

/* The nonce of record `number` of a pack. */
void keys_nonce(uint32_t number, uint8_t ret[AEAD_NONCE_SIZE]);

#endif
