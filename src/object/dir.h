/* dir.h - the directory back end: what the dir*.c files share.
 *
 * An object is a regular file at ROOT/name.  Half-written objects live under
 * ROOT/#tmp, a name no object can have.  Every open store holds a shared lock
 * on that directory; who gets it exclusively knows that all files in it are
 * left over from a crash and removes them.  The lock of object_lock() is one on ROOT/#lock, which
 * stays there and has the pid of its last holder in it. */
#ifndef OBJECT_DIR_H
#define OBJECT_DIR_H

#include <pthread.h>

#include "object/object.h"

#define DIR_TMP "#tmp"
#define DIR_LOCK "#lock"

/* Transfers of so much and more go past the page cache: half the CPU time or less, and what is read
 * once only drives nothing else out of it. */
#define DIR_DIRECT_READ ((size_t)64 << 10)
#define DIR_DIRECT_WRITE ((size_t)1 << 20)

/* Aligned memory from transfers past the page cache, kept for the next ones. */
struct dir_bounces {
	pthread_mutex_t mu;
	void *kept[8];
	size_t n;
};

struct dir_store {
	struct object_store base;
	char *path;
	int root;		/* directory descriptors */
	int tmp;		/* -1 if it could not be made: then tmp_sys says why, and a put
				 * tries again.  Set under `making`, once */
	int tmp_sys;
	struct dir_bounces bounces;
	int lock;		/* the locked file, -1 before; guarded by locking */
	pthread_mutex_t locking;
	pthread_mutex_t making;	/* one thread at a time makes directories and syncs them:
				 * who finds a directory made knows that it is durable */
};

static inline struct dir_store *dir_of(struct object_store *s)
{
	return (struct dir_store *)s;
}

int dir_list(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
    struct err *e);
int dir_lock(struct object_store *s, struct err *e);

void dir_bounces_init(struct dir_bounces *b);
void dir_bounces_done(struct dir_bounces *b);

/* Transfer with O_DIRECT, which is off again on return; nothing need be aligned.  Return for how
 * many of the `n` bytes that went: the ordinary way does the rest, or tells what is wrong. */
size_t dir_read_direct(struct dir_store *d, int fd, void *p, size_t n, int64_t offset);
/* Into a new file, from its beginning; never more than the whole 4 KiB blocks. */
size_t dir_write_direct(struct dir_store *d, int fd, const void *p, size_t n);

/* Remove every file directly inside the directory `fd`; failures are left for the next time. */
void dir_empty(int fd);

#endif
