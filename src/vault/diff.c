/* diff.c - see diff.h. */
#include "vault/diff.h"

struct side {			/* a subtree of one of the two; neither member: a hole */
	const struct chunk_id *id;
	const struct point_disk *under;	/* the disk's whole tree, lower than where we are */
};

struct diff {
	struct chunk_reader reader_a, reader_b;
	uint8_t *bytes;		/* owned, CHUNK_MAX */
	map_walk_fn *fn;
	void *arg;
};

static void diff_done(struct diff *d)
{
	chunk_reader_done(&d->reader_a);
	chunk_reader_done(&d->reader_b);
	free(d->bytes);
}

/* A tree that is lower than the other is the first child of nodes that are not there. */
static struct side side_at(const struct point_disk *disk, unsigned level)
{
	if (disk == NULL || disk->levels == 0)
		return (struct side){ NULL, NULL };
	return disk->levels == level ? (struct side){ &disk->root, NULL } :
	    (struct side){ NULL, disk };
}

/* The node of a subtree that has one; NULL and 0 for others. */
static int load(struct diff *d, struct chunk_reader *reader, const struct side *s, unsigned level,
    struct map_node **ret, struct err *e)
{
	struct map_node *n;
	uint32_t pack;

	*ret = NULL;
	if (s->id == NULL)
		return 0;
	n = malloc(sizeof(*n));
	if (n == NULL)
		return err_nomem(e);
	if (node_read(reader, s->id, level - 1, d->bytes, n, &pack, e) != 0) {
		free(n);
		return -1;
	}
	*ret = n;
	return 0;
}

static struct side child_of(const struct side *s, const struct map_node *n, unsigned level,
    unsigned i)
{
	if (s->under != NULL)
		return i == 0 ? side_at(s->under, level - 1) : (struct side){ NULL, NULL };
	if (n == NULL || !map_node_has(n, i))
		return (struct side){ NULL, NULL };
	return (struct side){ &n->child[i], NULL };
}

static bool is_hole(const struct side *s)
{
	return s->id == NULL && s->under == NULL;
}

static bool is_same(const struct side *a, const struct side *b)
{
	if (is_hole(a) || is_hole(b))
		return is_hole(a) && is_hole(b);
	return a->id != NULL && b->id != NULL && memcmp(a->id->b, b->id->b, ID_SIZE) == 0;
}

static int compare(struct diff *d, unsigned level, uint64_t index, const struct side *a,
    const struct side *b, struct err *e);

static int compare_children(struct diff *d, unsigned level, uint64_t index, const struct side *a,
    const struct map_node *na, const struct side *b, const struct map_node *nb, struct err *e)
{
	for (unsigned i = 0; i < MAP_FANOUT; i++) {
		struct side ca = child_of(a, na, level, i), cb = child_of(b, nb, level, i);

		if (compare(d, level - 1, index << MAP_SHIFT | i, &ca, &cb, e) != 0)
			return -1;
	}
	return 0;
}

/* The `index`th subtrees over 512^level chunks. */
static int compare(struct diff *d, unsigned level, uint64_t index, const struct side *a,
    const struct side *b, struct err *e)
{
	struct map_node *na, *nb;
	int r;

	if (is_same(a, b))
		return 0;
	r = b->under != NULL ? 0 : d->fn(d->arg, level, index, b->id, e);
	if (r != 0 || level == 0)
		return r;
	if (load(d, &d->reader_a, a, level, &na, e) != 0)
		return -1;
	if (load(d, &d->reader_b, b, level, &nb, e) != 0) {
		free(na);
		return -1;
	}
	r = compare_children(d, level, index, a, na, b, nb, e);
	free(na);
	free(nb);
	return r;
}

int map_walk(struct vault *va, const struct point_disk *a, struct vault *vb,
    const struct point_disk *b, map_walk_fn *fn, void *arg, struct err *e)
{
	cleanup_with(diff_done) struct diff d = { .bytes = malloc(CHUNK_MAX), .fn = fn, .arg = arg };
	unsigned level = a != NULL && a->levels > b->levels ? a->levels : b->levels;
	struct side sa = side_at(a, level), sb = side_at(b, level);

	if (a != NULL && a->chunk_shift != b->chunk_shift)
		return err_set(e, ERR_CONFLICT, "the disks are cut into chunks of %u and %u bytes: their "
		    "maps cannot be compared", 1u << a->chunk_shift, 1u << b->chunk_shift);
	if (d.bytes == NULL)
		return err_nomem(e);
	if (chunk_reader_init(&d.reader_a, va, e) != 0 || chunk_reader_init(&d.reader_b, vb, e) != 0)
		return -1;
	d.reader_a.asks_peer = d.reader_b.asks_peer = true;
	return compare(&d, level, 0, &sa, &sb, e);
}

struct leaves {
	map_diff_fn *fn;
	void *arg;
};

static int tell_leaf(void *arg, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	const struct leaves *l = arg;

	(void)id;
	return level > 0 ? 0 : l->fn(l->arg, index, e);
}

int map_diff(struct vault *v, const struct point_disk *a, const struct point_disk *b,
    map_diff_fn *fn, void *arg, struct err *e)
{
	struct leaves l = { fn, arg };

	return map_walk(v, a, v, b, tell_leaf, &l, e);
}

/* ---- vault_diff: chunks joined into extents ---- */
struct joining {
	vault_extent_fn *fn;
	void *arg;
	unsigned shift;
	int64_t size;
	struct extent x;	/* length 0: none yet */
};

static int tell(struct joining *j, struct err *e)
{
	int r = j->x.length > 0 ? j->fn(j->arg, &j->x, e) : 0;

	j->x.length = 0;
	return r;
}

static int join(void *arg, uint64_t chunk, struct err *e)
{
	struct joining *j = arg;
	int64_t at = (int64_t)(chunk << j->shift), end = at + ((int64_t)1 << j->shift);

	if (at >= j->size)
		return 0;		/* of the other disk, which is larger */
	if (end > j->size)
		end = j->size;
	if (j->x.length > 0 && j->x.offset + j->x.length == at) {
		j->x.length = end - j->x.offset;
		return 0;
	}
	if (tell(j, e) != 0)
		return -1;
	j->x = (struct extent){ at, end - at };
	return 0;
}

int vault_diff(struct vault_point *a, struct vault_point *b, const char *disk, vault_extent_fn *fn,
    void *arg, struct err *e)
{
	const struct point_disk *da = a != NULL ? point_disk(a, disk) : NULL, *db = point_disk(b, disk);
	struct joining j = { .fn = fn, .arg = arg };

	if (db == NULL)
		return err_set(e, ERR_NOT_FOUND, "point '%.128s' has no disk '%.100s'", b->body.name, disk);
	j.shift = db->chunk_shift;
	j.size = db->size;
	if (map_diff(b->v, da, db, join, &j, e) != 0)
		return err_in(e, "comparing disk '%.100s'", disk);
	return tell(&j, e);
}
