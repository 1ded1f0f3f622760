/* copy.c - a second file with the same bytes: shared blocks where the file
 * system can, else data copied and holes kept.  See disk.h. */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/fs.h"

#define STEP (8 * 1024 * 1024)

static int copy_range(int in, int out, int64_t offset, int64_t length, const char *from,
    const char *to, const _Atomic bool *cancel, struct err *e)
{
	auto_free char *piece = malloc(STEP);

	if (piece == NULL)
		return err_nomem(e);
	while (length > 0) {
		size_t n = length < STEP ? (size_t)length : STEP;

		if (cancel != NULL && *cancel)
			return err_set(e, ERR_CANCELLED, "copying '%s': cancelled", from);
		if (fs_pread_full(in, piece, n, offset, from, e) != 0 ||
		    fs_pwrite_full(out, piece, n, offset, to, e) != 0)
			return -1;
		offset += (int64_t)n;
		length -= (int64_t)n;
	}
	return 0;
}

static int copy_data(int in, int out, int64_t size, const char *from, const char *to,
    const _Atomic bool *cancel, struct err *e)
{
	for (int64_t at = 0; at < size;) {
		off_t data = lseek(in, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0)
			data = at;	/* no holes known here */
		hole = lseek(in, data, SEEK_HOLE);
		if (hole <= data)
			hole = size;
		if (copy_range(in, out, data, hole - data, from, to, cancel, e) != 0)
			return -1;
		at = hole;
	}
	return 0;
}

static int fill(int in, int out, int64_t size, const char *from, const char *to,
    const _Atomic bool *cancel, struct err *e)
{
	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	if (ftruncate(out, size) != 0)
		return err_sys(e, errno, "sizing '%s'", to);
	return copy_data(in, out, size, from, to, cancel, e);
}

/* The copy is of one time: nobody wrote to the image meanwhile, with locks or without. */
static int check_unchanged(int in, const struct stat *was, const char *from, struct err *e)
{
	struct stat st;

	if (fstat(in, &st) != 0)
		return err_sys(e, errno, "reading '%s'", from);
	if (st.st_size != was->st_size || st.st_mtim.tv_sec != was->st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
		return err_set(e, ERR_BUSY, "disk image '%s' changed while it was copied", from);
	return 0;
}

static int copy_into(int in, int out, const char *from, const char *to,
    const _Atomic bool *cancel, struct err *e)
{
	struct stat st;

	if (fstat(in, &st) != 0)
		return err_sys(e, errno, "reading '%s'", from);
	if (fill(in, out, st.st_size, from, to, cancel, e) != 0 ||
	    check_unchanged(in, &st, from, e) != 0)
		return err_in(e, "copying to '%s'", to);
	if (fsync(out) != 0)
		return err_sys(e, errno, "syncing '%s'", to);
	return fs_sync_parent(to, e);
}

int disk_copy(const char *from, const char *to, const _Atomic bool *cancel, struct err *e)
{
	auto_close int in = -1, out = -1;
	int64_t size;

	if (image_open(from, &in, &size, e) != 0)
		return -1;
	out = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (out < 0)
		return err_sys(e, errno, "creating disk image '%s'", to);
	if (copy_into(in, out, from, to, cancel, e) != 0) {
		(void)unlink(to);	/* ours: nothing was there before */
		return -1;
	}
	return 0;
}
