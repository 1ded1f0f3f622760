/* inherit.h - what an incremental backup takes over from an earlier point's map. */
#ifndef VAULT_INHERIT_H
#define VAULT_INHERIT_H

#include "vault/engine.h"
#include "vault/map_build.h"

struct inherit;

/* Walk the base's map, but not below branches without changes.  Sets the bits of `used` (all clear
 * before) that the new map's builder needs: dirty chunks, clean chunks of nodes that hold dirty
 * ones, and one chunk for each branch taken over whole. */
must_check int inherit_plan(struct vault *v, const char *item, const struct vault_base *base,
    int64_t size, uint8_t *used, struct inherit **ret, struct err *e);
void inherit_free(struct inherit *in);	/* NULL is fine */

bool inherit_is_dirty(const struct inherit *in, uint64_t chunk);

/* Bytes of chunks that are taken over. */
int64_t inherit_data(const struct inherit *in);

/* Tell the builder of all that is taken over. */
must_check int inherit_apply(const struct inherit *in, struct map_build *b, struct err *e);

#endif
