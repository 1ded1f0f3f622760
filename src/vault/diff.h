/* diff.h - where the maps of two disks differ: one walk that skips equal branches. */
#ifndef VAULT_DIFF_H
#define VAULT_DIFF_H

#include "vault/engine.h"

/* Called for each chunk that only one of them has, or that differs, in order. */
typedef int map_diff_fn(void *arg, uint64_t chunk, struct err *e);

/* `a` NULL: an empty disk.  ERR_CONFLICT if the two are cut into chunks of different sizes. */
must_check int map_diff(struct vault *v, const struct point_disk *a, const struct point_disk *b,
    map_diff_fn *fn, void *arg, struct err *e);

/* The same of disks that may lie in two copies of a vault, with the nodes on the way: called for each
 * subtree of either that the other does not have in that place, before those below it.  `level` 0 is a
 * chunk, whose number `index` is; above it a subtree over 512^level of them.  `id` is that in `b`, NULL
 * for a hole there. */
typedef int map_walk_fn(void *arg, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e);
must_check int map_walk(struct vault *va, const struct point_disk *a, struct vault *vb,
    const struct point_disk *b, map_walk_fn *fn, void *arg, struct err *e);

#endif
