/* backup.c - one disk into the vault.
 *
 *   caller: which chunks hold data -> [work] -> crew: read, zero?, id, known?,
 *   compress -> [done] -> writer: seal into the pack, put full packs, map tree
 *
 * Chunks travel in a fixed number of items that come back to the caller by
 * the queue [idle]: that bounds memory, and a slow store slows reading down. */
#include "vault/engine.h"

#include "base/failpoint.h"
#include "vault/flow.h"
#include "vault/inherit.h"
#include "vault/map_build.h"

/* While the writer waits for a put, the crew goes on with these. */
#define ITEMS_SPARE 20

enum { IDLE, WORK, DONE };	/* queues of the flow */

struct item {
	uint64_t chunk;
	size_t n;		/* plain bytes */
	bool zero, known;
	struct record rec;
	const uint8_t *out;	/* what is to be sealed: plain or packed */
	size_t out_n;
	uint8_t *plain, *packed;	/* CHUNK_SIZE each, in backup.memory */
};

struct backup {
	struct vault_session *s;
	struct disk_src *src;
	char *name;		/* owned */
	int64_t size, total;	/* virtual bytes; bytes of chunks that may hold data */
	uint8_t *used;		/* owned: bit per chunk that may hold data */
	uint64_t chunks;
	struct flow flow;
	struct item *items;	/* owned */
	uint8_t *memory;	/* owned: 2 chunks an item */
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
	int64_t left = b->size - (int64_t)(chunk << CHUNK_SHIFT);

	return left < (int64_t)CHUNK_SIZE ? (size_t)left : CHUNK_SIZE;
}

/* ---- which chunks ---- */
static int mark_extent(struct backup *b, const struct extent *x, struct err *e)
{
	if (x->offset < 0 || x->length < 0 || x->offset > b->size - x->length)
		return err_set(e, ERR_BUG, "extent %lld+%lld lies outside the disk",
		    (long long)x->offset, (long long)x->length);
	if (x->length == 0)
		return 0;
	for (uint64_t c = (uint64_t)x->offset >> CHUNK_SHIFT;
	     c <= (uint64_t)(x->offset + x->length - 1) >> CHUNK_SHIFT; c++)
		if (!bit_get(b->used, c)) {
			bit_set(b->used, c);
			b->total += (int64_t)chunk_length(b, c);
		}
	return 0;
}

