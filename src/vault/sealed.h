/* sealed.h - small objects that are sealed whole: points, and records of verification. */
#ifndef VAULT_SEALED_H
#define VAULT_SEALED_H

#include "vault/engine.h"

struct sealed_kind {
	char magic[8];
	const char *key_info;	/* of the key's derivation */
	const char *what;	/* for errors */
};

/* Seal `plain`, which is used up, for the object `name`. */
must_check int sealed_make(struct vault *v, const struct sealed_kind *k, const char *name,
    struct buf *plain, struct buf *out, struct err *e);

/* Read and open an object of at most `max` bytes.  *ret lies in `b`.  ERR_NOT_FOUND; ERR_CORRUPT names
 * the object. */
must_check int sealed_get(struct vault *v, const struct sealed_kind *k, const char *name, size_t max,
    struct buf *b, struct str *ret, struct err *e);

#endif
