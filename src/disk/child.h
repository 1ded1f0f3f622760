/* child.h - a qemu-nbd child of ours that serves one qcow2, and what is asked of it by libnbd.
 *
 * libnbd starts the child with a socket that it hands over (systemd's socket activation), so
 * that there is no socket file to guard, and ends it at close.  Without --persistent the child
 * also ends when our end of the socket does, so that it never outlives us.  It runs in a session
 * of its own: what a terminal sends to our process group must stop us, who then resume the job,
 * and not the child, whose end would fail it.
 *
 * The child opens our descriptor, not the path: what it serves is the file that was looked at,
 * whatever has been put in its place meanwhile. */
#ifndef DISK_CHILD_H
#define DISK_CHILD_H

#include <stdatomic.h>

#include "disk/disk.h"

/* A libnbd handle is locked for the whole of a call, so that threads would wait for each other on
 * one connection.  Those of a writer are asked in turn: as simple as one, and nothing is gained
 * by asking asynchronously.  Measured on two cores with four threads, 3 GiB of 1 MiB writes with
 * a flush every 256 MiB, medians: one connection 3.36 s, two 2.01 s, three 2.02 s (a raw sink:
 * 1.50 s).  Past the page cache, where the file system can: through it, two took 7 to 19 s. */
#define CHILD_CONNECTIONS 2

struct child {
	const char *path;	/* of the image, for errors; the caller's */
	struct nbd_handle *nbd[CHILD_CONNECTIONS];	/* the first one's is the child */
	unsigned count;
	atomic_uint next;	/* whose turn it is, modulo count */
};

/* Serve the image open as `fd`, which must have `size` bytes inside.  After a failure, too,
 * child_end() cleans up. */
must_check int child_start(struct child *c, int fd, int64_t size, bool writable, struct err *e);

/* Wait until the child has closed the image and is gone; fine if it never started. */
void child_end(struct child *c);

/* All are thread-safe. */
must_check int child_read(struct child *c, void *p, size_t n, int64_t offset, struct err *e);
must_check int child_write(struct child *c, const void *p, size_t n, int64_t offset,
    struct err *e);
must_check int child_zero(struct child *c, int64_t offset, int64_t length, struct err *e);
must_check int child_flush(struct child *c, struct err *e);
must_check int child_extents(struct child *c, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e);

#endif
