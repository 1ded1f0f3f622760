/* dir_lock.c - one store at a time may change a directory.  See object.h and dir.h. */
#include "object/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

static int busy(struct dir_store *d, int fd, struct err *e)
{
	char text[16] = { 0 };
	long pid = pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;

	if (pid <= 0)
		return err_set(e, ERR_BUSY, "locking object store '%s': in use by another process",
		    d->path);
	return err_set(e, ERR_BUSY, "locking object store '%s': in use by process %ld", d->path,
	    pid);
}

/* The kernel's lock is what counts, and ends with the process; the text only helps to find it. */
static bool sign(int fd)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

static int take(struct dir_store *d, struct err *e)
{
	auto_close int fd = openat(d->root, DIR_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);

	if (fd < 0)
		return err_sys(e, errno, "locking object store '%s'", d->path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? busy(d, fd, e) :
		    err_sys(e, errno, "locking object store '%s'", d->path);
	(void)sign(fd);
	d->lock = TAKE_FD(fd);
	return 0;
}

int dir_lock(struct object_store *s, struct err *e)
{
	struct dir_store *d = dir_of(s);
	int r;

	pthread_mutex_lock(&d->locking);
	r = d->lock >= 0 ? 0 : take(d, e);
	pthread_mutex_unlock(&d->locking);
	return r;
}
