/* read.c - see read.h.
 *
 *   caller: walks the map in disk order -> [work] -> crew: fetch, open,
 *   decompress, check the id, write
 *
 * Work travels in a fixed number of items that come back by [idle]; holding
 * all of them means that nothing is under way. */
#include "vault/read.h"

#include "base/failpoint.h"

#define SYNC_EVERY ((int64_t)256 << 20)	/* bytes of disk between durable positions */

enum { IDLE, WORK };		/* queues of the flow */

struct item {
	uint64_t chunk;
	struct chunk_id id;
};

struct reading {
	const struct disk_read *d;
	struct flow flow;
	struct item *items;	/* owned */
	unsigned item_count;
	_Atomic int64_t finished;	/* bytes */
	int64_t synced;		/* the caller's: durable up to here */
	struct chunk_reader nodes;	/* the caller's */
	struct map_node *level[MAP_LEVELS_MAX];	/* owned: the path of the walk */
	uint8_t *bytes;		/* owned, CHUNK_SIZE: a node as read */
};

static size_t chunk_length(const struct point_disk *d, uint64_t chunk)
{
	int64_t left = d->size - (int64_t)(chunk << CHUNK_SHIFT);

	return left < (int64_t)CHUNK_SIZE ? (size_t)left : CHUNK_SIZE;
}

static void touch(const struct disk_read *d, uint32_t pack)
{
	if (d->touched != NULL && pack < d->touched_n)
		atomic_store_explicit(&d->touched[pack], 1, memory_order_relaxed);
}

/* ---- crew ---- */
static int process(struct reading *r, struct chunk_reader *cr, const struct item *it,
    uint8_t *plain, struct err *e)
{
	size_t want = chunk_length(r->d->disk, it->chunk), n = 0;
	int64_t offset = (int64_t)(it->chunk << CHUNK_SHIFT);
	uint32_t pack;

	if (chunk_read(cr, RECORD_DATA, &it->id, plain, &n, &pack, e) != 0)
		return err_in(e, "at byte %lld", (long long)offset);
	touch(r->d, pack);
	if (n != want)
		return err_set(e, ERR_CORRUPT, "at byte %lld: chunk of %zu bytes, not %zu",
		    (long long)offset, n, want);
	if (r->d->sink != NULL && disk_sink_write(r->d->sink, plain, n, offset, e) != 0)
		return -1;
	atomic_fetch_add(&r->finished, (int64_t)n);
	return 0;
}

