/* backup.c - one disk into the vault.
 *
 *   caller: which chunks hold data -> [work] -> crew: read, zero?, id, known?,
 *   compress -> [done] -> writer: seal into the pack, map tree -> putter.c
 *
 * Chunks travel in a fixed number of items, each a run of neighbours that are read at once, that
 * come back to the caller by the queue [idle]: that bounds memory, and a slow store slows reading
 * down. */
#include "vault/engine.h"

#include "base/failpoint.h"
#include "vault/inherit.h"
#include "vault/map_build.h"

/* While the writer waits for the store, the crew goes on with these. */
#define ITEMS_SPARE 12
#define RUN_BYTES ((size_t)1 << 20)	/* read at once, or one chunk if that is more */
#define RUN_CHUNKS (RUN_BYTES >> CHUNK_SHIFT_MIN)

enum { IDLE, WORK, DONE };	/* queues of the flow */

struct part {			/* one chunk of an item */
	size_t n;		/* plain bytes */
	bool is_zero, is_known;
	struct record rec;
	const uint8_t *out;	/* what is to be sealed: plain or packed */
	size_t out_n;
};

struct item {
	uint64_t chunk;		/* the first */
	unsigned count;
	struct part parts[RUN_CHUNKS];
	uint8_t *plain, *packed;	/* backup.run_bytes each, in backup.memory */
};

struct backup {
	struct vault_session *s;
	struct disk_src *src;
	char *name;		/* owned */
	int64_t size, total;	/* virtual bytes; bytes of chunks that may hold data */
	unsigned shift;		/* of chunks */
	uint8_t *used;		/* owned: bit per chunk that may hold data */
	uint64_t chunks;
	size_t run_bytes;
	struct flow flow;
	struct item *items;	/* owned */
	uint8_t *memory;	/* owned: 2 runs an item */
	unsigned item_count;
	_Atomic int64_t finished;	/* bytes */
	/* the writer's */
	struct codec *codec;
	uint8_t *scratch;	/* owned, MAP_NODE_MAX */
	struct map_build map;
	struct vault_disk_stats stats;
	int64_t data;
	struct inherit *inherit;	/* owned: what an incremental takes over; NULL for a full one */
};

static size_t chunk_length(const struct backup *b, uint64_t chunk)
{
	return grid_length(b->size, b->shift, chunk);
}

/* ---- which chunks ---- */
static int mark_extent(struct backup *b, const struct extent *x, struct err *e)
{
	if (x->offset < 0 || x->length < 0 || x->offset > b->size - x->length)
		return err_set(e, ERR_BUG, "extent %lld+%lld lies outside the disk",
		    (long long)x->offset, (long long)x->length);
	if (x->length == 0)
		return 0;
	for (uint64_t c = (uint64_t)x->offset >> b->shift;
	     c <= (uint64_t)(x->offset + x->length - 1) >> b->shift; c++)
		if (!bit_get(b->used, c)) {
			bit_set(b->used, c);
			b->total += (int64_t)chunk_length(b, c);
		}
	return 0;
}

