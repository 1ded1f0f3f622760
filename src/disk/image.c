/* image.c - opening an image, and the locks by which QEMU programs say that they use one.
 * Several holdfasts see each other by them, too.
 *
 * QEMU takes shared open-file-description locks on single bytes of the image: byte 100+N says
 * "I use permission N", byte 200+N "I do not let others have permission N" (QEMU's
 * block/file-posix.c and block-common.h).  It looks for them with exclusive locks, so that a
 * shared one is a flag that many can raise. */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { CONSISTENT_READ = 0, WRITE = 1, RESIZE = 3, PERMISSIONS };
#define USES(permission) (100 + (permission))
#define DENIES(permission) (200 + (permission))

static void set_flags(int fd, short type, off_t first, off_t count)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = first,
		.l_len = count };

	/* File systems without such locks cannot say, and then neither can QEMU. */
	(void)fcntl(fd, F_OFD_SETLK, &fl);
}

static bool is_any_raised(int fd, off_t first, off_t count)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first,
		.l_len = count };

	return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

static bool is_raised(int fd, off_t byte)
{
	return is_any_raised(fd, byte, 1);
}

/* Raise first, look afterwards: of two that start together at least one sees the other. */
static int lock_for_reading(int fd, const char *path, struct err *e)
{
	set_flags(fd, F_RDLCK, USES(CONSISTENT_READ), 1);
	set_flags(fd, F_RDLCK, DENIES(WRITE), 1);
	set_flags(fd, F_RDLCK, DENIES(RESIZE), 1);
	if (is_raised(fd, USES(WRITE)) || is_raised(fd, USES(RESIZE)) ||
	    is_raised(fd, DENIES(CONSISTENT_READ)))
		return err_set(e, ERR_BUSY, "disk image '%s' is in use: a running QEMU or another "
		    "program has it open for writing", path);
	return 0;
}

bool image_in_use(int fd)
{
	return is_any_raised(fd, USES(0), PERMISSIONS) || is_any_raised(fd, DENIES(0), PERMISSIONS);
}

/* Everything is used and nothing is shared: readers would see an image of no time. */
static void lock_all(int fd)
{
	set_flags(fd, F_RDLCK, USES(0), PERMISSIONS);
	set_flags(fd, F_RDLCK, DENIES(0), PERMISSIONS);
}

void image_unlock(int fd)
{
	set_flags(fd, F_UNLCK, USES(0), PERMISSIONS);
	set_flags(fd, F_UNLCK, DENIES(0), PERMISSIONS);
}

void image_close(int *fd)
{
	if (*fd < 0)
		return;
	image_unlock(*fd);
	(void)close(TAKE_FD(*fd));
}

int image_busy(const char *path, struct err *e)
{
	return err_set(e, ERR_BUSY,
	    "disk image '%s' is in use: a running QEMU or another program has it open", path);
}

static int open_regular(const char *path, int flags, int *ret_fd, int64_t *ret_size, struct err *e)
{
	/* Non-blocking: a FIFO that somebody put there must not hold us. */
	auto_close int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "opening disk image '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "disk image '%s' is not a regular file", path);
	*ret_size = st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int image_open(const char *path, int *ret_fd, int64_t *ret_size, struct err *e)
{
	auto_close int fd = -1;
	int64_t size;

	if (open_regular(path, O_RDONLY, &fd, &size, e) != 0 || lock_for_reading(fd, path, e) != 0)
		return -1;
	*ret_size = size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int image_open_to_write(const char *path, int *ret_fd, int64_t *ret_size, struct err *e)
{
	auto_close int fd = -1;
	int64_t size;

	if (open_regular(path, O_RDWR, &fd, &size, e) != 0)
		return -1;
	/* Looked at before, too: flags that are raised in vain hinder others. */
	if (image_in_use(fd))
		return image_busy(path, e);
	lock_all(fd);
	if (image_in_use(fd)) {
		image_unlock(fd);
		return image_busy(path, e);
	}
	*ret_size = size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int image_create(const char *path, int *ret_fd, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0)
		return err_sys(e, errno, "creating disk image '%s'", path);
	lock_all(fd);	/* there is nobody yet who could have it */
	*ret_fd = fd;
	return 0;
}

int image_check_size(int fd, const char *path, int64_t was, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "reading disk image '%s'", path);
	if (st.st_size < was)
		return err_set(e, ERR_IO, "reading disk image '%s': it shrank from %lld to %lld bytes",
		    path, (long long)was, (long long)st.st_size);
	return 0;
}
