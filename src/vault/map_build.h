/* map_build.h - a disk's map tree, built while its chunks become known.
 *
 * The caller says first which chunks may hold data, then tells of each of
 * these once, in any order.  A node is emitted as soon as all below it is
 * known, so memory is bounded by how far the order strays from ascending. */
#ifndef VAULT_MAP_BUILD_H
#define VAULT_MAP_BUILD_H

#include "vault/format.h"

/* Store a node's bytes; *ret is its id. */
typedef int map_emit_fn(void *arg, const void *p, size_t n, struct chunk_id *ret, struct err *e);

struct map_build {
	const uint8_t *used;	/* bitmap, borrowed: chunks that will be told of */
	uint64_t chunks;
	unsigned levels;
	map_emit_fn *emit;
	void *arg;
	struct open_node *open[MAP_LEVELS_MAX];	/* owned */
	bool has_root;		/* false at the end: the disk is one hole */
	struct chunk_id root;
};

void map_build_init(struct map_build *b, int64_t size, unsigned chunk_shift, const uint8_t *used,
    map_emit_fn *emit, void *arg);
void map_build_done(struct map_build *b);
must_check int map_build_set(struct map_build *b, uint64_t chunk,
    const struct chunk_id *id, struct err *e);	/* `id` NULL: a hole after all */

/* A whole subtree that exists already: the `index`th of those that cover 512^`level` chunks, whose
 * node is `id`.  Of the chunks under it at least one must be in `used`, and none told of.  With
 * level equal to b->levels it is the tree itself. */
must_check int map_build_branch(struct map_build *b, unsigned level, uint64_t index,
    const struct chunk_id *id, struct err *e);

static inline bool bit_get(const uint8_t *bits, uint64_t i)
{
	return (bits[i / 8] >> (i % 8) & 1) != 0;
}

static inline void bit_set(uint8_t *bits, uint64_t i)
{
	bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

#endif
