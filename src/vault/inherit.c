/* inherit.c - see inherit.h. */
#include "vault/inherit.h"

#include "base/codec.h"

#define SAMPLES 16u		/* chunks read back of what is taken over */

struct branch {
	unsigned level;		/* 0: one chunk */
	uint64_t index;
	struct chunk_id id;
};

struct inherit {
	const struct point_disk *base;	/* the session keeps it */
	uint8_t *dirty;		/* owned: bit per chunk */
	uint64_t chunks;	/* of the disk as it is now */
	int64_t size, data;
	struct branch *branches;	/* owned */
	size_t count, cap;
	uint8_t *used;		/* borrowed, while planning */
	bool has_bad;		/* the vault has chunks that are noted as damaged */
	struct chunk_reader reader;
	uint8_t *plain;		/* owned, CHUNK_MAX */
};

void inherit_free(struct inherit *in)
{
	if (in == NULL)
		return;
	chunk_reader_done(&in->reader);
	free(in->plain);
	free(in->branches);
	free(in->dirty);
	free(in);
}

bool inherit_is_dirty(const struct inherit *in, uint64_t chunk)
{
	return bit_get(in->dirty, chunk);
}

int64_t inherit_data(const struct inherit *in)
{
	return in->data;
}

int inherit_mark(struct inherit *in, const struct extent *x, struct err *e)
{
	unsigned shift = in->base->chunk_shift;
	int64_t end;

	if (x->offset < 0 || x->length < 0 || x->length > INT64_MAX - x->offset)
		return err_set(e, ERR_INVALID, "dirty extent %lld+%lld is no range",
		    (long long)x->offset, (long long)x->length);
	end = x->offset + x->length < in->size ? x->offset + x->length : in->size;
	if (x->offset >= end)
		return 0;
	for (uint64_t c = (uint64_t)x->offset >> shift; c <= (uint64_t)(end - 1) >> shift; c++)
		bit_set(in->dirty, c);
	return 0;
}

/* Where the disk was cut or went on, the last chunk had another length. */
static void mark_edge(struct inherit *in)
{
	unsigned shift = in->base->chunk_shift;
	int64_t edge = in->base->size < in->size ? in->base->size : in->size;

	if (in->base->size != in->size && edge % ((int64_t)1 << shift) != 0)
		bit_set(in->dirty, (uint64_t)edge >> shift);
}

int64_t inherit_end(const struct inherit *in)
{
	return in->base->size < in->size ? in->base->size : in->size;
}

int inherit_open(struct vault_session *s, const struct vault_base *base, int64_t size,
    unsigned *ret_shift, struct inherit **ret, struct err *e)
{
	struct vault_point *p = NULL;
	const struct point_disk *d;
	struct inherit *in;

	if (vault_point_open(s->v, s->item, base->point, &p, e) != 0 ||
	    session_keep_base(s, p, e) != 0)
		return -1;
	d = point_disk(p, base->disk);
	if (d == NULL)
		return err_set(e, ERR_NOT_FOUND, "point '%.128s' has no disk '%.100s'", base->point,
		    base->disk);
	in = calloc(1, sizeof(*in));
	if (in == NULL)
		return err_nomem(e);
	*ret = in;		/* the caller frees it, whatever comes */
	in->base = d;
	in->size = size;
	in->chunks = grid_chunks(size, d->chunk_shift);
	in->dirty = calloc(1, in->chunks / 8 + 1);
	in->plain = malloc(CHUNK_MAX);
	if (in->dirty == NULL || in->plain == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < base->dirty_count; i++)
		if (inherit_mark(in, &base->dirty[i], e) != 0)
			return -1;
	mark_edge(in);
	*ret_shift = d->chunk_shift;
	return chunk_reader_init(&in->reader, s->v, e);
}

/* Chunks [first, first + n) of the disk: is any of them dirty? */
static bool any_dirty(const struct inherit *in, uint64_t first, uint64_t n)
{
	uint64_t end = n < in->chunks - first ? first + n : in->chunks;

	for (uint64_t c = first; c < end;) {
		if (c % 8 == 0 && end - c >= 8 && in->dirty[c / 8] == 0) {
			c += 8;
			continue;
		}
		if (bit_get(in->dirty, c++))
			return true;
	}
	return false;
}

static int keep(struct inherit *in, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	if (GROW(in->branches, in->count, in->cap, 64, e) != 0)
		return -1;
	in->branches[in->count++] = (struct branch){ level, index, *id };
	bit_set(in->used, index << (MAP_SHIFT * level));
	return 0;
}

/* Must the walk look below the `index`th subtree over 512^level chunks? */
static bool must_descend(const struct inherit *in, unsigned level, uint64_t first)
{
	uint64_t n = (uint64_t)1 << (MAP_SHIFT * level);
	uint64_t was = grid_chunks(in->base->size, in->base->chunk_shift);

	if (in->has_bad)
		return true;		/* what is noted as damaged is to be found */
	if (first >= in->chunks)
		return true;		/* cut off: its data is counted */
	if (was > in->chunks && n > in->chunks - first)
		return true;		/* the new end lies in it */
	return any_dirty(in, first, n);
}

