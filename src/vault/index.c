/* index.c - see index.h. */
#include "vault/index.h"

#include <assert.h>
#include <stdatomic.h>

#define KEY_SIZE 20
#define SIZE_BITS 24		/* of a tag: sealed_n; above it the flags */
#define SIZE_MASK ((1u << SIZE_BITS) - 1)

_Static_assert(CHUNK_MAX <= SIZE_MASK, "a sealed size fits its part of the tag");

struct index_slot {
	uint8_t key[KEY_SIZE];
	uint32_t pack, offset;
	_Atomic uint32_t tag;	/* sealed_n and flags; 0: the slot is free */
};
_Static_assert(sizeof(struct index_slot) == 32, "a slot is half a cache line");

static uint32_t tag_of(const struct index_slot *s)
{
	return atomic_load_explicit(&s->tag, memory_order_relaxed);
}

static void set_tag(struct index_slot *s, uint32_t tag)
{
	atomic_store_explicit(&s->tag, tag, memory_order_relaxed);
}

static struct chunk_place place_of(const struct index_slot *s)
{
	return (struct chunk_place){ s->pack, s->offset, tag_of(s) & SIZE_MASK };
}

static void set_place(struct index_slot *s, const struct chunk_place *at, unsigned flags)
{
	s->pack = at->pack;
	s->offset = at->offset;
	set_tag(s, at->sealed_n | (uint32_t)flags << SIZE_BITS);
}

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

		if (tag_of(s) == 0 || memcmp(s->key, key, KEY_SIZE) == 0)
			return s;
	}
}

/* NULL if it is not there. */
static struct index_slot *find(const struct chunk_index *x, const struct chunk_id *id)
{
	struct index_slot *s = x->slots != NULL ? probe(x, id->b) : NULL;

	return s != NULL && tag_of(s) != 0 ? s : NULL;
}

bool index_find(const struct chunk_index *x, const struct chunk_id *id, struct chunk_place *ret,
    unsigned *ret_flags)
{
	const struct index_slot *s = find(x, id);

	if (s == NULL)
		return false;
	*ret = place_of(s);
	if (ret_flags != NULL)
		*ret_flags = tag_of(s) >> SIZE_BITS;
	return true;
}

bool index_raise(const struct chunk_index *x, const struct chunk_id *id, unsigned flags)
{
	struct index_slot *s = find(x, id);

	if (s == NULL)
		return false;
	(void)atomic_fetch_or_explicit(&s->tag, (uint32_t)flags << SIZE_BITS, memory_order_relaxed);
	return true;
}

/* A table of `n` slots with what `keep` (NULL: everything) is true for. */
static int rebuild(struct chunk_index *x, size_t n, index_keep_fn *keep, void *arg, struct err *e)
{
	struct chunk_index to = { .slots = calloc(n, sizeof(struct index_slot)), .mask = n - 1 };

	if (to.slots == NULL)
		return err_set(e, ERR_IO, "chunk index of %zu slots: out of memory", n);
	for (size_t i = 0; x->slots != NULL && i <= x->mask; i++) {
		struct index_slot *s = &x->slots[i], *new;
		struct chunk_place at = place_of(s);
		unsigned flags = tag_of(s) >> SIZE_BITS;

		if (at.sealed_n == 0 || (keep != NULL && !keep(arg, &at, flags)))
			continue;
		new = probe(&to, s->key);
		memcpy(new->key, s->key, KEY_SIZE);
		set_place(new, &at, flags);
		to.count++;
	}
	free(x->slots);
	*x = to;
	return 0;
}

int index_filter(struct chunk_index *x, index_keep_fn *keep, void *arg, struct err *e)
{
	return x->slots == NULL ? 0 : rebuild(x, x->mask + 1, keep, arg, e);
}

static bool has_room(size_t slots, size_t count)
{
	return count * 4 <= slots * 3;
}

int index_reserve(struct chunk_index *x, size_t n, struct err *e)
{
	size_t have = x->slots == NULL ? 0 : x->mask + 1, slots = have == 0 ? 1024 : have;

	while (!has_room(slots, x->count + n))
		slots *= 2;
	return slots == have ? 0 : rebuild(x, slots, NULL, NULL, e);
}

int index_add(struct chunk_index *x, const struct chunk_id *id, const struct chunk_place *at,
    unsigned flags, bool *ret_is_new, struct err *e)
{
	struct index_slot *s;

	assert(at->sealed_n != 0 && at->sealed_n <= SIZE_MASK);
	if (index_reserve(x, 1, e) != 0)
		return -1;
	s = probe(x, id->b);
	if (ret_is_new != NULL)
		*ret_is_new = tag_of(s) == 0;
	if (tag_of(s) == 0) {
		memcpy(s->key, id->b, KEY_SIZE);
		set_place(s, at, flags);
		x->count++;
	} else if ((tag_of(s) >> SIZE_BITS & CHUNK_BAD) != 0) {
		flags |= tag_of(s) >> SIZE_BITS;
		set_place(s, at, flags & ~(unsigned)CHUNK_BAD);
	} else {
		set_tag(s, tag_of(s) | (uint32_t)flags << SIZE_BITS);
	}
	return 0;
}

void index_mend(struct chunk_index *x, const struct chunk_id *id, const struct chunk_place *to)
{
	struct index_slot *s = find(x, id);

	if (s != NULL)
		set_place(s, to, tag_of(s) >> SIZE_BITS & ~(unsigned)CHUNK_BAD);
}

void index_move(struct chunk_index *x, const struct chunk_id *id, uint32_t from, uint32_t offset,
    const struct chunk_place *to)
{
	struct index_slot *s = find(x, id);

	if (s != NULL && s->pack == from && s->offset == offset)
		set_place(s, to, tag_of(s) >> SIZE_BITS);
}

void index_lower(struct chunk_index *x, unsigned flags)
{
	for (size_t i = 0; x->slots != NULL && i <= x->mask; i++)
		(void)atomic_fetch_and_explicit(&x->slots[i].tag, ~((uint32_t)flags << SIZE_BITS),
		    memory_order_relaxed);
}

void index_each(const struct chunk_index *x, index_fn *fn, void *arg)
{
	for (size_t i = 0; x->slots != NULL && i <= x->mask; i++) {
		struct chunk_place at = place_of(&x->slots[i]);

		if (at.sealed_n != 0)
			fn(arg, &at, tag_of(&x->slots[i]) >> SIZE_BITS);
	}
}
