/* inherit.c - see inherit.h. */
#include "vault/inherit.h"

struct branch {
	unsigned level;		/* 0: one chunk */
	uint64_t index;
	struct chunk_id id;
};

struct inherit {
	uint8_t *dirty;		/* owned: bit per chunk */
	uint64_t chunks;
	int64_t size, data;
	struct branch *branches;	/* owned */
	size_t count, cap;
	uint8_t *used;		/* borrowed, while planning */
	struct chunk_reader reader;
	uint8_t *plain;		/* owned: one node's bytes */
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

static int mark_dirty(struct inherit *in, const struct extent *x, struct err *e)
{
	int64_t end;

	if (x->offset < 0 || x->length < 0 || x->length > INT64_MAX - x->offset)
		return err_set(e, ERR_INVALID, "dirty extent %lld+%lld is no range",
		    (long long)x->offset, (long long)x->length);
	end = x->offset + x->length < in->size ? x->offset + x->length : in->size;
	if (x->offset >= end)
		return 0;
	for (uint64_t c = (uint64_t)x->offset >> CHUNK_SHIFT; c <= (uint64_t)(end - 1) >> CHUNK_SHIFT; c++) {
		bit_set(in->dirty, c);
		bit_set(in->used, c);
	}
	return 0;
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

static int64_t chunk_bytes(int64_t size, uint64_t chunk)
{
	int64_t left = size - (int64_t)(chunk << CHUNK_SHIFT);

	return left < (int64_t)CHUNK_SIZE ? left : (int64_t)CHUNK_SIZE;
}

static int keep(struct inherit *in, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	if (in->count == in->cap) {
		size_t cap = in->cap == 0 ? 64 : in->cap * 2;
		struct branch *grown = reallocarray(in->branches, cap, sizeof(*grown));

		if (grown == NULL)
			return err_nomem(e);
		in->branches = grown;
		in->cap = cap;
	}
	in->branches[in->count++] = (struct branch){ level, index, *id };
	bit_set(in->used, index << (MAP_SHIFT * level));
	return 0;
}

static int walk_node(struct inherit *in, const struct point_disk *d, unsigned level, uint64_t index,
    const struct chunk_id *id, struct err *e);

/* The `index`th subtree over 512^level chunks, whose node (level 0: whose chunk) is `id`. */
static int walk(struct inherit *in, const struct point_disk *d, unsigned level, uint64_t index,
    const struct chunk_id *id, struct err *e)
{
	uint64_t first = index << (MAP_SHIFT * level);

	if (level == 0 && bit_get(in->dirty, first)) {
		in->data -= chunk_bytes(d->size, first);	/* read anew */
		return 0;
	}
	if (!any_dirty(in, first, (uint64_t)1 << (MAP_SHIFT * level)))
		return keep(in, level, index, id, e);
	return walk_node(in, d, level, index, id, e);
}

static int walk_node(struct inherit *in, const struct point_disk *d, unsigned level, uint64_t index,
    const struct chunk_id *id, struct err *e)
{
	auto_free struct map_node *node = malloc(sizeof(*node));
	uint32_t pack;
	size_t n;

	if (node == NULL)
		return err_nomem(e);
	if (chunk_read(&in->reader, RECORD_MAP, id, in->plain, &n, &pack, e) != 0 ||
	    map_node_parse(in->plain, n, node, e) != 0)
		return -1;
	if (node->level != level - 1)
		return err_set(e, ERR_CORRUPT, "a map node is of level %u instead of %u", node->level,
		    level - 1);
	for (unsigned i = 0; i < MAP_FANOUT; i++)
		if (map_node_has(node, i) &&
		    walk(in, d, level - 1, index << MAP_SHIFT | i, &node->child[i], e) != 0)
			return -1;
	return 0;
}

static int plan(struct inherit *in, const struct point_disk *d, const struct vault_base *base,
    struct err *e)
{
	if (d->size > in->size || map_levels(d->size) != map_levels(in->size))
		return err_set(e, ERR_CONFLICT, "the disk was %lld bytes and is %lld: its map cannot be "
		    "taken over", (long long)d->size, (long long)in->size);
	for (size_t i = 0; i < base->dirty_count; i++)
		if (mark_dirty(in, &base->dirty[i], e) != 0)
			return -1;
	if (d->size != in->size) {	/* it grew: the last chunk had another length */
		struct extent tail = { d->size & ~((int64_t)CHUNK_SIZE - 1), INT64_MAX / 2 };

		if (mark_dirty(in, &tail, e) != 0)
			return -1;
	}
	in->data = d->data;
	return d->levels == 0 ? 0 : walk(in, d, d->levels, 0, &d->root, e);
}

int inherit_plan(struct vault *v, const char *item, const struct vault_base *base, int64_t size,
    uint8_t *used, struct inherit **ret, struct err *e)
{
	struct vault_point *p = NULL;
	const struct point_disk *d;
	struct inherit *in;
	int r = -1;

	if (vault_point_open(v, item, base->point, &p, e) != 0)
		return -1;
	d = point_disk(p, base->disk);
	in = calloc(1, sizeof(*in));
	if (in != NULL) {
		in->size = size;
		in->chunks = ((uint64_t)size + CHUNK_SIZE - 1) >> CHUNK_SHIFT;
		in->used = used;
		in->dirty = calloc(1, in->chunks / 8 + 1);
		in->plain = malloc(CHUNK_SIZE);
	}
	if (d == NULL)
		(void)err_set(e, ERR_NOT_FOUND, "point '%.128s' has no disk '%.100s'", base->point,
		    base->disk);
	else if (in == NULL || in->dirty == NULL || in->plain == NULL)
		(void)err_nomem(e);
	else if (chunk_reader_init(&in->reader, v, e) == 0)
		r = plan(in, d, base, e);
	vault_point_close(p);
	if (r != 0) {
		inherit_free(in);
		return -1;
	}
	*ret = in;
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
