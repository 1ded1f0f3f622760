/* fs.c - see fs.h. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/codec.h"

/* Who finds a directory made shall be able to rely on it, so one whose name could not be synced goes
 * again. */
static int make_dir(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) != 0)
		return errno == EEXIST ? 0 : err_sys(e, errno, "creating directory '%s'", path);
	if (fs_sync_parent(path, e) == 0)
		return 0;
	(void)rmdir(path);
	return -1;
}

int fs_mkdirs(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return err_set(e, ERR_INVALID, "directory name '%.100s' is empty or too long", path);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (make_dir(part, mode, e) != 0)
			return -1;
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int fs_remove_tree(const char *path, struct err *e)
{
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return err_sys(e, errno, "removing '%s'", path);
	return 0;
}

int fs_sync_dir(const char *path, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return err_sys(e, errno, "syncing directory '%s'", path);
	return 0;
}

int fs_sync_parent(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (n >= sizeof(dir))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", path);
	if (slash == NULL)
		return fs_sync_dir(".", e);
	memcpy(dir, path, n);
	dir[n] = '\0';
	return fs_sync_dir(n == 0 ? "/" : dir, e);
}

static int write_temporary(const char *tmp, const void *p, size_t n, mode_t mode, struct err *e)
{
	auto_close int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return err_sys(e, errno, "creating '%s'", tmp);
	if (fs_pwrite_full(fd, p, n, 0, tmp, e) != 0)
		return -1;
	if (fsync(fd) != 0)
		return err_sys(e, errno, "syncing '%s'", tmp);
	return 0;
}

int fs_write_atomic(const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	char tmp[PATH_MAX], guid[GUID_SIZE];

	if (snprintf(tmp, sizeof(tmp), "%s.%s.tmp", path, guid_new(guid)) >= (int)sizeof(tmp))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", path);
	if (write_temporary(tmp, p, n, mode, e) != 0) {
		(void)unlink(tmp);
		return -1;
	}
	if (rename(tmp, path) != 0) {
		(void)err_sys(e, errno, "renaming '%s' to '%s'", tmp, path);
		(void)unlink(tmp);
		return -1;
	}
	return fs_sync_parent(path, e);
}

int fs_read_all(const char *path, size_t max, struct buf *ret, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t start = ret->n;

	if (fd < 0)
		return err_sys(e, errno, "opening '%s'", path);
	for (;;) {
		ssize_t got;

		if (!buf_reserve(ret, 65536))
			return err_nomem(e);
		got = read(fd, ret->p + ret->n, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "reading '%s'", path);
		if (got == 0)
			break;
		ret->n += (size_t)got;
		if (ret->n - start > max)
			return err_set(e, ERR_INVALID, "'%s' is larger than %zu bytes", path, max);
	}
	ret->p[ret->n] = '\0';
	return 0;
}

int fs_pread_full(int fd, void *p, size_t n, int64_t offset, const char *what, struct err *e)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = pread(fd, at, n, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "reading '%s' at %lld", what, (long long)offset);
		if (got == 0)
			return err_set(e, ERR_IO, "reading '%s' at %lld: file ends there", what,
			    (long long)offset);
		at += got;
		n -= (size_t)got;
		offset += got;
	}
	return 0;
}

int fs_pwrite_full(int fd, const void *p, size_t n, int64_t offset, const char *what, struct err *e)
{
	const char *at = p;

	while (n > 0) {
		ssize_t put = pwrite(fd, at, n, offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(e, errno, "writing '%s' at %lld", what, (long long)offset);
		at += put;
		n -= (size_t)put;
		offset += put;
	}
	return 0;
}
