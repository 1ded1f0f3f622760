/* diff.h - where the maps of two disks differ: one walk that skips equal branches. */
#ifndef VAULT_DIFF_H
#define VAULT_DIFF_H

#include "vault/engine.h"

/* Called for each chunk that only one of them has, or that differs, in order. */
typedef int map_diff_fn(void *arg, uint64_t chunk, struct err *e);

/* `a` NULL: an empty disk.  ERR_CONFLICT if the two are cut into chunks of different sizes. */
must_check int map_diff(struct vault *v, const struct point_disk *a, const struct point_disk *b,
    map_diff_fn *fn, void *arg, struct err *e);

#endif
