/* index.h - chunk id to place: open addressing, 32 bytes a slot.
 *
 * Keys are the first 20 bytes of an id.  Ids are keyed hashes, so nobody
 * without the vault's key can make two that share them; and whoever reads a
 * chunk checks its whole id.  Not locked: the owner does that.  Only
 * index_raise() may run beside other readers of the index. */
#ifndef VAULT_INDEX_H
#define VAULT_INDEX_H

#include "vault/format.h"

struct chunk_place {
	uint32_t pack;		/* number of the pack with the owner of the index */
	uint32_t offset;	/* of the record's header */
	uint32_t sealed_n;
};

/* What is known of a chunk beside its place.  See collect.c for marks and pins. */
enum {
	CHUNK_MARK = 1,		/* some point needs it, as the collection under way found */
	CHUNK_PIN0 = 2,		/* a session of that generation relies on it */
	CHUNK_PIN1 = 4,
	CHUNK_BAD = 8,		/* was read and is damaged: to be stored anew when it is met */
	CHUNK_SEEN = 16,	/* read and found whole by the verification under way */
};
#define CHUNK_LIVE (CHUNK_MARK | CHUNK_PIN0 | CHUNK_PIN1)

struct chunk_index {
	struct index_slot *slots;	/* [mask + 1], owned; NULL while empty */
	size_t mask, count;
};

void index_done(struct chunk_index *x);
void index_clear(struct chunk_index *x);	/* keeps the memory */
bool index_find(const struct chunk_index *x, const struct chunk_id *id, struct chunk_place *ret,
    unsigned *ret_flags);	/* ret_flags may be NULL */

/* Set flags of a chunk that is there; false if it is not.  Atomic beside other calls of
 * index_raise() and index_find(). */
bool index_raise(const struct chunk_index *x, const struct chunk_id *id, unsigned flags);

/* Room for `n` chunks more: that many index_add() cannot fail. */
must_check int index_reserve(struct chunk_index *x, size_t n, struct err *e);

/* The first place given for an id stays, unless that chunk is bad: then the new place replaces it.
 * `flags` are set in any case.  *ret_is_new, if not
 * NULL, says whether the id was not there. */
must_check int index_add(struct chunk_index *x, const struct chunk_id *id,
    const struct chunk_place *at, unsigned flags, bool *ret_is_new, struct err *e);

/* If the chunk still lies at pack `from`, offset `offset`: it lies at `to` now; flags stay. */
void index_move(struct chunk_index *x, const struct chunk_id *id, uint32_t from, uint32_t offset,
    const struct chunk_place *to);

/* The chunk, which is there, lies at `to` and is not bad. */
void index_mend(struct chunk_index *x, const struct chunk_id *id, const struct chunk_place *to);

void index_lower(struct chunk_index *x, unsigned flags);	/* clear flags of every chunk */

typedef void index_fn(void *arg, const struct chunk_place *at, unsigned flags);
void index_each(const struct chunk_index *x, index_fn *fn, void *arg);

/* Drop the chunks for which `keep` says false.  On failure nothing was dropped. */
typedef bool index_keep_fn(void *arg, const struct chunk_place *at, unsigned flags);
must_check int index_filter(struct chunk_index *x, index_keep_fn *keep, void *arg, struct err *e);

#endif
