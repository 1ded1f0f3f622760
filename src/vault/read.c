/* read.c - see read.h.
 *
 *   caller: walks the map in disk order, a window at a time in the order of packs -> [work] ->
 *   crew: fetch, open, decompress, check the id, write
 *
 * Work travels in a fixed number of items that come back by [idle]; holding
 * all of them means that nothing is under way. */
#include "vault/read.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "vault/map_build.h"
#include "vault/target.h"

#define SYNC_EVERY ((int64_t)256 << 20)	/* bytes of disk between durable positions */
#define WINDOW 64u			/* runs that are put in the order of packs */
#define RUN_BYTES ((size_t)1 << 20)	/* of a run, or one chunk if that is more */
#define RUN_CHUNKS (RUN_BYTES >> CHUNK_SHIFT_MIN)

enum { IDLE, WORK };		/* queues of the flow */

struct item {			/* a run of neighbouring chunks */
	uint64_t chunk;		/* the first */
	unsigned count;
	struct chunk_id ids[RUN_CHUNKS];
	uint64_t place;		/* of the first, pack and offset, to sort by */
};

struct reading {
	const struct disk_read *d;
	unsigned shift;
	uint64_t chunks;
	struct flow flow;
	struct item *items;	/* owned */
	unsigned item_count;
	struct item window[WINDOW];
	unsigned in_window;
	unsigned run_max;	/* chunks */
	_Atomic int64_t finished;	/* bytes */
	int64_t synced;		/* the caller's: durable up to here */
	int64_t began_us, paced;	/* the caller's: bytes handed out since */
	uint64_t next_hole;	/* the caller's: first chunk not looked at for holes */
	struct chunk_reader nodes;	/* the caller's */
	struct map_node *level[MAP_LEVELS_MAX];	/* owned: the path of the walk */
	uint8_t *bytes;		/* owned, CHUNK_MAX: a node as read */
};

static size_t chunk_length(const struct reading *r, uint64_t chunk)
{
	return grid_length(r->d->disk->size, r->shift, chunk);
}

static void touch(const struct disk_read *d, uint32_t pack)
{
	if (d->touched != NULL && pack < d->touched_n)
		atomic_store_explicit(&d->touched[pack], 1, memory_order_relaxed);
}

static void note_bad(const struct disk_read *d, const struct chunk_id *id, const struct err *why)
{
	if (why->kind != ERR_CORRUPT)
		return;
	if (d->bad != NULL)
		vault_report_bad(d->v, id);
	else
		vault_note_bad(d->v, id);
}

/* ---- crew ---- */
struct hand {
	struct reading *r;
	struct chunk_reader reader;
	uint8_t *plain;		/* owned: a run and room for one chunk more */
};

static void hand_done(struct hand *h)
{
	chunk_reader_done(&h->reader);
	free(h->plain);
}

static int fetch(struct hand *h, const struct chunk_id *id, uint8_t *out, size_t want,
    struct err *e)
{
	uint32_t pack;
	size_t n = 0;

	if (chunk_read(&h->reader, RECORD_DATA, id, out, &n, &pack, e) != 0)
		return -1;
	touch(h->r->d, pack);
	if (n != want)
		return err_set(e, ERR_CORRUPT, "chunk of %zu bytes, not %zu", n, want);
	return 0;
}

/* One chunk of a run into `out`.  *ret_write: the sink is to get it. */
static int process_chunk(struct hand *h, uint64_t chunk, const struct chunk_id *id, uint8_t *out,
    bool *ret_write, struct err *e)
{
	const struct disk_read *d = h->r->d;
	size_t n = chunk_length(h->r, chunk);
	int64_t offset = (int64_t)(chunk << h->r->shift);
	bool is_there = false;

	*ret_write = false;
	if (d->is_in_place && d->only == NULL &&
	    target_has(d, h->reader.codec, chunk, id, out, &is_there, e) != 0)
		return -1;
	if (is_there)
		return 0;
	if (fetch(h, id, out, n, e) != 0) {
		(void)err_in(e, "at byte %lld", (long long)offset);
		note_bad(d, id, e);
		if (e->kind != ERR_CORRUPT || d->bad == NULL)
			return -1;
		d->bad(d->arg, offset, e);
		return 0;
	}
	if (d->skip_seen && (vault_flags(d->v, id) & CHUNK_BAD) != 0)
		vault_clear_bad(d->v, id);
	if (d->skip_seen)
		vault_raise(d->v, id, CHUNK_SEEN);
	*ret_write = d->sink != NULL;
	return 0;
}

