/* map_build.c - see map_build.h. */
#include "vault/map_build.h"

#include <assert.h>

struct open_node {
	struct open_node *next;
	uint64_t index;		/* among the nodes of its level */
	unsigned left;		/* children not yet told of */
	bool any;
	struct map_node node;
};

void map_build_init(struct map_build *b, int64_t size, unsigned chunk_shift, const uint8_t *used,
    map_emit_fn *emit, void *arg)
{
	*b = (struct map_build){
		.used = used,
		.chunks = grid_chunks(size, chunk_shift),
		.levels = map_levels(size, chunk_shift),
		.emit = emit,
		.arg = arg,
	};
}

void map_build_done(struct map_build *b)
{
	for (unsigned i = 0; i < MAP_LEVELS_MAX; i++)
		for (struct open_node *n = b->open[i], *next; n != NULL; n = next) {
			next = n->next;
			free(n);
		}
}

/* Will any of the chunks under the `i`th subtree of 512^level chunks be told of? */
static bool expects(const struct map_build *b, unsigned level, uint64_t i)
{
	uint64_t first = i << (MAP_SHIFT * level), n = (uint64_t)1 << (MAP_SHIFT * level);

	for (uint64_t c = first; c < b->chunks && c - first < n; c++)
		if (bit_get(b->used, c))
			return true;
	return false;
}

/* The open node, which is made if need be; NULL out of memory. */
static struct open_node *find(struct map_build *b, unsigned level, uint64_t index)
{
	struct open_node *n;

	for (n = b->open[level]; n != NULL; n = n->next)
		if (n->index == index)
			return n;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->index = index;
	n->node.level = level;
	for (unsigned i = 0; i < MAP_FANOUT; i++)
		n->left += expects(b, level, index << MAP_SHIFT | i);
	n->next = b->open[level];
	b->open[level] = n;
	return n;
}

static void drop(struct map_build *b, unsigned level, struct open_node *n)
{
	struct open_node **at = &b->open[level];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	free(n);
}

/* All below is known: emit the node, or nothing if it is one hole. */
static int finish(struct map_build *b, const struct open_node *n, bool *ret_hole,
    struct chunk_id *ret, struct err *e)
{
	auto_free uint8_t *bytes = NULL;

	*ret_hole = !n->any;
	if (!n->any)
		return 0;
	bytes = malloc(MAP_NODE_MAX);
	if (bytes == NULL)
		return err_nomem(e);
	return b->emit(b->arg, bytes, map_node_write(&n->node, bytes), ret, e);
}

static int set(struct map_build *b, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	struct open_node *n = find(b, level, index >> MAP_SHIFT);
	unsigned i = (unsigned)(index % MAP_FANOUT);
	struct chunk_id up;
	bool hole = true;
	int r;

	if (n == NULL)
		return err_nomem(e);
	assert(n->left > 0);
	if (id != NULL) {
		n->node.child[i] = *id;
		bit_set(n->node.used, i);
		n->any = true;
	}
	if (--n->left > 0)
		return 0;
	r = finish(b, n, &hole, &up, e);
	index = n->index;
	drop(b, level, n);
	if (r != 0)
		return -1;
	if (level + 1 < b->levels)
		return set(b, level + 1, index, hole ? NULL : &up, e);
	b->has_root = !hole;
	if (!hole)
		b->root = up;
	return 0;
}

int map_build_set(struct map_build *b, uint64_t chunk, const struct chunk_id *id, struct err *e)
{
	return set(b, 0, chunk, id, e);
}

int map_build_branch(struct map_build *b, unsigned level, uint64_t index,
    const struct chunk_id *id, struct err *e)
{
	if (level < b->levels)
		return set(b, level, index, id, e);
	b->has_root = true;
	b->root = *id;
	return 0;
}
