/* index.c - see index.h. */
#include "vault/index.h"

#include <assert.h>

#define KEY_SIZE 20

struct index_slot {
	uint8_t key[KEY_SIZE];
	struct chunk_place at;	/* sealed_n 0: the slot is free */
};
_Static_assert(sizeof(struct index_slot) == 32, "a slot is half a cache line");

void index_done(struct chunk_index *x)
{
	free(x->slots);
	*x = (struct chunk_index){ 0 };
}

void index_clear(struct chunk_index *x)
{
	if (x->slots != NULL)
		memset(x->slots, 0, (x->mask + 1) * sizeof(x->slots[0]));
	x->count = 0;
}

/* The slot that holds `key`, or the free one where it belongs.  Ids are uniformly distributed:
 * their first bytes are the hash. */
static struct index_slot *probe(const struct chunk_index *x, const uint8_t *key)
{
	uint64_t h;

	memcpy(&h, key, sizeof(h));
	for (size_t i = (size_t)h & x->mask;; i = (i + 1) & x->mask) {
		struct index_slot *s = &x->slots[i];

		if (s->at.sealed_n == 0 || memcmp(s->key, key, KEY_SIZE) == 0)
			return s;
	}
}

bool index_find(const struct chunk_index *x, const struct chunk_id *id, struct chunk_place *ret)
{
	const struct index_slot *s;

	if (x->slots == NULL)
		return false;
	s = probe(x, id->b);
	if (s->at.sealed_n == 0)
		return false;
	*ret = s->at;
	return true;
}

static int grow(struct chunk_index *x, struct err *e)
{
	size_t n = x->slots == NULL ? 1024 : (x->mask + 1) * 2;
	struct chunk_index big = { .slots = calloc(n, sizeof(struct index_slot)), .mask = n - 1 };

	if (big.slots == NULL)
		return err_set(e, ERR_IO, "chunk index of %zu slots: out of memory", n);
	for (size_t i = 0; x->slots != NULL && i <= x->mask; i++)
		if (x->slots[i].at.sealed_n != 0)
			*probe(&big, x->slots[i].key) = x->slots[i];
	big.count = x->count;
	free(x->slots);
	*x = big;
	return 0;
}

int index_add(struct chunk_index *x, const struct chunk_id *id, const struct chunk_place *at,
    struct err *e)
{
	struct index_slot *s;

	assert(at->sealed_n != 0);
	if ((x->slots == NULL || (x->count + 1) * 4 > (x->mask + 1) * 3) && grow(x, e) != 0)
		return -1;
	s = probe(x, id->b);
	if (s->at.sealed_n != 0)
		return 0;
	memcpy(s->key, id->b, KEY_SIZE);
	s->at = *at;
	x->count++;
	return 0;
}
