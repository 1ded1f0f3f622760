/* inherit.h - what an incremental backup takes over from an earlier point's map. */
#ifndef VAULT_INHERIT_H
#define VAULT_INHERIT_H

#include "vault/engine.h"
#include "vault/map_build.h"

struct inherit;

/* Open the base, which is kept until the session ends, and note what is dirty on a disk of `size`
 * bytes now.  *ret_shift is the base's chunk size. */
must_check int inherit_open(struct vault_session *s, const struct vault_base *base, int64_t size,
    unsigned *ret_shift, struct inherit **ret, struct err *e);
void inherit_free(struct inherit *in);	/* NULL is fine */

/* From this byte on the base says nothing of the disk, which grew; the disk's size if it did not. */
int64_t inherit_end(const struct inherit *in);
must_check int inherit_mark(struct inherit *in, const struct extent *dirty, struct err *e);

/* Walk the base's map, but not below branches without changes.  Sets the bits of `used` (all clear
 * before) that the new map's builder needs: dirty chunks, clean chunks of nodes that hold dirty
 * ones, and one chunk for each branch taken over whole.  A few chunks taken over are read back;
 * what turns out bad becomes dirty.  ERR_CORRUPT if a map node is: then the disk is to be read whole. */
must_check int inherit_plan(struct inherit *in, uint8_t *used, struct err *e);

bool inherit_is_dirty(const struct inherit *in, uint64_t chunk);

/* Bytes of chunks that are taken over. */
int64_t inherit_data(const struct inherit *in);

/* Tell the builder of all that is taken over. */
must_check int inherit_apply(const struct inherit *in, struct map_build *b, struct err *e);

#endif