static int load_node(struct inherit *in, unsigned level, const struct chunk_id *id,
    struct map_node *node, struct err *e)
{
	uint32_t pack;

	if (node_read(&in->reader, id, level, in->plain, node, &pack, e) == 0)
		return 0;
	if (e->kind == ERR_CORRUPT)
		vault_note_bad(in->reader.v, id);
	return -1;
}

static int walk_node(struct inherit *in, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e);

/* The `index`th subtree over 512^level chunks, whose node (level 0: whose chunk) is `id`. */
static int walk(struct inherit *in, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	uint64_t first = index << (MAP_SHIFT * level);

	if (level == 0 && in->has_bad && first < in->chunks &&
	    (vault_flags(in->reader.v, id) & CHUNK_BAD) != 0) {
		bit_set(in->dirty, first);
		bit_set(in->used, first);
	}
	if (level == 0 && (first >= in->chunks || bit_get(in->dirty, first))) {
		in->data -= (int64_t)grid_length(in->base->size, in->base->chunk_shift, first);
		return 0;		/* gone, or read anew */
	}
	if (level == 0 || !must_descend(in, level, first))
		return keep(in, level, index, id, e);
	return walk_node(in, level, index, id, e);
}

static int walk_node(struct inherit *in, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	auto_free struct map_node *node = malloc(sizeof(*node));

	if (node == NULL)
		return err_nomem(e);
	if (load_node(in, level - 1, id, node, e) != 0)
		return -1;
	for (unsigned i = 0; i < MAP_FANOUT; i++)
		if (map_node_has(node, i) &&
		    walk(in, level - 1, index << MAP_SHIFT | i, &node->child[i], e) != 0)
			return -1;
	return 0;
}

static int plan(struct inherit *in, struct err *e)
{
	const struct point_disk *d = in->base;

	in->count = 0;
	in->data = d->data;
	memcpy(in->used, in->dirty, in->chunks / 8 + 1);
	return d->levels == 0 ? 0 : walk(in, d->levels, 0, &d->root, e);
}

/* One chunk below a branch, picked at random. */
static int pick(struct inherit *in, const struct branch *from, uint64_t *ret_chunk,
    struct chunk_id *ret, struct err *e)
{
	auto_free struct map_node *node = malloc(sizeof(*node));
	struct branch at = *from;

	if (node == NULL)
		return err_nomem(e);
	for (; at.level > 0; at.level--) {
		unsigned child = (unsigned)(random_u64() % MAP_FANOUT);

		if (load_node(in, at.level - 1, &at.id, node, e) != 0)
			return -1;
		for (unsigned tries = 0; tries < MAP_FANOUT && !map_node_has(node, child); tries++)
			child = (child + 1) % MAP_FANOUT;
		if (!map_node_has(node, child))
			return err_set(e, ERR_CORRUPT, "a map node has no children");
		at.index = at.index << MAP_SHIFT | child;
		at.id = node->child[child];
	}
	*ret_chunk = at.index;
	*ret = at.id;
	return 0;
}

/* Read some of what is taken over.  *ret_bad: something was not good and is dirty now. */
static int sample(struct inherit *in, bool *ret_bad, struct err *e)
{
	for (unsigned i = 0; i < SAMPLES && in->count > 0; i++) {
		struct chunk_id id;
		uint64_t chunk;
		uint32_t pack;
		size_t n;

		if (pick(in, &in->branches[random_u64() % in->count], &chunk, &id, e) != 0)
			return -1;
		if (chunk_read(&in->reader, RECORD_DATA, &id, in->plain, &n, &pack, e) == 0)
			continue;
		if (e->kind != ERR_CORRUPT)
			return -1;
		vault_note_bad(in->reader.v, &id);
		bit_set(in->dirty, chunk);
		*ret_bad = true;
	}
	return 0;
}

int inherit_plan(struct inherit *in, uint8_t *used, struct err *e)
{
	bool is_bad;

	in->used = used;
	pthread_rwlock_rdlock(&in->reader.v->index_lock);
	in->has_bad = in->reader.v->has_bad;
	pthread_rwlock_unlock(&in->reader.v->index_lock);
	do {
		is_bad = false;
		if (plan(in, e) != 0 || sample(in, &is_bad, e) != 0)
			return -1;
	} while (is_bad);
	return 0;
}

int inherit_apply(const struct inherit *in, struct map_build *b, struct err *e)
{
	for (size_t i = 0; i < in->count; i++) {
		const struct branch *x = &in->branches[i];

		if (x->level == 0 ? map_build_set(b, x->index, &x->id, e) != 0 :
		    map_build_branch(b, x->level, x->index, &x->id, e) != 0)
			return -1;
	}
	return 0;
}
