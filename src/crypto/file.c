/* file.c - see file.h. */
#include "crypto/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "crypto/crypto.h"

static int fill(int fd, const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	/* fchmod: what the caller asked for, whatever the umask */
	if (fs_pwrite_full(fd, p, n, 0, path, e) != 0)
		return -1;
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
		return err_sys(e, errno, "writing '%s'", path);
	return 0;
}

int crypto_file_new(const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, errno, "creating '%s'", path);
	if (fill(fd, path, p, n, mode, e) != 0) {
		(void)unlink(path);
		return -1;
	}
	return fs_sync_parent(path, e);
}

int crypto_file_private(const char *path, size_t max, struct buf *ret, struct err *e)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "opening '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' is open to others (mode %04o): it holds a key, so its mode must be 0600",
		    path, (unsigned)st.st_mode & 07777);
	if ((uintmax_t)st.st_size > max)
		return err_set(e, ERR_INVALID, "'%s' is larger than %zu bytes", path, max);
	if (!buf_reserve(ret, (size_t)st.st_size))
		return err_nomem(e);
	if (fs_pread_full(fd, ret->p + ret->n, (size_t)st.st_size, 0, path, e) != 0)
		return -1;
	ret->n += (size_t)st.st_size;
	ret->p[ret->n] = '\0';
	return 0;
}

void crypto_buf_done(struct buf *b)
{
	crypto_wipe(b->p, b->cap);
	buf_done(b);
}