static void *crew_main(void *arg)
{
	struct reading *r = arg;
	cleanup_with(chunk_reader_done) struct chunk_reader cr = { 0 };
	auto_free uint8_t *plain = aligned_alloc(IO_ALIGN, CHUNK_SIZE);
	struct err e = { 0 };
	struct item *it;

	if (plain == NULL ? err_nomem(&e) != 0 : chunk_reader_init(&cr, r->d->v, &e) != 0) {
		flow_fail(&r->flow, &e);
		return NULL;
	}
	while ((it = queue_get(&r->flow.queues[WORK])) != NULL) {
		if (flow_failed(&r->flow))
			continue;
		if (process(r, &cr, it, plain, &e) != 0)
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

/* Wait until everything handed out so far is written. */
static int drain(struct reading *r, struct err *e)
{
	unsigned held = 0;

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
	if (drain(r, e) != 0)
		return -1;
	if (r->d->sink != NULL && disk_sink_sync(r->d->sink, e) != 0)
		return -1;
	r->synced = offset;
	if (r->d->io_durable != NULL && *r->d->io_durable < offset)
		*r->d->io_durable = offset;
	return 0;
}

static int tick(struct reading *r, struct err *e)
{
	const struct vault_progress *p = r->d->progress;

	if (p != NULL &&
	    p->tick(p->arg, r->d->before + atomic_load(&r->finished), r->d->total))
		return err_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

static int hand_out(struct reading *r, uint64_t chunk, const struct chunk_id *id, struct err *e)
{
	int64_t offset = (int64_t)(chunk << CHUNK_SHIFT);
	struct item *it;

	if (offset < r->d->from) {
		atomic_fetch_add(&r->finished, (int64_t)chunk_length(r->d->disk, chunk));
		return 0;
	}
	if (r->d->sink != NULL && offset - r->synced >= SYNC_EVERY && sync_to(r, offset, e) != 0)
		return -1;
	if (failpoint(r->d->sink != NULL ? "restore/chunk" : "verify/chunk", e) != 0 ||
	    tick(r, e) != 0)
		return -1;
	it = queue_get(&r->flow.queues[IDLE]);
	if (it == NULL)
		return stopped(e);
	*it = (struct item){ .chunk = chunk, .id = *id };
	return queue_put(&r->flow.queues[WORK], it) ? 0 : stopped(e);
}

static int load_node(struct reading *r, unsigned level, const struct chunk_id *id, struct err *e)
{
	uint32_t pack;
	size_t n = 0;

	if (r->level[level] == NULL)
		r->level[level] = malloc(sizeof(*r->level[level]));
	if (r->level[level] == NULL)
		return err_nomem(e);
	if (chunk_read(&r->nodes, RECORD_MAP, id, r->bytes, &n, &pack, e) != 0 ||
	    map_node_parse(r->bytes, n, r->level[level], e) != 0)
		return err_in(e, "map of the disk");
	touch(r->d, pack);
	if (r->level[level]->level != level)
		return err_set(e, ERR_CORRUPT, "map of the disk: node of level %u at level %u",
		    r->level[level]->level, level);
	return 0;
}

static int walk(struct reading *r, unsigned level, uint64_t index, const struct chunk_id *id,
    struct err *e)
{
	const struct map_node *n;

	if (load_node(r, level, id, e) != 0)
		return -1;
	n = r->level[level];
	for (unsigned i = 0; i < MAP_FANOUT; i++) {
		uint64_t child = index << MAP_SHIFT | i;

		if (!map_node_has(n, i))
			continue;
		if (child << (MAP_SHIFT * level) >=
		    ((uint64_t)r->d->disk->size + CHUNK_SIZE - 1) >> CHUNK_SHIFT)
			return err_set(e, ERR_CORRUPT, "map of the disk goes past its end");
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
	return sync_to(r, disk->size, e) != 0 ? -1 : tick(r, e);
}

static int prepare(struct reading *r, struct err *e)
{
	r->item_count = crew_size() * 2 + 2;
	r->items = calloc(r->item_count, sizeof(r->items[0]));
	r->bytes = malloc(CHUNK_SIZE);
	if (r->items == NULL || r->bytes == NULL)
		return err_nomem(e);
	if (flow_init(&r->flow, r->item_count, e) != 0 ||
	    chunk_reader_init(&r->nodes, r->d->v, e) != 0)
		return -1;
	for (unsigned i = 0; i < r->item_count; i++)
		if (!queue_put(&r->flow.queues[IDLE], &r->items[i]))
			return err_nomem(e);
	return 0;
}

static void reading_done(struct reading *r)
{
	for (unsigned i = 0; i < MAP_LEVELS_MAX; i++)
		free(r->level[i]);
	free(r->bytes);
	free(r->items);
	chunk_reader_done(&r->nodes);
	flow_done(&r->flow);
}

int disk_read_all(const struct disk_read *d, struct err *e)
{
	cleanup_with(reading_done) struct reading r = { .d = d, .synced = d->from };
	struct crew crew = { .n = 0 };
	struct err own = { 0 };

	if (prepare(&r, e) != 0)
		return -1;
	if (crew_start(&crew, crew_size(), crew_main, &r, &own) != 0 || walk_all(&r, &own) != 0)
		flow_fail(&r.flow, &own);	/* without effect if the flow failed first */
	queue_close(&r.flow.queues[WORK]);
	crew_join(&crew);
	return flow_result(&r.flow, e);
}
