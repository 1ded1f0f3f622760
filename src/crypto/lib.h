/* lib.h - OpenSSL's last error as a struct err (inside src/crypto/ only). */
#ifndef CRYPTO_LIB_H
#define CRYPTO_LIB_H

#include "base/base.h"

/* -1 with ERR_IO, `what` and the library's reason; its error queue is emptied. */
int crypto_err(struct err *e, const char *what);

#endif
