/* image.c - opening an image, and the locks by which QEMU programs say that they use one.
 *
 * QEMU takes shared open-file-description locks on single bytes of the image: byte 100+N says
 * "I use permission N", byte 200+N "I do not let others have permission N" (QEMU's
 * block/file-posix.c and block-common.h).  It looks for them with exclusive locks, so that a
 * shared one is a flag that many can raise. */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { CONSISTENT_READ = 0, WRITE = 1, RESIZE = 3 };
#define USES(permission) (100 + (permission))
#define DENIES(permission) (200 + (permission))

static void raise_flag(int fd, off_t byte)
{
	struct flock fl = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	/* File systems without such locks cannot say, and then neither can QEMU. */
	(void)fcntl(fd, F_OFD_SETLK, &fl);
}

static bool is_raised(int fd, off_t byte)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

/* Raise first, look afterwards: of two that start together at least one sees the other. */
static int lock_for_reading(int fd, const char *path, struct err *e)
{
	raise_flag(fd, USES(CONSISTENT_READ));
	raise_flag(fd, DENIES(WRITE));
	raise_flag(fd, DENIES(RESIZE));
	if (is_raised(fd, USES(WRITE)) || is_raised(fd, USES(RESIZE)) ||
	    is_raised(fd, DENIES(CONSISTENT_READ)))
		return err_set(e, ERR_BUSY,
		    "disk image '%s' is in use: a running QEMU has it open for writing", path);
	return 0;
}

int image_open(const char *path, int *ret_fd, int64_t *ret_size, struct err *e)
{
	/* Non-blocking: a FIFO that somebody put there must not hold us. */
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "opening disk image '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "disk image '%s' is not a regular file", path);
	if (lock_for_reading(fd, path, e) != 0)
		return -1;
	*ret_size = st.st_size;
	*ret_fd = TAKE_FD(fd);
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
