/* index.h - chunk id to place: open addressing, 32 bytes a slot.
 *
 * Keys are the first 20 bytes of an id.  Ids are keyed hashes, so nobody
 * without the vault's key can make two that share them; and whoever reads a
 * chunk checks its whole id.  Not locked: the owner does that. */
#ifndef VAULT_INDEX_H
#define VAULT_INDEX_H

#include "vault/format.h"

struct chunk_place {
	uint32_t pack;		/* number of the pack with the owner of the index */
	uint32_t offset;	/* of the record's header */
	uint32_t sealed_n;
};

struct chunk_index {
	struct index_slot *slots;	/* [mask + 1], owned; NULL while empty */
	size_t mask, count;
};

void index_done(struct chunk_index *x);
void index_clear(struct chunk_index *x);	/* keeps the memory */
bool index_find(const struct chunk_index *x, const struct chunk_id *id, struct chunk_place *ret);

/* The first place given for an id stays. */
must_check int index_add(struct chunk_index *x, const struct chunk_id *id,
    const struct chunk_place *at, struct err *e);

#endif