/* Extents with data from byte `at` on, told to `mark`. */
static int find_data(struct backup *b, int64_t at,
    int (*mark)(struct backup *b, const struct extent *x, struct err *e), struct err *e)
{
	struct extent x[256];

	while (at < b->size) {
		int64_t next = at;
		size_t n = 0;

		if (disk_src_extents(b->src, at, b->size - at, x, ARRAY_LEN(x), &n, &next, e) != 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (mark(b, &x[i], e) != 0)
				return -1;
		if (next <= at)
			return err_set(e, ERR_BUG, "extents of the disk stop at %lld",
			    (long long)at);
		at = next;
	}
	return 0;
}

static int mark_grown(struct backup *b, const struct extent *x, struct err *e)
{
	return inherit_mark(b->inherit, x, e);
}

/* ---- crew: one thread's tools ---- */
struct hand {
	struct backup *b;
	struct codec *codec;
	struct chunk_reader reader;	/* for what is read back */
	uint8_t *scratch;	/* owned, CHUNK_MAX */
};

static void hand_done(struct hand *h)
{
	codec_free(h->codec);
	chunk_reader_done(&h->reader);
	free(h->scratch);
}

static int hand_init(struct hand *h, struct err *e)
{
	struct vault *v = h->b->s->v;

	h->scratch = malloc(CHUNK_MAX);
	if (h->scratch == NULL)
		return err_nomem(e);
	return codec_new(&v->keys, &h->codec, e) != 0 ? -1 : chunk_reader_init(&h->reader, v, e);
}

static int process_part(struct hand *h, struct part *p, const uint8_t *plain, uint8_t *packed,
    struct err *e)
{
	struct vault_session *s = h->b->s;
	struct chunk_place at;

	p->is_known = false;
	p->is_zero = is_zero(plain, p->n);
	if (p->is_zero)
		return 0;
	p->rec = (struct record){ .kind = RECORD_DATA, .plain_n = (uint32_t)p->n };
	if (codec_id(h->codec, RECORD_DATA, plain, p->n, &p->rec.id, e) != 0)
		return -1;
	p->is_known = vault_use(s->v, &p->rec.id, s->generation, &at) &&
	    session_trusts(s, &h->reader, &p->rec.id, p->n, h->scratch);
	if (p->is_known)
		return 0;
	p->out_n = codec_pack(h->codec, plain, p->n, packed);
	p->rec.codec = p->out_n > 0 ? CODEC_ZSTD : CODEC_RAW;
	p->out = p->out_n > 0 ? packed : plain;
	if (p->out_n == 0)
		p->out_n = p->n;
	return 0;
}

static int process(struct hand *h, struct item *it, struct err *e)
{
	const struct backup *b = h->b;
	size_t n = 0, at = 0;

	for (unsigned i = 0; i < it->count; i++) {
		it->parts[i].n = chunk_length(b, it->chunk + i);
		n += it->parts[i].n;
	}
	if (disk_src_read(b->src, it->plain, n, (int64_t)(it->chunk << b->shift), e) != 0)
		return -1;
	for (unsigned i = 0; i < it->count; i++) {
		if (process_part(h, &it->parts[i], it->plain + at, it->packed + at, e) != 0)
			return -1;
		at += it->parts[i].n;
	}
	return 0;
}

static void *crew_main(void *arg)
{
	struct backup *b = arg;
	cleanup_with(hand_done) struct hand h = { .b = b };
	struct err e = { 0 };
	struct item *it;

	if (hand_init(&h, &e) != 0) {
		flow_fail(&b->flow, &e);
		return NULL;
	}
	while ((it = queue_get(&b->flow.queues[WORK])) != NULL) {
		if (flow_failed(&b->flow))
			continue;
		if (process(&h, it, &e) != 0)
			flow_fail(&b->flow, &e);
		else if (!queue_put(&b->flow.queues[DONE], it))
			break;
	}
	return NULL;
}

/* ---- writer ---- */
static int64_t sealed_size(const struct record *r)
{
	return (int64_t)RECORD_HEADER_SIZE + r->sealed_n + AEAD_TAG_SIZE;
}

/* map_emit_fn: nodes are chunks too, so equal branches of two points are one. */
static int emit_node(void *arg, const void *p, size_t n, struct chunk_id *ret, struct err *e)
{
	struct backup *b = arg;
	int64_t sealed;

	if (session_add_plain(b->s, b->codec, RECORD_MAP, p, n, b->scratch, ret, &sealed, e) < 0)
		return -1;
	b->stats.stored += sealed;
	return 0;
}

static int take_part(struct backup *b, uint64_t chunk, struct part *p, struct err *e)
{
	int added = 0;

	b->stats.read += (int64_t)p->n;
	if (p->is_zero)
		return map_build_set(&b->map, chunk, NULL, e);
	if (!p->is_known) {
		added = session_add(b->s, &p->rec, p->out, p->out_n, e);
		if (added < 0)
			return -1;
	}
	if (added > 0)
		b->stats.stored += sealed_size(&p->rec);
	else
		b->stats.reused += (int64_t)p->n;
	b->data += (int64_t)p->n;
	return map_build_set(&b->map, chunk, &p->rec.id, e);
}

static int take_item(struct backup *b, struct item *it, struct err *e)
{
	for (unsigned i = 0; i < it->count; i++) {
		if (take_part(b, it->chunk + i, &it->parts[i], e) != 0)
			return -1;
		atomic_fetch_add(&b->finished, (int64_t)it->parts[i].n);
	}
	return 0;
}

static void *writer_main(void *arg)
{
	struct backup *b = arg;
	struct err e = { 0 };
	struct item *it;

	while ((it = queue_get(&b->flow.queues[DONE])) != NULL) {
		if (flow_failed(&b->flow))
			continue;
		if (take_item(b, it, &e) != 0) {
			flow_fail(&b->flow, &e);
			continue;
		}
		if (!queue_put(&b->flow.queues[IDLE], it))
			break;
	}
	return NULL;
}

/* ---- caller ---- */
static int tick(struct backup *b, const struct vault_progress *p, struct err *e)
{
	if (failpoint("backup/chunk", e) != 0)
		return -1;
	if (p != NULL && p->tick(p->arg, atomic_load(&b->finished), b->total))
		return err_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

static bool is_wanted(const struct backup *b, uint64_t chunk)
{
	return bit_get(b->used, chunk) && (b->inherit == NULL || inherit_is_dirty(b->inherit, chunk));
}

/* How many chunks from `first` on, all wanted, are read at once. */
static unsigned run_length(const struct backup *b, uint64_t first)
{
	unsigned n = 1, max = (unsigned)(b->run_bytes >> b->shift);

	/* Runs keep to a grid of their own: neighbours are then split alike in every backup. */
	while (n < max && first + n < b->chunks && (first + n) % max != 0 && is_wanted(b, first + n))
		n++;
	return n;
}

static void feed(struct backup *b, const struct vault_progress *p)
{
	struct err e = { 0 };

	for (uint64_t c = 0; c < b->chunks && !flow_failed(&b->flow);) {
		struct item *it;

		if (!is_wanted(b, c)) {
			c++;
			continue;
		}
		if (tick(b, p, &e) != 0) {
			flow_fail(&b->flow, &e);
			return;
		}
		it = queue_get(&b->flow.queues[IDLE]);
		if (it == NULL)
			return;
		it->chunk = c;
		it->count = run_length(b, c);
		c += it->count;
		if (!queue_put(&b->flow.queues[WORK], it))
			return;
	}
}

/* Every thread started is joined before this returns. */
static int run(struct backup *b, const struct vault_progress *p, struct err *e)
{
	struct crew crew = { .n = 0 }, writer = { .n = 0 };
	struct err start = { 0 };

	if (crew_start(&crew, crew_size(), crew_main, b, &start) != 0 ||
	    crew_start(&writer, 1, writer_main, b, &start) != 0)
		flow_fail(&b->flow, &start);
	else
		feed(b, p);
	queue_close(&b->flow.queues[WORK]);
	crew_join(&crew);
	queue_close(&b->flow.queues[DONE]);
	crew_join(&writer);
	if (flow_result(&b->flow, e) != 0)
		return -1;
	return tick(b, p, e);
}

static int make_items(struct backup *b, struct err *e)
{
	b->run_bytes = RUN_BYTES > (size_t)1 << b->shift ? RUN_BYTES : (size_t)1 << b->shift;
	b->item_count = crew_size() * 2 + ITEMS_SPARE;
	if (b->item_count > b->chunks)
		b->item_count = (unsigned)b->chunks;
	b->items = calloc(b->item_count + (size_t)1, sizeof(b->items[0]));
	b->memory = aligned_alloc(IO_ALIGN, b->item_count * 2 * b->run_bytes + IO_ALIGN);
	if (b->items == NULL || b->memory == NULL ||
	    flow_init(&b->flow, b->item_count + 1, e) != 0)
		return err_nomem(e);
	for (unsigned i = 0; i < b->item_count; i++) {
		b->items[i].plain = b->memory + i * 2 * b->run_bytes;
		b->items[i].packed = b->items[i].plain + b->run_bytes;
		if (!queue_put(&b->flow.queues[IDLE], &b->items[i]))
			return err_nomem(e);
	}
	return 0;
}

static void backup_done(struct backup *b)
{
	free(b->items);
	free(b->memory);
	flow_done(&b->flow);
	map_build_done(&b->map);
	codec_free(b->codec);
	free(b->scratch);
	free(b->name);
	free(b->used);
	inherit_free(b->inherit);
}

static int make_room(struct vault_session *s, struct err *e)
{
	return GROW(s->disks, s->disk_count, s->disk_cap, 8, e);
}

/* The disk becomes one of the session's. */
static void add_disk(struct backup *b)
{
	struct vault_session *s = b->s;

	s->disks[s->disk_count++] = (struct point_disk){
		.name = TAKE(b->name),
		.size = b->size,
		.data = b->data,
		.chunk_shift = b->shift,
		.levels = b->map.has_root ? b->map.levels : 0,
		.root = b->map.root,
	};
}

/* What changed since the base; all that is there where its map cannot be read. */
static int plan_since(struct backup *b, struct err *e)
{
	if (find_data(b, inherit_end(b->inherit), mark_grown, e) != 0)
		return -1;
	if (inherit_plan(b->inherit, b->used, e) == 0) {
		for (uint64_t c = 0; c < b->chunks; c++)
			if (is_wanted(b, c))
				b->total += (int64_t)chunk_length(b, c);
		return 0;
	}
	if (e->kind != ERR_CORRUPT)
		return -1;
	inherit_free(TAKE(b->inherit));
	memset(b->used, 0, b->chunks / 8 + 1);
	return find_data(b, 0, mark_extent, e);
}

/* A full backup asks the source where data is; an incremental knows. */
static int plan(struct backup *b, struct err *e)
{
	return b->inherit == NULL ? find_data(b, 0, mark_extent, e) : plan_since(b, e);
}

/* What is taken over goes into the map before anything else does. */
static int take_over(struct backup *b, struct err *e)
{
	if (b->inherit == NULL)
		return 0;
	b->data = inherit_data(b->inherit);
	b->stats.reused = b->data;
	return inherit_apply(b->inherit, &b->map, e);
}

/* The grid: that of the base, so that its map can be taken over, or the session's. */
static int set_grid(struct backup *b, const struct vault_base *base, struct err *e)
{
	b->size = disk_src_size(b->src);
	b->shift = b->s->chunk_shift;
	if (base != NULL &&
	    inherit_open(b->s, base, b->size, &b->shift, &b->inherit, e) != 0)
		return -1;
	b->chunks = grid_chunks(b->size, b->shift);
	b->used = calloc(1, b->chunks / 8 + 1);
	return b->used == NULL ? err_nomem(e) : 0;
}

static int backup_disk(struct backup *b, const char *name, const struct vault_base *base,
    const struct vault_progress *p, struct err *e)
{
	for (size_t i = 0; i < b->s->disk_count; i++)
		if (strcmp(b->s->disks[i].name, name) == 0)
			return err_set(e, ERR_CONFLICT, "the session has that disk already");
	if (b->s->disk_count >= POINT_DISKS_MAX)
		return err_set(e, ERR_INVALID, "a point holds at most %u disks", POINT_DISKS_MAX);
	b->name = strdup(name);
	b->scratch = malloc(MAP_NODE_MAX);
	if (b->name == NULL || b->scratch == NULL)
		return err_nomem(e);
	if (set_grid(b, base, e) != 0)
		return -1;
	map_build_init(&b->map, b->size, b->shift, b->used, emit_node, b);
	if (codec_new(&b->s->v->keys, &b->codec, e) != 0 || plan(b, e) != 0 ||
	    make_items(b, e) != 0 || take_over(b, e) != 0 || run(b, p, e) != 0 ||
	    make_room(b->s, e) != 0)
		return -1;
	b->stats.virtual_size = b->size;
	add_disk(b);
	return 0;
}

int vault_backup_disk_since(struct vault_session *s, const char *name, struct disk_src *src,
    const struct vault_base *base, const struct vault_progress *progress,
    struct vault_disk_stats *ret_stats, struct err *e)
{
	cleanup_with(backup_done) struct backup b = { .s = s, .src = src };

	if (backup_disk(&b, name, base, progress, e) != 0)
		return err_in(e, "backing up disk '%.100s'", name);
	*ret_stats = b.stats;
	return 0;
}

int vault_backup_disk(struct vault_session *s, const char *name, struct disk_src *src,
    const struct vault_progress *progress, struct vault_disk_stats *ret_stats, struct err *e)
{
	return vault_backup_disk_since(s, name, src, NULL, progress, ret_stats, e);
}
