/* x509.c - a CA and the server certificates it signs.  See x509.h. */
#include "crypto/x509.h"

#include <arpa/inet.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/crypto.h"
#include "crypto/file.h"
#include "crypto/lib.h"

#define CA_DAYS 3650
#define CURVE "P-256"
#define PEM_MAX 65536
#define COMMON_NAME_MAX 64	/* RFC 5280, ub-common-name */

static void pkey_p(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}
#define auto_pkey cleanup_with(pkey_p)

static void cert_p(X509 **c)
{
	X509_free(*c);
}
#define auto_cert cleanup_with(cert_p)

static void bio_p(BIO **b)
{
	BIO_free_all(*b);
}
#define auto_bio cleanup_with(bio_p)

struct extension {
	int nid;
	const char *value;
};

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *x, struct err *e)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	for (; x->value != NULL; x++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, x->nid, x->value);
		int ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

		X509_EXTENSION_free(ext);
		if (!ok)
			return crypto_err(e, "adding an extension to a certificate");
	}
	return 0;
}

/* RFC 5280 section 4.1.2.2: positive, at most 20 octets, not guessable. */
static bool random_serial(X509 *cert)
{
	unsigned char raw[16];
	BIGNUM *bn;
	bool ok;

	random_bytes(raw, sizeof(raw));
	raw[0] = (unsigned char)((raw[0] & 0x7f) | 0x40);
	bn = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
	BN_free(bn);
	return ok;
}

static bool set_name(X509 *cert, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	           (const unsigned char *)"holdfast", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	           (const unsigned char *)common_name, -1, -1, 0) == 1;
}

/* All of a certificate but extensions and signature.  It begins an hour ago, for clients whose
 * clocks are behind. */
static int begin_cert(X509 *cert, EVP_PKEY *key, const char *common_name, int days, struct err *e)
{
	if (X509_set_version(cert, X509_VERSION_3) != 1 || !random_serial(cert) ||
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) == NULL ||
	    !set_name(cert, common_name) || X509_set_pubkey(cert, key) != 1)
		return crypto_err(e, "making a certificate");
	return 0;
}

static int write_bio(BIO *b, const char *path, mode_t mode, struct err *e)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);

	return crypto_file_new(path, p, (size_t)n, mode, e);
}

/* Both files or neither. */
static int write_pair(X509 *cert, EVP_PKEY *key, const char *cert_path, const char *key_path,
    struct err *e)
{
	auto_bio BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_secmem());

	if (c == NULL || k == NULL || PEM_write_bio_X509(c, cert) != 1 ||
	    PEM_write_bio_PKCS8PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) != 1)
		return crypto_err(e, "encoding a certificate");
	if (write_bio(k, key_path, 0600, e) != 0)
		return -1;
	if (write_bio(c, cert_path, 0644, e) != 0) {
		(void)unlink(key_path);
		return -1;
	}
	return 0;
}

static int check_common_name(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0 || n > COMMON_NAME_MAX)
		return err_set(e, ERR_INVALID,
		    "certificate name '%.80s' is empty or longer than %d", name, COMMON_NAME_MAX);
	return 0;
}

int x509_make_ca(const char *cert_path, const char *key_path, const char *common_name,
    struct err *e)
{
	static const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid:always" },
		{ 0, NULL },
	};
	auto_pkey EVP_PKEY *key = EVP_EC_gen(CURVE);
	auto_cert X509 *cert = X509_new();

	if (key == NULL || cert == NULL)
		return crypto_err(e, "making a certificate authority");
	if (check_common_name(common_name, e) != 0 ||
	    begin_cert(cert, key, common_name, CA_DAYS, e) != 0)
		return -1;
	if (X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1)
		return crypto_err(e, "making a certificate authority");
	if (add_extensions(cert, cert, extensions, e) != 0)
		return -1;
	if (X509_sign(cert, key, EVP_sha256()) == 0)
		return crypto_err(e, "signing a certificate");
	return write_pair(cert, key, cert_path, key_path, e);
}

