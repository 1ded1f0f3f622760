/* target.c - restoring in place: only what differs is written.  See target.h and vault.h. */
#include "vault/target.h"

#include "vault/diff.h"
#include "vault/map_build.h"

int target_has(const struct disk_read *d, struct codec *c, uint64_t chunk,
    const struct chunk_id *id, uint8_t *scratch, bool *ret, struct err *e)
{
	unsigned shift = d->disk->chunk_shift;
	size_t n = grid_length(d->disk->size, shift, chunk);
	struct chunk_id got;

	if (disk_sink_read(d->sink, scratch, n, (int64_t)(chunk << shift), e) != 0 ||
	    codec_id(c, RECORD_DATA, scratch, n, &got, e) != 0)
		return -1;
	atomic_fetch_add(&d->stats->compared, (int64_t)n);
	*ret = memcmp(got.b, id->b, ID_SIZE) == 0;
	return 0;
}

void target_wrote(const struct disk_read *d, size_t n)
{
	if (d->stats != NULL)
		atomic_fetch_add(&d->stats->written, (int64_t)n);
}

static int clear(const struct disk_read *d, int64_t offset, int64_t length, struct err *e)
{
	if (disk_sink_zero(d->sink, offset, length, e) != 0)
		return -1;
	atomic_fetch_add(&d->stats->cleared, length);
	return 0;
}

/* Wherever the image has data in the range. */
static int clear_data(const struct disk_read *d, int64_t offset, int64_t end, struct err *e)
{
	struct extent x[64];

	while (offset < end) {
		int64_t next = offset;
		size_t n = 0;

		if (disk_sink_extents(d->sink, offset, end - offset, x, ARRAY_LEN(x), &n, &next, e) != 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (clear(d, x[i].offset, x[i].length, e) != 0)
				return -1;
		if (next <= offset)
			return err_set(e, ERR_BUG, "extents of the image stop at %lld",
			    (long long)offset);
		offset = next;
	}
	return 0;
}

static int64_t byte_at(const struct disk_read *d, uint64_t chunk)
{
	int64_t at = (int64_t)(chunk << d->disk->chunk_shift);

	return at < d->disk->size ? at : d->disk->size;
}

int target_clear(const struct disk_read *d, uint64_t first, uint64_t end, struct err *e)
{
	if (d->only == NULL)
		return clear_data(d, byte_at(d, first), byte_at(d, end), e);
	while (first < end) {
		uint64_t stop = first;

		while (stop < end && bit_get(d->only, stop))
			stop++;
		if (stop > first && clear_data(d, byte_at(d, first), byte_at(d, stop), e) != 0)
			return -1;
		first = stop + 1;
	}
	return 0;
}

/* ---- which chunks may differ ---- */
struct marking {
	uint8_t *bits;
	uint64_t chunks;
};

static int mark(void *arg, uint64_t chunk, struct err *e)
{
	struct marking *m = arg;

	(void)e;
	if (chunk < m->chunks)
		bit_set(m->bits, chunk);
	return 0;
}

static int mark_extents(struct marking *m, const struct point_disk *d, const struct vault_base *known,
    struct err *e)
{
	for (size_t i = 0; i < known->dirty_count; i++) {
		const struct extent *x = &known->dirty[i];

		if (x->offset < 0 || x->length < 0 || x->length > INT64_MAX - x->offset)
			return err_set(e, ERR_INVALID, "dirty extent %lld+%lld is no range",
			    (long long)x->offset, (long long)x->length);
		for (uint64_t c = (uint64_t)x->offset >> d->chunk_shift;
		     x->length > 0 && c < m->chunks &&
		     c <= (uint64_t)(x->offset + x->length - 1) >> d->chunk_shift; c++)
			bit_set(m->bits, c);
	}
	return 0;
}

/* The target is known to be as disk known->disk of known->point was, but for the dirty extents. */
static int find_differences(struct vault_point *p, const struct point_disk *d,
    const struct vault_base *known, uint8_t *bits, struct err *e)
{
	auto_point struct vault_point *base = NULL;
	struct marking m = { bits, grid_chunks(d->size, d->chunk_shift) };
	const struct point_disk *was;

	if (vault_point_open(p->v, p->body.item, known->point, &base, e) != 0)
		return -1;
	was = point_disk(base, known->disk);
	if (was == NULL)
		return err_set(e, ERR_NOT_FOUND, "point '%.128s' has no disk '%.100s'", known->point,
		    known->disk);
	/* Behind the end of the smaller one nothing is known of the image. */
	for (uint64_t c = (uint64_t)(was->size < d->size ? was->size : d->size) >> d->chunk_shift;
	     was->size != d->size && c < m.chunks; c++)
		bit_set(m.bits, c);
	return map_diff(p->v, was, d, mark, &m, e) != 0 ? -1 : mark_extents(&m, d, known, e);
}

static int restore(struct vault_point *p, struct disk_read *d, const struct vault_base *known,
    struct err *e)
{
	auto_free uint8_t *bits = NULL;

	if (d->disk == NULL)
		return err_set(e, ERR_NOT_FOUND, "point '%.128s' has no such disk", p->body.name);
	if (disk_sink_size(d->sink) != d->disk->size)
		return err_set(e, ERR_CONFLICT, "the image has %lld bytes, the disk %lld",
		    (long long)disk_sink_size(d->sink), (long long)d->disk->size);
	if (d->from % ((int64_t)1 << d->disk->chunk_shift) != 0 || d->from < 0)
		return err_set(e, ERR_INVALID, "position %lld is not a multiple of the chunk size",
		    (long long)d->from);
	d->total = d->disk->data;
	if (known != NULL) {
		bits = calloc(1, grid_chunks(d->disk->size, d->disk->chunk_shift) / 8 + 1);
		if (bits == NULL)
			return err_nomem(e);
		if (find_differences(p, d->disk, known, bits, e) != 0)
			return -1;
		d->only = bits;
	}
	return disk_read_all(d, e);
}

int vault_restore_in_place(struct vault_point *p, const char *name, struct disk_sink *sink,
    const struct vault_base *known, int64_t from, int64_t *io_durable,
    const struct vault_progress *progress, struct vault_in_place_stats *ret_stats, struct err *e)
{
	struct disk_read d = {
		.v = p->v,
		.disk = point_disk(p, name),
		.sink = sink,
		.from = from,
		.io_durable = io_durable,
		.progress = progress,
		.is_in_place = true,
		.stats = ret_stats,
	};

	*ret_stats = (struct vault_in_place_stats){ 0 };
	if (restore(p, &d, known, e) != 0)
		return err_in(e, "restoring disk '%.100s' in place", name);
	return 0;
}
