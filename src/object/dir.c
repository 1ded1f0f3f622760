/* dir.c - a directory as an object store.  See object.h and dir.h. */
#include "object/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fs.h"

static int fail(struct dir_store *d, int sys, const char *doing, const char *name, struct err *e)
{
	/* A directory where an object was looked for, or the reverse, is no object. */
	if (sys == ENOTDIR || sys == EISDIR || sys == ELOOP)
		return err_set(e, ERR_NOT_FOUND, "%s object '%s' in '%s': it does not exist", doing,
		    name, d->path);
	return err_sys(e, sys, "%s object '%s' in '%s'", doing, name, d->path);
}

static int sync_at(struct dir_store *d, const char *dir, struct err *e)
{
	auto_close int fd = openat(d->root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return err_sys(e, errno, "syncing directory '%s/%s'", d->path, dir);
	return 0;
}

/* The directory part of `name` ("." for none) into `out`. */
static const char *parent_of(const char *name, char out[256])
{
	const char *slash = strrchr(name, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - name);

	if (n == 0)
		return ".";
	memcpy(out, name, n);
	out[n] = '\0';
	return out;
}

static int make_dir(struct dir_store *d, const char *dir, struct err *e)
{
	char up[256];

	if (mkdirat(d->root, dir, 0700) != 0)
		return errno == EEXIST ? 0 :
		    err_sys(e, errno, "creating directory '%s/%s'", d->path, dir);
	if (sync_at(d, parent_of(dir, up), e) != 0) {
		(void)unlinkat(d->root, dir, AT_REMOVEDIR);
		return -1;
	}
	return 0;
}

static int make_parents(struct dir_store *d, const char *name, struct err *e)
{
	char part[256];
	int r = 0;

	pthread_mutex_lock(&d->making);
	for (const char *p = strchr(name, '/'); p != NULL && r == 0; p = strchr(p + 1, '/')) {
		size_t n = (size_t)(p - name);

		memcpy(part, name, n);
		part[n] = '\0';
		r = make_dir(d, part, e);
	}
	pthread_mutex_unlock(&d->making);
	return r;
}

static int write_temporary(struct dir_store *d, const char *tmp, const char *name, const void *p,
    size_t n, struct err *e)
{
	auto_close int fd = openat(d->tmp, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const char *from = p;
	size_t done = 0;

	if (fd < 0)
		return fail(d, errno, "storing", name, e);
	if (n >= DIR_DIRECT_WRITE) {
		done = dir_write_direct(d, fd, p, n);
		from += done;
	}
	if (fs_pwrite_full(fd, from, n - done, (int64_t)done, name, e) != 0)
		return err_in(e, "storing object in '%s'", d->path);
	if (fsync(fd) != 0)
		return fail(d, errno, "syncing", name, e);
	/* Written once and read back from the medium, if ever. */
	if (n - done >= DIR_DIRECT_WRITE)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

/* A read-only directory can still be read, so failing here is not an error yet. */
static void open_tmp(struct dir_store *d)
{
	if (mkdirat(d->root, DIR_TMP, 0700) != 0 && errno != EEXIST) {
		d->tmp_sys = errno;
		return;
	}
	d->tmp = openat(d->root, DIR_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (d->tmp < 0) {
		d->tmp_sys = errno;
		return;
	}
	if (flock(d->tmp, LOCK_EX | LOCK_NB) == 0)
		dir_empty(d->tmp);
	(void)flock(d->tmp, LOCK_SH);
}

/* If it could not be made when the store was opened, that may have passed.  0, or -1. */
static int ensure_tmp(struct dir_store *d, const char *name, struct err *e)
{
	int tmp, sys;

	pthread_mutex_lock(&d->making);
	if (d->tmp < 0)
		open_tmp(d);
	tmp = d->tmp;
	sys = d->tmp_sys;
	pthread_mutex_unlock(&d->making);
	return tmp >= 0 ? 0 : fail(d, sys, "storing", name, e);
}

static int dir_put(struct object_store *s, const char *name, const void *p, size_t n,
    struct err *e)
{
	struct dir_store *d = dir_of(s);
	char tmp[GUID_SIZE], up[256];

	(void)guid_new(tmp);
	if (ensure_tmp(d, name, e) != 0)
		return -1;
	if (write_temporary(d, tmp, name, p, n, e) != 0 || make_parents(d, name, e) != 0) {
		(void)unlinkat(d->tmp, tmp, 0);
		return -1;
	}
	if (renameat(d->tmp, tmp, d->root, name) != 0) {
		int sys = errno;

		(void)unlinkat(d->tmp, tmp, 0);
		return sys == EISDIR || sys == ENOTDIR ?
		    err_set(e, ERR_CONFLICT, "storing object '%s' in '%s': a part of its name is "
			"taken", name, d->path) :
		    fail(d, sys, "storing", name, e);
	}
	return sync_at(d, parent_of(name, up), e);
}

static int dir_get(struct object_store *s, const char *name, int64_t offset, void *p, size_t n,
    struct err *e)
{
	struct dir_store *d = dir_of(s);
	auto_close int fd = openat(d->root, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *at = p;
	size_t done;

	if (fd < 0)
		return fail(d, errno, "reading", name, e);
	done = n < DIR_DIRECT_READ ? 0 : dir_read_direct(d, fd, p, n, offset);
	while (done < n) {
		ssize_t got = pread(fd, at + done, n - done, offset + (int64_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(d, errno, "reading", name, e);
		if (got == 0)
			return err_set(e, ERR_CORRUPT, "reading object '%s' in '%s': it ends at "
			    "%lld, %zu bytes early", name, d->path,
			    (long long)offset + (long long)done, n - done);
		done += (size_t)got;
	}
	return 0;
}

static int dir_head(struct object_store *s, const char *name, struct object_info *ret,
    struct err *e)
{
	struct dir_store *d = dir_of(s);
	struct stat st;

	if (fstatat(d->root, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return fail(d, errno, "looking for", name, e);
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	*ret = (struct object_info){ .size = st.st_size };
	memcpy(ret->name, name, strlen(name) + 1);
	return 1;
}

static int dir_del(struct object_store *s, const char *name, struct err *e)
{
	struct dir_store *d = dir_of(s);
	char up[256];

	if (unlinkat(d->root, name, 0) != 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR)
			return 0;
		return fail(d, errno, "removing", name, e);
	}
	return sync_at(d, parent_of(name, up), e);
}

static void dir_close(struct object_store *s)
{
	struct dir_store *d = dir_of(s);

	close_p(&d->root);
	close_p(&d->tmp);
	close_p(&d->lock);
	dir_bounces_done(&d->bounces);
	pthread_mutex_destroy(&d->locking);
	pthread_mutex_destroy(&d->making);
	free(d->path);
	free(d);
}

static const struct object_ops dir_ops = {
	.put = dir_put,
	.get = dir_get,
	.head = dir_head,
	.del = dir_del,
	.list = dir_list,
	.lock = dir_lock,
	.close = dir_close,
};

static void close_store_p(struct dir_store **d)
{
	if (*d != NULL)
		dir_close(&(*d)->base);
}

int object_dir_open(const char *path, bool create, struct object_store **ret, struct err *e)
{
	cleanup_with(close_store_p) struct dir_store *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return err_nomem(e);
	*d = (struct dir_store){ .base.ops = &dir_ops, .root = -1, .tmp = -1, .lock = -1 };
	dir_bounces_init(&d->bounces);
	pthread_mutex_init(&d->locking, NULL);
	pthread_mutex_init(&d->making, NULL);
	d->path = strdup(path);
	if (d->path == NULL)
		return err_nomem(e);
	if (create && (fs_mkdirs(path, 0700, e) != 0 || fs_sync_parent(path, e) != 0))
		return -1;
	d->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->root < 0)
		return err_sys(e, errno, "opening object store '%s'", path);
	open_tmp(d);
	*ret = &TAKE(d)->base;
	return 0;
}
