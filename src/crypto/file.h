/* file.h - small files that hold keys and certificates (inside src/crypto/ only). */
#ifndef CRYPTO_FILE_H
#define CRYPTO_FILE_H

#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"

/* Create `path` durably; ERR_CONFLICT if it exists, for a key is never replaced by accident. */
must_check int crypto_file_new(const char *path, const void *p, size_t n, mode_t mode,
    struct err *e);

/* Append a private file's bytes to `ret`.  ERR_DENIED if its group or others have any right. */
must_check int crypto_file_private(const char *path, size_t max, struct buf *ret, struct err *e);

/* Wipes, then frees: for buffers that held key material. */
void crypto_buf_done(struct buf *b);
#define auto_secret_buf cleanup_with(crypto_buf_done)

#endif
