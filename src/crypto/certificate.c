/* certificate.c - see certificate.h. */
#include "crypto/certificate.h"

#include <limits.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/codec.h"
#include "crypto/lib.h"

#define BITS_MIN 2048
#define BITS_MAX 4096

static void cert_p(X509 **c)
{
	X509_free(*c);
}

static void bio_p(BIO **b)
{
	BIO_free_all(*b);
}

static void bignum_p(BIGNUM **n)
{
	BN_free(*n);
}

static int put_base64url(const void *p, size_t n, char *ret, size_t size, struct err *e)
{
	auto_buf struct buf text = { 0 };

	base64url_encode(&text, p, n);
	if (buf_ok(&text, e) != 0)
		return -1;
	if (text.n >= size)
		return err_set(e, ERR_INVALID, "a part of the key is too long");
	memcpy(ret, text.p, text.n + 1);
	return 0;
}

static int digest(const X509 *cert, const EVP_MD *how, char *ret, size_t size, struct err *e)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n;

	if (X509_digest(cert, how, raw, &n) != 1)
		return crypto_err(e, "hashing a certificate");
	return put_base64url(raw, n, ret, size, e);
}

static int number(const EVP_PKEY *key, const char *name, char *ret, size_t size, struct err *e)
{
	cleanup_with(bignum_p) BIGNUM *n = NULL;
	unsigned char raw[BITS_MAX / 8];

	if (EVP_PKEY_get_bn_param(key, name, &n) != 1)
		return crypto_err(e, "reading a certificate's key");
	if (BN_num_bytes(n) > (int)sizeof(raw))
		return err_set(e, ERR_INVALID, "a part of the key is too long");
	return put_base64url(raw, (size_t)BN_bn2bin(n, raw), ret, size, e);
}

static int read_key(const X509 *cert, struct certificate *c, struct err *e)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key == NULL || EVP_PKEY_is_a(key, "RSA") != 1 ||
	    EVP_PKEY_get_bits(key) < BITS_MIN || EVP_PKEY_get_bits(key) > BITS_MAX)
		return err_set(e, ERR_INVALID, "its key is no RSA key of %d to %d bits", BITS_MIN,
		    BITS_MAX);
	return number(key, OSSL_PKEY_PARAM_RSA_N, c->modulus, sizeof(c->modulus), e) != 0 ? -1 :
	    number(key, OSSL_PKEY_PARAM_RSA_E, c->exponent, sizeof(c->exponent), e);
}

static int read_time(const ASN1_TIME *when, int64_t *ret_us, struct err *e)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(when, &tm) != 1)
		return crypto_err(e, "reading a certificate's times");
	*ret_us = (int64_t)timegm(&tm) * 1000000;
	return 0;
}

int certificate_read(struct str pem, struct certificate *ret, struct err *e)
{
	cleanup_with(bio_p) BIO *in = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	cleanup_with(cert_p) X509 *cert = NULL;
	struct certificate c = { 0 };

	if (in == NULL)
		return err_nomem(e);
	cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	if (cert == NULL) {
		(void)crypto_err(e, "");	/* empties the library's queue */
		return err_set(e, ERR_INVALID, "there is no certificate in PEM form");
	}
	if (digest(cert, EVP_sha1(), c.x5t, sizeof(c.x5t), e) != 0 ||
	    digest(cert, EVP_sha256(), c.x5t_s256, sizeof(c.x5t_s256), e) != 0 ||
	    read_key(cert, &c, e) != 0 ||
	    read_time(X509_get0_notBefore(cert), &c.from_us, e) != 0 ||
	    read_time(X509_get0_notAfter(cert), &c.until_us, e) != 0)
		return -1;
	*ret = c;
	return 0;
}
