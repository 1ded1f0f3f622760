/* t_crypto.c - primitives against published vectors; keys in files, wrapped keys, certificates. */
#include "t.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "crypto/x509.h"

#define BYTES_MAX 256

struct bytes {
	uint8_t p[BYTES_MAX];
	size_t n;
};

static struct bytes unhex(const char *text)
{
	struct bytes b = { .n = strlen(text) / 2 };

	assert_int_equal(hex_decode(str_c(text), b.p, sizeof(b.p)), (int)b.n);
	return b;
}

static void assert_hex(const void *p, size_t n, const char *want)
{
	char got[HEX_SIZE(BYTES_MAX)];

	assert_true(n <= BYTES_MAX);
	assert_string_equal(hex_encode(p, n, got), want);
}

static struct bytes repeated(uint8_t c, size_t n)
{
	struct bytes b = { .n = n };

	memset(b.p, c, n);
	return b;
}

static struct bytes text(const char *z)
{
	struct bytes b = { .n = strlen(z) };

	memcpy(b.p, z, b.n);
	return b;
}

static char dir[] = "/tmp/t_crypto.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
	char cmd[64];

	(void)state;
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

static const char *in_dir(const char *name, char out[128])
{
	(void)snprintf(out, 128, "%s/%s", dir, name);
	return out;
}