/* Bytes [from, to) of the run were collected. */
static int write_part(struct hand *h, const struct item *it, size_t from, size_t to, struct err *e)
{
	const struct disk_read *d = h->r->d;

	if (from == to)
		return 0;
	if (disk_sink_write(d->sink, h->plain + from, to - from,
		(int64_t)(it->chunk << h->r->shift) + (int64_t)from, e) != 0)
		return -1;
	target_wrote(d, to - from);
	return 0;
}

static int process(struct hand *h, const struct item *it, struct err *e)
{
	size_t from = 0, to = 0;

	if (!(h->r->d->is_in_place && h->r->d->only == NULL))
		chunk_prefetch(&h->reader, it->ids, it->count);
	for (unsigned i = 0; i < it->count; i++) {
		size_t n = chunk_length(h->r, it->chunk + i);
		bool is_written;

		if (process_chunk(h, it->chunk + i, &it->ids[i], h->plain + to, &is_written, e) != 0)
			return -1;
		if (!is_written && write_part(h, it, from, to, e) != 0)
			return -1;
		to += n;
		if (!is_written)
			from = to;
	}
	if (write_part(h, it, from, to, e) != 0)
		return -1;
	atomic_fetch_add(&h->r->finished, (int64_t)to);
	return 0;
}

static void *crew_main(void *arg)
{
	struct reading *r = arg;
	cleanup_with(hand_done) struct hand h = {
		.r = r, .plain = aligned_alloc(IO_ALIGN, RUN_BYTES + CHUNK_MAX),
	};
	struct err e = { 0 };
	struct item *it;

	if (h.plain == NULL ? err_nomem(&e) != 0 : chunk_reader_init(&h.reader, r->d->v, &e) != 0) {
		flow_fail(&r->flow, &e);
		return NULL;
	}
	h.reader.asks_peer = r->d->sink != NULL;
	while ((it = queue_get(&r->flow.queues[WORK])) != NULL) {
		if (flow_failed(&r->flow))
			continue;
		if (process(&h, it, &e) != 0)
			flow_fail(&r->flow, &e);
		else if (!queue_put(&r->flow.queues[IDLE], it))
			break;
	}
	return NULL;
}

/* ---- caller ---- */
static int stopped(struct err *e)
{
	/* The flow's own failure replaces this one. */
	return err_set(e, ERR_CANCELLED, "stopped");
}