static int load_ca(const char *cert_path, const char *key_path, X509 **ret_cert, EVP_PKEY **ret_key,
    struct err *e)
{
	auto_buf struct buf cert_pem = { 0 };
	auto_secret_buf struct buf key_pem = { 0 };
	auto_bio BIO *c = NULL, *k = NULL;
	auto_cert X509 *cert = NULL;
	auto_pkey EVP_PKEY *key = NULL;

	if (fs_read_all(cert_path, PEM_MAX, &cert_pem, e) != 0 ||
	    crypto_file_private(key_path, PEM_MAX, &key_pem, e) != 0)
		return err_in(e, "loading the certificate authority");
	c = BIO_new_mem_buf(cert_pem.p, (int)cert_pem.n);
	k = BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
	if (c == NULL || k == NULL)
		return err_nomem(e);
	cert = PEM_read_bio_X509(c, NULL, NULL, NULL);
	if (cert == NULL)
		return crypto_err(e, "reading the authority's certificate");
	key = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);
	if (key == NULL)
		return crypto_err(e, "reading the authority's key");
	if (X509_check_private_key(cert, key) != 1) {
		(void)crypto_err(e, "");
		return err_set(e, ERR_CORRUPT, "'%s' is not the key of '%s'", key_path, cert_path);
	}
	*ret_cert = TAKE(cert);
	*ret_key = TAKE(key);
	return 0;
}

static bool is_ip(const char *name)
{
	unsigned char raw[16];

	return inet_pton(AF_INET, name, raw) == 1 || inet_pton(AF_INET6, name, raw) == 1;
}

static bool is_dns_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= 253 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") == n;
}

/* Checked names only: the text is a configuration line in which commas and colons count. */
static int alt_names(const char *const *names, struct buf *ret, struct err *e)
{
	if (names[0] == NULL)
		return err_set(e, ERR_INVALID, "a server certificate needs at least one name");
	for (size_t i = 0; names[i] != NULL; i++) {
		if (!is_ip(names[i]) && !is_dns_name(names[i]))
			return err_set(e, ERR_INVALID,
			    "'%.100s' is neither a host name nor an IP address", names[i]);
		buf_addf(
		    ret, "%s%s:%s", i > 0 ? "," : "", is_ip(names[i]) ? "IP" : "DNS", names[i]);
	}
	return buf_ok(ret, e);
}

int x509_make_server(const char *ca_cert_path, const char *ca_key_path, const char *const *names,
    int days, const char *cert_path, const char *key_path, struct err *e)
{
	auto_buf struct buf san = { 0 };
	auto_cert X509 *ca = NULL, *cert = X509_new();
	auto_pkey EVP_PKEY *ca_key = NULL, *key = EVP_EC_gen(CURVE);
	struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid:always" },
		{ NID_subject_alt_name, NULL },
		{ 0, NULL },
	};

	if (key == NULL || cert == NULL)
		return crypto_err(e, "making a server certificate");
	if (alt_names(names, &san, e) != 0 ||
	    load_ca(ca_cert_path, ca_key_path, &ca, &ca_key, e) != 0)
		return -1;
	extensions[ARRAY_LEN(extensions) - 2].value = san.p;
	/* the names that count are the alternative ones; a long host name does not fit here */
	if (begin_cert(
		cert, key, strlen(names[0]) <= COMMON_NAME_MAX ? names[0] : "server", days, e) != 0)
		return -1;
	if (X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1)
		return crypto_err(e, "making a server certificate");
	if (add_extensions(cert, ca, extensions, e) != 0)
		return -1;
	if (X509_sign(cert, ca_key, EVP_sha256()) == 0)
		return crypto_err(e, "signing a certificate");
	return write_pair(cert, key, cert_path, key_path, e);
}