static int find_data(struct backup *b, struct err *e)
{
	struct extent x[256];
	int64_t at = 0;

	while (at < b->size) {
		int64_t next = at;
		size_t n = 0;

		if (disk_src_extents(b->src, at, b->size - at, x, ARRAY_LEN(x), &n, &next, e) != 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (mark_extent(b, &x[i], e) != 0)
				return -1;
		if (next <= at)
			return err_set(e, ERR_BUG, "extents of the disk stop at %lld",
			    (long long)at);
		at = next;
	}
	return 0;
}

/* ---- crew ---- */
static int process(struct backup *b, struct codec *c, struct item *it, struct err *e)
{
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	it->n = chunk_length(b, it->chunk);
	if (disk_src_read(b->src, it->plain, it->n, (int64_t)(it->chunk << CHUNK_SHIFT), e) != 0)
		return -1;
	it->known = false;
	it->zero = is_zero(it->plain, it->n);
	if (it->zero)
		return 0;
	it->rec = (struct record){ .kind = RECORD_DATA, .plain_n = (uint32_t)it->n };
	if (codec_id(c, RECORD_DATA, it->plain, it->n, &it->rec.id, e) != 0)
		return -1;
	it->known = vault_find(b->s->v, &it->rec.id, &at, pack);
	if (it->known)
		return 0;
	it->out_n = codec_pack(c, it->plain, it->n, it->packed);
	it->rec.codec = it->out_n > 0 ? CODEC_ZSTD : CODEC_RAW;
	it->out = it->out_n > 0 ? it->packed : it->plain;
	if (it->out_n == 0)
		it->out_n = it->n;
	return 0;
}

static void codec_p(struct codec **c)
{
	codec_free(*c);
}

static void *crew_main(void *arg)
{
	struct backup *b = arg;
	cleanup_with(codec_p) struct codec *c = NULL;
	struct err e = { 0 };
	struct item *it;

	if (codec_new(&b->s->v->keys, &c, &e) != 0) {
		flow_fail(&b->flow, &e);
		return NULL;
	}
	while ((it = queue_get(&b->flow.queues[WORK])) != NULL) {
		if (flow_failed(&b->flow))
			continue;
		if (process(b, c, it, &e) != 0)
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
	struct record r = { .kind = RECORD_MAP, .plain_n = (uint32_t)n };
	size_t packed = codec_pack(b->codec, p, n, b->scratch);
	int added;

	if (codec_id(b->codec, RECORD_MAP, p, n, &r.id, e) != 0)
		return -1;
	r.codec = packed > 0 ? CODEC_ZSTD : CODEC_RAW;
	added = session_add(b->s, &r, packed > 0 ? b->scratch : p, packed > 0 ? packed : n, e);
	if (added < 0)
		return -1;
	if (added > 0)
		b->stats.stored += sealed_size(&r);
	*ret = r.id;
	return 0;
}

static int take_item(struct backup *b, struct item *it, struct err *e)
{
	int added = 0;

	b->stats.read += (int64_t)it->n;
	if (it->zero)
		return map_build_set(&b->map, it->chunk, NULL, e);
	if (!it->known) {
		added = session_add(b->s, &it->rec, it->out, it->out_n, e);
		if (added < 0)
			return -1;
	}
	if (added > 0)
		b->stats.stored += sealed_size(&it->rec);
	else
		b->stats.reused += (int64_t)it->n;
	b->data += (int64_t)it->n;
	return map_build_set(&b->map, it->chunk, &it->rec.id, e);
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
		atomic_fetch_add(&b->finished, (int64_t)it->n);
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

static void feed(struct backup *b, const struct vault_progress *p)
{
	struct err e = { 0 };

	for (uint64_t c = 0; c < b->chunks && !flow_failed(&b->flow); c++) {
		struct item *it;

		if (!bit_get(b->used, c) || (b->inherit != NULL && !inherit_is_dirty(b->inherit, c)))
			continue;
		if (tick(b, p, &e) != 0) {
			flow_fail(&b->flow, &e);
			return;
		}
		it = queue_get(&b->flow.queues[IDLE]);
		if (it == NULL)
			return;
		it->chunk = c;
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
	b->item_count = crew_size() * 2 + ITEMS_SPARE;
	if (b->item_count > b->chunks)
		b->item_count = (unsigned)b->chunks;
	b->items = calloc(b->item_count + (size_t)1, sizeof(b->items[0]));
	b->memory = aligned_alloc(IO_ALIGN, b->item_count * 2 * CHUNK_SIZE + IO_ALIGN);
	if (b->items == NULL || b->memory == NULL ||
	    flow_init(&b->flow, b->item_count + 1, e) != 0)
		return err_nomem(e);
	for (unsigned i = 0; i < b->item_count; i++) {
		b->items[i].plain = b->memory + i * 2 * CHUNK_SIZE;
		b->items[i].packed = b->items[i].plain + CHUNK_SIZE;
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
	size_t cap = s->disk_cap == 0 ? 8 : s->disk_cap * 2;
	struct point_disk *d;

	if (s->disk_count < s->disk_cap)
		return 0;
	d = reallocarray(s->disks, cap, sizeof(*d));
	if (d == NULL)
		return err_nomem(e);
	s->disks = d;
	s->disk_cap = cap;
	return 0;
}

/* The disk becomes one of the session's. */
static void add_disk(struct backup *b)
{
	struct vault_session *s = b->s;

	s->disks[s->disk_count++] = (struct point_disk){
		.name = TAKE(b->name),
		.size = b->size,
		.data = b->data,
		.levels = b->map.has_root ? b->map.levels : 0,
		.root = b->map.root,
	};
}

/* A full backup asks the source where data is; an incremental knows. */
static int plan(struct backup *b, const struct vault_base *base, struct err *e)
{
	if (base == NULL)
		return find_data(b, e);
	if (inherit_plan(b->s->v, b->s->item, base, b->size, b->used, &b->inherit, e) != 0)
		return -1;
	for (uint64_t c = 0; c < b->chunks; c++)
		if (bit_get(b->used, c) && inherit_is_dirty(b->inherit, c))
			b->total += (int64_t)chunk_length(b, c);
	return 0;
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

static int backup_disk(struct backup *b, const char *name, const struct vault_base *base,
    const struct vault_progress *p, struct err *e)
{
	for (size_t i = 0; i < b->s->disk_count; i++)
		if (strcmp(b->s->disks[i].name, name) == 0)
			return err_set(e, ERR_CONFLICT, "the session has that disk already");
	if (b->s->disk_count >= POINT_DISKS_MAX)
		return err_set(e, ERR_INVALID, "a point holds at most %u disks", POINT_DISKS_MAX);
	b->name = strdup(name);
	b->used = calloc(1, b->chunks / 8 + 1);
	b->scratch = malloc(MAP_NODE_MAX);
	if (b->name == NULL || b->used == NULL || b->scratch == NULL)
		return err_nomem(e);
	map_build_init(&b->map, b->size, b->used, emit_node, b);
	if (codec_new(&b->s->v->keys, &b->codec, e) != 0 || plan(b, base, e) != 0 ||
	    make_items(b, e) != 0 || take_over(b, e) != 0 || run(b, p, e) != 0 ||
	    make_room(b->s, e) != 0)
		return -1;
	add_disk(b);
	return 0;
}

int vault_backup_disk_since(struct vault_session *s, const char *name, struct disk_src *src,
    const struct vault_base *base, const struct vault_progress *progress,
    struct vault_disk_stats *ret_stats, struct err *e)
{
	cleanup_with(backup_done) struct backup b = {
		.s = s,
		.src = src,
		.size = disk_src_size(src),
		.chunks = ((uint64_t)disk_src_size(src) + CHUNK_SIZE - 1) >> CHUNK_SHIFT,
	};

	b.stats.virtual_size = b.size;
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
