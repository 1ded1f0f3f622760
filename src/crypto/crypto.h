/* crypto.h - hashes, keyed hashes, key derivation, AEAD and secret hashing.
 *
 * src/crypto/ is the only place that names OpenSSL and cjose.  Algorithms:
 * SHA-256 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869), AES-256-GCM
 * (SP 800-38D), scrypt (RFC 7914).  All functions may be called from any
 * thread; one `struct aead` serves one thread at a time. */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include "base/base.h"
#include "base/buf.h"

#define SHA256_SIZE 32
#define AEAD_KEY_SIZE 32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16

must_check int sha256(const void *p, size_t n, uint8_t ret[SHA256_SIZE], struct err *e);
must_check int hmac_sha256(const void *key, size_t key_n, const void *p, size_t n,
    uint8_t ret[SHA256_SIZE], struct err *e);

/* A keyed hash used many times: the key schedule is done once.  Threads may share one. */
struct hmac;
must_check int hmac_new(const void *key, size_t key_n, struct hmac **ret, struct err *e);
void hmac_free(struct hmac *h);
must_check int hmac_once(struct hmac *h, const void *p, size_t n, uint8_t ret[SHA256_SIZE],
    struct err *e);

/* HKDF-SHA-256: `n` bytes derived from `key` with `salt` and the label `info`. */
must_check int hkdf_sha256(const void *key, size_t key_n, const void *salt, size_t salt_n,
    struct str info, void *ret, size_t n, struct err *e);

/* AES-256-GCM under one key.  Sealing with the same nonce twice under one key
 * is a programmer's error that gives the key away: callers derive a key per
 * pack and count records. */
struct aead;
must_check int aead_new(const uint8_t key[AEAD_KEY_SIZE], struct aead **ret, struct err *e);
void aead_free(struct aead *a);
/* out: n bytes, may equal p; tag: AEAD_TAG_SIZE bytes. */
must_check int aead_seal(struct aead *a, const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad,
    size_t aad_n, const void *p, size_t n, void *out, uint8_t *tag, struct err *e);
/* ERR_CORRUPT if the tag does not match; `out` then holds nothing usable. */
must_check int aead_open(struct aead *a, const uint8_t nonce[AEAD_NONCE_SIZE], const void *aad,
    size_t aad_n, const void *p, size_t n, void *out, const uint8_t *tag, struct err *e);

/* Equality in constant time. */
bool crypto_equal(const void *a, const void *b, size_t n);
void crypto_wipe(void *p, size_t n);

/* A new client secret, 43 random characters, is appended to *ret; the caller wipes it.  It never begins
 * with '-': command lines, az's among them, would take it for an option. */
must_check int secret_new(struct buf *ret, struct err *e);

/* Client secrets at rest: "scrypt$N$r$p$salt$hash", made and checked. */
must_check int secret_hash(struct str secret, struct buf *ret, struct err *e);
must_check int secret_check(struct str secret, const char *hashed, bool *ret_match, struct err *e);

/* A 32-byte key in a file of its own (64 hex digits and a newline, mode 0600).
 * Loading refuses a file that others may read. */
must_check int key_file_create(const char *path, uint8_t ret[32], struct err *e);
must_check int key_file_load(const char *path, uint8_t ret[32], struct err *e);
/* Keep `key` there in place of what was: whole or not at all. */
must_check int key_file_put(const char *path, const uint8_t key[32], struct err *e);

/* Wrap a 32-byte key under a master key (AES-256-GCM with random nonce, `label` as associated
 * data): 60 bytes.  Opening with another master key or label is ERR_DENIED. */
#define WRAPPED_KEY_SIZE (AEAD_NONCE_SIZE + 32 + AEAD_TAG_SIZE)
must_check int key_wrap(const uint8_t master[32], struct str label, const uint8_t key[32],
    uint8_t ret[WRAPPED_KEY_SIZE], struct err *e);
must_check int key_unwrap(const uint8_t master[32], struct str label,
    const uint8_t wrapped[WRAPPED_KEY_SIZE], uint8_t ret[32], struct err *e);

#endif
