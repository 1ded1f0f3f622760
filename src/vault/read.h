/* read.h - walking a disk's map and reading its chunks with a crew of threads.
 * Restore, restore in place and verification are this walk with different ends. */
#ifndef VAULT_READ_H
#define VAULT_READ_H

#include "vault/engine.h"

struct disk_read {
	struct vault *v;
	const struct point_disk *disk;
	struct disk_sink *sink;		/* NULL: only read and check */
	int64_t from;			/* chunks below are skipped and count as done */
	int64_t *io_durable;		/* may be NULL */
	const struct vault_progress *progress;	/* may be NULL */
	int64_t before, total;		/* bytes: done before this disk, of all disks */

	/* in place: the sink holds something already */
	bool is_in_place;
	const uint8_t *only;		/* bit per chunk that may differ; NULL: compare what is there */
	struct vault_in_place_stats *stats;

	/* verification */
	bool skip_seen;			/* chunks read before in this verification are not read again */
	int64_t bytes_per_s;		/* plain bytes; 0: no limit */
	/* A damaged chunk is told and passed over; NULL: it ends the reading.  From any thread. */
	void (*bad)(void *arg, int64_t offset, const struct err *why);
	/* Everything before `offset` was read.  From the caller's thread. */
	int (*reached)(void *arg, int64_t offset, struct err *e);
	void *arg;
	atomic_uchar *touched;		/* [touched_n], by number of pack; may be NULL */
	size_t touched_n;
};

/* 0 when every chunk was read, checked, written and synced. */
must_check int disk_read_all(const struct disk_read *d, struct err *e);

#endif
