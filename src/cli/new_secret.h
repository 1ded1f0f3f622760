/* new_secret.h - a client secret made here. */
#ifndef CLI_NEW_SECRET_H
#define CLI_NEW_SECRET_H

#include "base/buf.h"
#include "model/credential.h"

/* A random secret of 43 characters is appended to *ret_secret, which the caller wipes; *ret is what
 * is kept of it.  `expires_us` 0: never. */
must_check int new_secret(const char *client_id, int64_t now_us, int64_t expires_us,
    struct credential *ret, struct buf *ret_secret, struct err *e);

#endif