static int tick(struct reading *r, struct err *e)
{
	const struct vault_progress *p = r->d->progress;

	if (failpoint(r->d->sink != NULL ? "restore/chunk" : "verify/chunk", e) != 0)
		return -1;
	if (p != NULL &&
	    p->tick(p->arg, r->d->before + atomic_load(&r->finished), r->d->total))
		return err_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

/* Keep to the rate that was asked for. */
static void pace(struct reading *r, size_t n)
{
	int64_t due;

	if (r->d->bytes_per_s <= 0)
		return;
	r->paced += (int64_t)n;
	due = r->began_us + (int64_t)((double)r->paced / (double)r->d->bytes_per_s * 1e6);
	clock_sleep_until(due);
}

static int by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

static size_t run_length(const struct reading *r, const struct item *it)
{
	size_t n = 0;

	for (unsigned i = 0; i < it->count; i++)
		n += chunk_length(r, it->chunk + i);
	return n;
}

/* Hand the window's runs out. */
static int flush(struct reading *r, struct err *e)
{
	qsort(r->window, r->in_window, sizeof(r->window[0]), by_place);
	for (unsigned i = 0; i < r->in_window; i++) {
		struct item *it;

		if (tick(r, e) != 0)
			return -1;
		pace(r, run_length(r, &r->window[i]));
		it = queue_get(&r->flow.queues[IDLE]);
		if (it == NULL)
			return stopped(e);
		*it = r->window[i];
		if (!queue_put(&r->flow.queues[WORK], it))
			return stopped(e);
	}
	r->in_window = 0;
	return 0;
}

/* Wait until everything handed out so far is written. */
static int drain(struct reading *r, struct err *e)
{
	unsigned held = 0;

	if (flush(r, e) != 0)
		return -1;
	while (held < r->item_count && queue_get(&r->flow.queues[IDLE]) != NULL)
		held++;
	if (held < r->item_count || flow_failed(&r->flow))
		return stopped(e);
	for (unsigned i = 0; i < r->item_count; i++)
		if (!queue_put(&r->flow.queues[IDLE], &r->items[i]))
			return stopped(e);
	return 0;
}

/* All of the disk before `offset` was handed out: make it durable. */
static int sync_to(struct reading *r, int64_t offset, struct err *e)
{
	const struct disk_read *d = r->d;

	if (drain(r, e) != 0)
		return -1;
	if (d->sink != NULL && disk_sink_sync(d->sink, e) != 0)
		return -1;
	r->synced = offset;
	if (d->io_durable != NULL && *d->io_durable < offset)
		*d->io_durable = offset;
	return d->reached != NULL ? d->reached(d->arg, offset, e) : 0;
}

/* No chunk of the map lies in [r->next_hole, end): in place, nothing may be left there. */
static int pass_holes(struct reading *r, uint64_t end, struct err *e)
{
	uint64_t first = r->next_hole;
	uint64_t from = (uint64_t)r->d->from >> r->shift;

	if (first >= end)
		return 0;
	r->next_hole = end;
	if (first < from)
		first = from;
	if (!r->d->is_in_place || first >= end)
		return 0;
	return target_clear(r->d, first, end, e);
}

/* Into the run at the window's end, or a new one. */
static void add_to_window(struct reading *r, uint64_t chunk, const struct chunk_id *id)
{
	struct item *it = r->in_window > 0 ? &r->window[r->in_window - 1] : NULL;
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	if (it == NULL || it->count == r->run_max || it->chunk + it->count != chunk) {
		it = &r->window[r->in_window++];
		it->chunk = chunk;
		it->count = 0;
		it->place = UINT64_MAX;
		if (vault_find(r->d->v, id, &at, pack))
			it->place = (uint64_t)at.pack << 32 | at.offset;
	}
	it->ids[it->count++] = *id;
}

static bool is_skipped(struct reading *r, uint64_t chunk, const struct chunk_id *id)
{
	const struct disk_read *d = r->d;
	bool is_before = (int64_t)(chunk << r->shift) < d->from;
	unsigned flags;

	if (d->only != NULL && !bit_get(d->only, chunk))
		return true;
	if (!d->skip_seen)
		return is_before;
	flags = vault_flags(d->v, id);
	if (is_before && (flags & CHUNK_BAD) == 0)
		vault_raise(d->v, id, CHUNK_SEEN);	/* it was read before an interruption */
	/* What is bad is told of each point that has it. */
	return is_before || ((flags & CHUNK_SEEN) != 0 && (flags & CHUNK_BAD) == 0);
}

static int hand_out(struct reading *r, uint64_t chunk, const struct chunk_id *id, struct err *e)
{
	int64_t offset = (int64_t)(chunk << r->shift);

	if (pass_holes(r, chunk, e) != 0)
		return -1;
	r->next_hole = chunk + 1;
	if (is_skipped(r, chunk, id)) {
		atomic_fetch_add(&r->finished, (int64_t)chunk_length(r, chunk));
		return 0;
	}
	if (offset - r->synced >= SYNC_EVERY && sync_to(r, offset, e) != 0)
		return -1;
	add_to_window(r, chunk, id);
	return r->in_window == WINDOW ? flush(r, e) : 0;
}

static int load_node(struct reading *r, unsigned level, const struct chunk_id *id, struct err *e)
{
	uint32_t pack;

	if (r->level[level] == NULL)
		r->level[level] = malloc(sizeof(*r->level[level]));
	if (r->level[level] == NULL)
		return err_nomem(e);
	if (node_read(&r->nodes, id, level, r->bytes, r->level[level], &pack, e) != 0) {
		note_bad(r->d, id, e);
		return -1;
	}
	touch(r->d, pack);
	return 0;
}

/* Is any chunk of the subtree wanted? */
static bool is_wanted(const struct reading *r, unsigned level, uint64_t index)
{
	uint64_t first = index << (MAP_SHIFT * level);
	uint64_t end = first + ((uint64_t)1 << (MAP_SHIFT * level));

	if (r->d->only == NULL)
		return true;
	for (uint64_t c = first; c < end && c < r->chunks; c++)
		if (bit_get(r->d->only, c))
			return true;
	return false;
}

static int walk(struct reading *r, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	const struct map_node *n;
	struct err why = { 0 };

	if (load_node(r, level, id, &why) != 0) {
		if (why.kind == ERR_CORRUPT && r->d->bad != NULL) {
			r->d->bad(r->d->arg, (int64_t)(index << (MAP_SHIFT * (level + 1)) << r->shift),
			    &why);
			return 0;	/* what lies below cannot be told */
		}
		*e = why;
		return -1;
	}
	n = r->level[level];
	for (unsigned i = 0; i < MAP_FANOUT; i++) {
		uint64_t child = index << MAP_SHIFT | i;

		if (!map_node_has(n, i))
			continue;
		if (child << (MAP_SHIFT * level) >= r->chunks)
			return err_set(e, ERR_CORRUPT, "map of the disk goes past its end");
		if (!is_wanted(r, level, child))
			continue;
		if ((level == 0 ? hand_out(r, child, &n->child[i], e) :
			    walk(r, level - 1, child, &n->child[i], e)) != 0)
			return -1;
	}
	return 0;
}

static int walk_all(struct reading *r, struct err *e)
{
	const struct point_disk *disk = r->d->disk;

	if (disk->levels > 0 && walk(r, disk->levels - 1, 0, &disk->root, e) != 0)
		return -1;
	if (pass_holes(r, r->chunks, e) != 0)
		return -1;
	return sync_to(r, disk->size, e) != 0 ? -1 : tick(r, e);
}

static int prepare(struct reading *r, struct err *e)
{
	r->run_max = r->shift < 20 ? (unsigned)(RUN_BYTES >> r->shift) : 1;
	r->item_count = crew_size() * 2 + 2;
	r->items = calloc(r->item_count, sizeof(r->items[0]));
	r->bytes = malloc(CHUNK_MAX);
	if (r->items == NULL || r->bytes == NULL)
		return err_nomem(e);
	if (flow_init(&r->flow, r->item_count, e) != 0 ||
	    chunk_reader_init(&r->nodes, r->d->v, e) != 0)
		return -1;
	r->nodes.asks_peer = r->d->sink != NULL;
	for (unsigned i = 0; i < r->item_count; i++)
		if (!queue_put(&r->flow.queues[IDLE], &r->items[i]))
			return err_nomem(e);
	return 0;
}

static void reading_free(struct reading **at)
{
	struct reading *r = *at;

	if (r == NULL)
		return;
	for (unsigned i = 0; i < MAP_LEVELS_MAX; i++)
		free(r->level[i]);
	free(r->bytes);
	free(r->items);
	chunk_reader_done(&r->nodes);
	flow_done(&r->flow);
	free(r);
}

int disk_read_all(const struct disk_read *d, struct err *e)
{
	cleanup_with(reading_free) struct reading *r = calloc(1, sizeof(*r));
	struct crew crew = { .n = 0 };
	struct err own = { 0 };

	if (r == NULL)
		return err_nomem(e);
	r->d = d;
	r->shift = d->disk->chunk_shift;
	r->chunks = grid_chunks(d->disk->size, r->shift);
	r->synced = d->from;
	r->began_us = clock_monotonic_us();
	if (prepare(r, e) != 0)
		return -1;
	if (crew_start(&crew, crew_size(), crew_main, r, &own) != 0 || walk_all(r, &own) != 0)
		flow_fail(&r->flow, &own);	/* without effect if the flow failed first */
	queue_close(&r->flow.queues[WORK]);
	crew_join(&crew);
	return flow_result(&r->flow, e);
}
