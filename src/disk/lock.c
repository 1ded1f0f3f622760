/* lock.c - does a QEMU program have the image open for writing?
 *
 * QEMU takes open-file-description read locks on single bytes of the image:
 * byte 100+N says "I use permission N", byte 200+N "I do not share permission
 * N"; permission 1 is writing (QEMU's block/file-posix.c and block.h). */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>

#define LOCK_USE_WRITE (100 + 1)

int image_lock_check(int fd, const char *path, struct err *e)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_USE_WRITE,
		.l_len = 1 };

	/* File systems without such locks cannot say, and then neither can we. */
	if (fcntl(fd, F_OFD_GETLK, &fl) != 0 || fl.l_type == F_UNLCK)
		return 0;
	return err_set(e, ERR_BUSY, "disk image '%s' is in use: a running QEMU has it open for writing",
	    path);
}
