/* dir_lock.c - one store at a time may change a directory.  See object.h and dir.h. */
#include "object/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

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

static int sync_names(struct dir_store *d, int dir, struct err *e);

/* The directories in `h`, which lies in the store. */
static int sync_children(struct dir_store *d, DIR *h, struct err *e)
{
	struct dirent *de;

	while (errno = 0, (de = readdir(h)) != NULL) {
		struct stat st;
		int fd, r;

		if (!object_name_valid(de->d_name) ||
		    fstatat(dirfd(h), de->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
			continue;
		fd = openat(dirfd(h), de->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return err_sys(e, errno, "syncing object store '%s'", d->path);
		r = sync_names(d, fd, e);
		if (r != 0)
			return -1;
	}
	return errno == 0 ? 0 : err_sys(e, errno, "syncing object store '%s'", d->path);
}

/* What a predecessor stored or removed can be seen though it is not durable: it may have died between
 * a rename or unlink and the sync of the directory.  Takes `dir` over. */
static int sync_names(struct dir_store *d, int dir, struct err *e)
{
	DIR *h = fdopendir(dir);
	int r;

	if (h == NULL) {
		(void)err_sys(e, errno, "syncing object store '%s'", d->path);
		(void)close(dir);
		return -1;
	}
	r = sync_children(d, h, e);
	if (r == 0 && fsync(dir) != 0)
		r = err_sys(e, errno, "syncing object store '%s'", d->path);
	(void)closedir(h);
	return r;
}

static int take(struct dir_store *d, struct err *e)
{
	int root;
	auto_close int fd = openat(d->root, DIR_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);

	if (fd < 0)
		return err_sys(e, errno, "locking object store '%s'", d->path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? busy(d, fd, e) :
		    err_sys(e, errno, "locking object store '%s'", d->path);
	root = openat(d->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, errno, "syncing object store '%s'", d->path);
	if (sync_names(d, root, e) != 0)
		return -1;
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
