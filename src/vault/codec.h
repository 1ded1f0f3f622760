/* codec.h - a chunk's id and its compression: the tools of one thread. */
#ifndef VAULT_CODEC_H
#define VAULT_CODEC_H

#include "vault/keys.h"

struct codec;
must_check int codec_new(const struct vault_keys *k, struct codec **ret, struct err *e);
void codec_free(struct codec *c);

/* Map nodes have ids of their own: a guest that could write the bytes of a
 * node into its disk must not make the two meet. */
must_check int codec_id(struct codec *c, enum record_kind kind, const void *p, size_t n,
    struct chunk_id *ret, struct err *e);

/* Compress into `out` (n bytes of room).  The bytes used, or 0 if that would
 * save less than a sixteenth: the chunk is then kept raw. */
size_t codec_pack(struct codec *c, const void *p, size_t n, void *out);

/* Undo codec_pack(): exactly `n` bytes come out, else ERR_CORRUPT. */
must_check int codec_unpack(struct codec *c, const void *p, size_t packed_n, void *out, size_t n,
    struct err *e);

bool is_zero(const uint8_t *p, size_t n);	/* n > 0 */

#endif