static void sha256_matches_fips_180(void **state)
{
	uint8_t got[SHA256_SIZE];
	struct err e;

	(void)state;
	OK(sha256(NULL, 0, got, &e));
	assert_hex(got, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	OK(sha256("abc", 3, got, &e));
	assert_hex(got, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hmac_matches_rfc_4231(void **state)
{
	const struct {
		struct bytes key, data;
		const char *want;
	} rows[] = {
		{ repeated(0x0b, 20), text("Hi There"),
		    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ text("Jefe"), text("what do ya want for nothing?"),
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ repeated(0xaa, 20), repeated(0xdd, 50),
		    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
		{ unhex("0102030405060708090a0b0c0d0e0f10111213141516171819"), repeated(0xcd, 50),
		    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
		{ repeated(0xaa, 131),
		    text("Test Using Larger Than Block-Size Key - Hash Key First"),
		    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ repeated(0xaa, 131),
		    text("This is a test using a larger than block-size key and a larger than "
			 "block-size data. "
			 "The key needs to be hashed before being used by the HMAC algorithm."),
		    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};
	uint8_t got[SHA256_SIZE];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hmac *h;

		OK(hmac_sha256(
		    rows[i].key.p, rows[i].key.n, rows[i].data.p, rows[i].data.n, got, &e));
		assert_hex(got, 32, rows[i].want);
		OK(hmac_new(rows[i].key.p, rows[i].key.n, &h, &e));
		for (int again = 0; again < 2; again++) {
			memset(got, 0, sizeof(got));
			OK(hmac_once(h, rows[i].data.p, rows[i].data.n, got, &e));
			assert_hex(got, 32, rows[i].want);
		}
		hmac_free(h);
	}
	OK(hmac_sha256(NULL, 0, NULL, 0, got, &e));
	assert_hex(got, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void *hash_many(void *arg)
{
	struct hmac *h = arg;
	uint8_t got[SHA256_SIZE];
	char hex[HEX_SIZE(SHA256_SIZE)];
	struct err e;

	for (int i = 0; i < 500; i++)
		if (hmac_once(h, "what do ya want for nothing?", 28, got, &e) != 0 ||
		    strcmp(hex_encode(got, 32, hex),
		        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843") != 0)
			return h;
	return NULL;
}

static void threads_may_share_an_hmac(void **state)
{
	pthread_t t[3];
	struct hmac *h;
	struct err e;

	(void)state;
	OK(hmac_new("Jefe", 4, &h, &e));
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, hash_many, h), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *bad;

		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
	hmac_free(h);
	hmac_free(NULL);
}

static void hkdf_matches_rfc_5869(void **state)
{
	const struct {
		const char *key, *salt, *info, *want;
	} rows[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
		    "f0f1f2f3f4f5f6f7f8f9",
		    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887"
		    "185865" },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
		  "28292a2b2c2d"
		  "2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
		    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283848586"
		    "8788898a8b8c8d"
		    "8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6"
		    "d7d8d9dadbdcdd"
		    "dedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac782"
		    "7271cb41c65e59"
		    "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b6"
		    "1a96c8" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes key = unhex(rows[i].key), salt = unhex(rows[i].salt),
			     info = unhex(rows[i].info);
		uint8_t got[BYTES_MAX];
		size_t n = strlen(rows[i].want) / 2;

		OK(hkdf_sha256(key.p, key.n, salt.p, salt.n, (struct str){ (char *)info.p, info.n },
		    got, n, &e));
		assert_hex(got, n, rows[i].want);
	}
}

/* Test cases 13, 14 and 16 of the GCM specification that SP 800-38D grew from. */
static const struct gcm_row {
	const char *key, *nonce, *aad, *plain, *sealed, *tag;
} gcm_rows[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	    "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	    "000000000000000000000000", "", "00000000000000000000000000000000",
	    "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	    "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	    "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static void aead_matches_published_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gcm_rows); i++) {
		const struct gcm_row *r = &gcm_rows[i];
		struct bytes key = unhex(r->key), nonce = unhex(r->nonce), aad = unhex(r->aad),
			     plain = unhex(r->plain);
		uint8_t out[BYTES_MAX], tag[AEAD_TAG_SIZE];
		struct aead *a;
		struct err e;

		OK(aead_new(key.p, &a, &e));
		for (int again = 0; again < 2; again++) {
			OK(aead_seal(a, nonce.p, aad.p, aad.n, plain.p, plain.n, out, tag, &e));
			assert_hex(out, plain.n, r->sealed);
			assert_hex(tag, sizeof(tag), r->tag);
			OK(aead_open(a, nonce.p, aad.p, aad.n, out, plain.n, out, tag, &e));
			assert_hex(out, plain.n, r->plain);
		}
		aead_free(a);
	}
}

static void aead_finds_every_flipped_bit(void **state)
{
	struct bytes key = repeated(7, 32), nonce = repeated(1, 12), aad = repeated(2, 5),
		     plain = repeated(3, 20);
	uint8_t sealed[20], tag[AEAD_TAG_SIZE], out[20];
	struct aead *a;
	struct err e;

	(void)state;
	OK(aead_new(key.p, &a, &e));
	OK(aead_seal(a, nonce.p, aad.p, aad.n, plain.p, plain.n, sealed, tag, &e));
	for (size_t bit = 0; bit < (20 + 16 + 5 + 12) * 8; bit++) {
		size_t at = bit / 8;
		uint8_t *where = at < 20   ? sealed + at
		    : at < 36 ? tag + (at - 20)
		    : at < 41 ? aad.p + (at - 36)
			      : nonce.p + (at - 41);

		*where ^= (uint8_t)(1u << bit % 8);
		FAILS(aead_open(a, nonce.p, aad.p, aad.n, sealed, 20, out, tag, &e), ERR_CORRUPT);
		*where ^= (uint8_t)(1u << bit % 8);
	}
	OK(aead_open(a, nonce.p, aad.p, aad.n, sealed, 20, out, tag, &e));
	assert_memory_equal(out, plain.p, 20);
	aead_free(a);
	aead_free(NULL);
}

static void a_new_secret_cannot_be_taken_for_an_option(void **state)
{
	struct err e;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		auto_buf struct buf a = { 0 };
		auto_buf struct buf b = { 0 };

		OK(secret_new(&a, &e));
		OK(secret_new(&b, &e));
		assert_int_equal(a.n, 43);
		assert_string_not_equal(a.p, b.p);
		assert_int_not_equal(a.p[0], '-');
	}
}

static void secrets_are_checked_against_their_hash(void **state)
{
	/* by another implementation: N=1024, r=8, p=2, salt 00..0f, "correct horse" */
	static const char known[] = "scrypt$1024$8$2$000102030405060708090a0b0c0d0e0f$"
	    "4418c25d86e8a38ca31c7d0fd4aef9beb2f8c467222edea2a3ea36bf4caa4a5a";
	static const char *const damaged[] = { "", "scrypt$", "plain", "scrypt$1000$8$1$00$00",
		"scrypt$1048577$8$1$000102030405060708090a0b0c0d0e0f$"
		"0000000000000000000000000000000000000000000000000000000000000000",
		"scrypt$1024$8$0$000102030405060708090a0b0c0d0e0f$"
		"0000000000000000000000000000000000000000000000000000000000000000" };
	auto_buf struct buf hash = { 0 }, second = { 0 };
	bool match = false;
	struct err e;

	(void)state;
	OK(secret_check(STR("correct horse"), known, &match, &e));
	assert_true(match);
	OK(secret_check(STR("correct horsf"), known, &match, &e));
	assert_false(match);
	OK(secret_hash(STR("s3cret"), &hash, &e));
	OK(secret_hash(STR("s3cret"), &second, &e));
	assert_string_not_equal(hash.p, second.p);
	assert_null(strstr(hash.p, "s3cret"));
	OK(secret_check(STR("s3cret"), hash.p, &match, &e));
	assert_true(match);
	OK(secret_check(STR(""), hash.p, &match, &e));
	assert_false(match);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++)
		FAILS(secret_check(STR("x"), damaged[i], &match, &e), ERR_CORRUPT);
}

static void key_files_are_private_and_never_replaced(void **state)
{
	uint8_t key[32], loaded[32];
	char path[128];
	struct stat st;
	struct err e;

	(void)state;
	OK(key_file_create(in_dir("a.key", path), key, &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	OK(key_file_load(path, loaded, &e));
	assert_memory_equal(key, loaded, 32);
	FAILS(key_file_create(path, loaded, &e), ERR_CONFLICT);
	memset(key, 0xa5, sizeof(key));
	OK(key_file_put(path, key, &e));	/* in place of the other, as private */
	OK(key_file_load(path, loaded, &e));
	assert_memory_equal(key, loaded, 32);
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(path, 0600 | bit), 0);
		FAILS(key_file_load(path, loaded, &e), ERR_DENIED);
		CONTAINS(e.msg, path);
	}
	FAILS(key_file_load(in_dir("none.key", path), loaded, &e), ERR_NOT_FOUND);
	FAILS(key_file_load(dir, loaded, &e), ERR_INVALID);
}

static void damaged_key_files_are_refused(void **state)
{
	static const char *const bad[] = { "", "\n", "00", "zz",
		"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0g\n",
		"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f00\n" };
	uint8_t key[32];
	char path[128];
	struct err e;

	(void)state;
	in_dir("bad.key", path);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		OK(fs_write_atomic(path, bad[i], strlen(bad[i]), 0600, &e));
		FAILS(key_file_load(path, key, &e), ERR_CORRUPT);
	}
}

static void wrapped_keys_open_only_with_their_master_and_label(void **state)
{
	struct bytes master = repeated(1, 32), other = repeated(2, 32), key = repeated(9, 32);
	uint8_t wrapped[WRAPPED_KEY_SIZE], again[WRAPPED_KEY_SIZE], out[32] = { 0 };
	struct err e;

	(void)state;
	OK(key_wrap(master.p, STR("vault 1"), key.p, wrapped, &e));
	OK(key_wrap(master.p, STR("vault 1"), key.p, again, &e));
	assert_memory_not_equal(wrapped, again, sizeof(wrapped));
	OK(key_unwrap(master.p, STR("vault 1"), wrapped, out, &e));
	assert_memory_equal(out, key.p, 32);
	FAILS(key_unwrap(other.p, STR("vault 1"), wrapped, out, &e), ERR_DENIED);
	CONTAINS(e.msg, "vault 1");
	FAILS(key_unwrap(master.p, STR("vault 2"), wrapped, out, &e), ERR_DENIED);
	wrapped[20] ^= 1;
	FAILS(key_unwrap(master.p, STR("vault 1"), wrapped, out, &e), ERR_DENIED);
}

static int verify(const char *option, const char *name)
{
	char cmd[512];

	(void)snprintf(cmd, sizeof(cmd),
	    "openssl verify -x509_strict -purpose sslserver -CAfile %s/ca.pem %s %s %s/server.pem "
	    ">%s/out 2>&1", dir, option, name, dir, dir);
	return system(cmd);
}

static void certificates_satisfy_a_strict_verifier(void **state)
{
	static const char *const names[] = { "localhost", "backup.example.com", "127.0.0.1", "::1",
		NULL };
	char ca[128], ca_key[128], cert[128], key[128];
	struct stat st;
	struct err e;

	(void)state;
	OK(x509_make_ca(in_dir("ca.pem", ca), in_dir("ca.key", ca_key), "holdfast CA", &e));
	OK(x509_make_server(
	    ca, ca_key, names, 825, in_dir("server.pem", cert), in_dir("server.key", key), &e));
	assert_int_equal(stat(ca_key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(cert, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(verify("-verify_hostname", "localhost"), 0);
	assert_int_equal(verify("-verify_hostname", "backup.example.com"), 0);
	assert_int_equal(verify("-verify_ip", "127.0.0.1"), 0);
	assert_int_equal(verify("-verify_ip", "::1"), 0);
	assert_int_not_equal(verify("-verify_hostname", "other.example.com"), 0);
	assert_int_not_equal(verify("-verify_ip", "127.0.0.2"), 0);
	assert_int_not_equal(verify("-attime", "4000000000"), 0);
	FAILS(x509_make_ca(ca, ca_key, "again", &e), ERR_CONFLICT);
}

static void certificates_refuse_bad_names_and_foreign_keys(void **state)
{
	static const char *const bad[] = { "", "a,URI:x", "host name", "a:b", "x\ny" };
	char ca[128], ca_key[128], cert[128], key[128];
	struct stat st;
	struct err e;

	(void)state;
	OK(x509_make_ca(in_dir("ca2.pem", ca), in_dir("ca2.key", ca_key), "another CA", &e));
	in_dir("s2.pem", cert);
	in_dir("s2.key", key);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		FAILS(x509_make_server(
			  ca, ca_key, (const char *const[]){ bad[i], NULL }, 1, cert, key, &e),
		    ERR_INVALID);
	FAILS(x509_make_server(ca, ca_key, (const char *const[]){ NULL }, 1, cert, key, &e),
	    ERR_INVALID);
	FAILS(x509_make_server(in_dir("ca.pem", ca), ca_key, (const char *const[]){ "a", NULL }, 1,
		  cert, key, &e),
	    ERR_CORRUPT);
	FAILS(x509_make_ca(cert, key, "", &e), ERR_INVALID);
	FAILS(x509_make_ca(in_dir("no/such.pem", cert), key, "x", &e), ERR_NOT_FOUND);
	assert_int_equal(stat(key, &st), -1);	/* nothing half-made */
}

/* What openssl(1) says of the same file. */
static void a_certificate_is_read(void **state)
{
	struct certificate c;
	auto_buf struct buf pem = { 0 }, raw = { 0 };
	char path[128], cmd[1024], hex[HEX_SIZE(32)];
	struct err e;

	(void)state;
	in_dir("client.pem", path);
	(void)snprintf(cmd, sizeof(cmd), "openssl req -x509 -newkey rsa:4096 -nodes -days 2 -subj"
	    " /CN=a -keyout %s -out %s.cert 2>/dev/null && cat %s.cert >>%s", path, path, path, path);
	assert_int_equal(system(cmd), 0);
	OK(fs_read_all(path, 65536, &pem, &e));
	OK(certificate_read(buf_str(&pem), &c, &e));
	assert_int_equal(c.until_us - c.from_us, INT64_C(2 * 86400) * 1000000);
	assert_string_equal(c.exponent, "AQAB");
	assert_int_equal(strlen(c.modulus), 683);
	OK(base64_decode(str_c(c.x5t_s256), &raw));
	(void)snprintf(cmd, sizeof(cmd), "openssl x509 -in %s -noout -fingerprint -sha256 |"
	    " tr -d : | grep -qi =%s", path, hex_encode(raw.p, raw.n, hex));
	assert_int_equal(system(cmd), 0);
	buf_clear(&raw);
	OK(base64_decode(str_c(c.x5t), &raw));
	(void)snprintf(cmd, sizeof(cmd), "openssl x509 -in %s -noout -fingerprint -sha1 |"
	    " tr -d : | grep -qi =%s", path, hex_encode(raw.p, raw.n, hex));
	assert_int_equal(system(cmd), 0);
	FAILS(certificate_read(STR("nothing"), &c, &e), ERR_INVALID);
}

static void a_certificate_of_another_kind_is_refused(void **state)
{
	auto_buf struct buf pem = { 0 };
	struct certificate c;
	char path[128];
	struct err e;

	(void)state;
	OK(fs_read_all(in_dir("ca.pem", path), 65536, &pem, &e));
	FAILS(certificate_read(buf_str(&pem), &c, &e), ERR_INVALID);
	CONTAINS(e.msg, "no RSA key of 2048 to 4096 bits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_matches_fips_180),
		cmocka_unit_test(hmac_matches_rfc_4231),
		cmocka_unit_test(threads_may_share_an_hmac),
		cmocka_unit_test(hkdf_matches_rfc_5869),
		cmocka_unit_test(aead_matches_published_vectors),
		cmocka_unit_test(aead_finds_every_flipped_bit),
		cmocka_unit_test(a_new_secret_cannot_be_taken_for_an_option),
		cmocka_unit_test(secrets_are_checked_against_their_hash),
		cmocka_unit_test(key_files_are_private_and_never_replaced),
		cmocka_unit_test(damaged_key_files_are_refused),
		cmocka_unit_test(wrapped_keys_open_only_with_their_master_and_label),
		cmocka_unit_test(certificates_satisfy_a_strict_verifier),
		cmocka_unit_test(certificates_refuse_bad_names_and_foreign_keys),
		cmocka_unit_test(a_certificate_is_read),
		cmocka_unit_test(a_certificate_of_another_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
