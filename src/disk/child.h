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

#include "disk/disk.h"

struct child {
	const char *path;	/* of the image, for errors; the caller's */
	struct nbd_handle *nbd;
};

/* Serve the image open as `fd`, which must have `size` bytes inside.  After a failure, too,
 * child_end() cleans up. */
must_check int child_start(struct child *c, int fd, int64_t size, struct err *e);
void child_end(struct child *c);	/* waits for its end; fine if it never started */

/* Thread-safe: a libnbd handle has its own lock. */
must_check int child_read(struct child *c, void *p, size_t n, int64_t offset, struct err *e);
must_check int child_extents(struct child *c, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e);

#endif
