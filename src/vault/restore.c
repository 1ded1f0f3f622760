/* restore.c - a disk out of the vault. */
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
