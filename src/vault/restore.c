/* restore.c - a disk out of the vault, and verification of a point. */
#include "vault/read.h"

static int restore(struct vault_point *p, const struct point_disk *disk, struct disk_read *d,
    struct err *e)
{
	if (disk == NULL)
		return err_set(e, ERR_NOT_FOUND, "point '%.128s' has no such disk", p->body.name);
	if (d->from < 0 || d->from % ((int64_t)1 << disk->chunk_shift) != 0)
		return err_set(e, ERR_INVALID, "position %lld is not a multiple of %u",
		    (long long)d->from, 1u << disk->chunk_shift);
	d->disk = disk;
	d->total = disk->data;
	return disk_read_all(d, e);
}

int vault_restore_disk(struct vault_point *p, const char *name, struct disk_sink *sink,
    int64_t from, int64_t *io_durable, const struct vault_progress *progress, struct err *e)
{
	struct disk_read d = {
		.v = p->v,
		.sink = sink,
		.from = from,
		.io_durable = io_durable,
		.progress = progress,
	};

	if (restore(p, point_disk(p, name), &d, e) != 0)
		return err_in(e, "restoring disk '%.100s'", name);
	return 0;
}

/* Chunks may be sound in a pack whose table is not: that is damage too. */
static int check_frames(struct vault *v, const atomic_uchar *touched, size_t n, struct err *e)
{
	struct vault_pack p;

	for (size_t i = 0; i < n; i++) {
		if (touched[i] == 0)
			continue;
		vault_pack_get(v, i, &p);
		if (!p.is_gone && vault_check_frame(v, p.id, e) != 0)
			return -1;
	}
	return 0;
}

static int verify(struct vault_point *p, atomic_uchar *touched, size_t touched_n,
    const struct vault_progress *progress, struct err *e)
{
	int64_t total = 0, before = 0;

	for (size_t i = 0; i < p->body.disk_count; i++)
		total += p->body.disks[i].data;
	for (size_t i = 0; i < p->body.disk_count; i++) {
		struct disk_read d = {
			.v = p->v,
			.disk = &p->body.disks[i],
			.progress = progress,
			.before = before,
			.total = total,
			.touched = touched,
			.touched_n = touched_n,
		};

		if (disk_read_all(&d, e) != 0)
			return err_in(e, "disk '%.100s'", d.disk->name);
		before += d.disk->data;
	}
	return check_frames(p->v, touched, touched_n, e);
}

int vault_verify_point(struct vault_point *p, const struct vault_progress *progress,
    struct err *e)
{
	size_t n = vault_pack_count(p->v);
	auto_free atomic_uchar *touched = calloc(n + 1, sizeof(*touched));

	if (touched == NULL)
		return err_nomem(e);
	if (verify(p, touched, n, progress, e) != 0)
		return err_in(e, "verifying point '%.128s'", p->body.name);
	return 0;
}
