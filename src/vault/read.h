/* read.h - walking a disk's map and reading its chunks with a crew of threads.
 * Restore and verification are this walk with and without a sink. */
#ifndef VAULT_READ_H
#define VAULT_READ_H

#include "vault/engine.h"
#include "vault/flow.h"

struct disk_read {
	struct vault *v;
	const struct point_disk *disk;
	struct disk_sink *sink;		/* NULL: only read and check */
	int64_t from;			/* chunks below are skipped and count as done */
	int64_t *io_durable;		/* may be NULL */
	const struct vault_progress *progress;	/* may be NULL */
	int64_t before, total;		/* bytes: done before this disk, of all disks */
	atomic_uchar *touched;		/* [touched_n], by number of pack; may be NULL */
	size_t touched_n;
};

/* 0 when every chunk was read, checked, written and synced. */
must_check int disk_read_all(const struct disk_read *d, struct err *e);

#endif
