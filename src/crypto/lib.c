/* lib.c - see lib.h; also the helpers that need no context. */
#include "crypto/lib.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "crypto/crypto.h"

int crypto_err(struct err *e, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return err_set(e, ERR_IO, "%s: %s", what, why != NULL ? why : "the library gave no reason");
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

void crypto_wipe(void *p, size_t n)
{
	if (p != NULL)
		OPENSSL_cleanse(p, n);
}
