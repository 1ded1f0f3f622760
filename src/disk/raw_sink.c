/* raw_sink.c - raw images and fixed VHDs as sinks: sparse files, written in place. */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "disk/direct.h"

#define ZEROS (1024 * 1024)

struct raw_sink {
	struct disk_sink base;
	int fd;
	int direct;		/* -1 if there is none */
	bool wants_footer;	/* a VHD that we make; one that was complete keeps its own */
};

static void raw_close(struct disk_sink *s)
{
	struct raw_sink *r = (struct raw_sink *)s;

	close_p(&r->direct);
	image_close(&r->fd);
	free(s->path);
	free(r);
}

static int raw_write(struct disk_sink *s, const void *p, size_t n, int64_t offset, struct err *e)
{
	struct raw_sink *r = (struct raw_sink *)s;

	if (direct_write(r->direct, p, n, offset))
		return 0;
	return fs_pwrite_full(r->fd, p, n, offset, s->path, e);
}

static int write_zeros(struct raw_sink *r, int64_t offset, int64_t length, struct err *e)
{
	auto_free char *zeros = calloc(1, ZEROS);

	if (zeros == NULL)
		return err_nomem(e);
	while (length > 0) {
		size_t n = length < ZEROS ? (size_t)length : ZEROS;

		if (fs_pwrite_full(r->fd, zeros, n, offset, r->base.path, e) != 0)
			return -1;
		offset += (int64_t)n;
		length -= (int64_t)n;
	}
	return 0;
}

/* Best no blocks, else blocks that say that they are zeros.  Both are done to the file, whichever
 * descriptor wrote it: the kernel drops or writes back what the page cache has of the range, and
 * direct transfers wait for that.  What is wrong with the file, writing it will tell. */
static int raw_zero(struct disk_sink *s, int64_t offset, int64_t length, struct err *e)
{
	struct raw_sink *r = (struct raw_sink *)s;

	if (fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) == 0 ||
	    fallocate(r->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length) == 0)
		return 0;
	return write_zeros(r, offset, length, e);
}

static int raw_read(struct disk_sink *s, void *p, size_t n, int64_t offset, struct err *e)
{
	struct raw_sink *r = (struct raw_sink *)s;

	if (direct_read(r->direct, p, n, offset))
		return 0;
	return fs_pread_full(r->fd, p, n, offset, s->path, e);
}

static int raw_extents(struct disk_sink *s, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e)
{
	struct raw_sink *r = (struct raw_sink *)s;

	return image_extents(r->fd, s->path, s->size, offset, length, ret, max, ret_count, ret_next,
	    e);
}

static int raw_sync(struct disk_sink *s, struct err *e)
{
	struct raw_sink *r = (struct raw_sink *)s;

	return fdatasync(r->fd) == 0 ? 0 : err_sys(e, errno, "syncing '%s'", s->path);
}

static int raw_finish(struct disk_sink *s, struct err *e)
{
	struct raw_sink *r = (struct raw_sink *)s;
	uint8_t footer[512], id[16];

	if (r->wants_footer) {
		random_bytes(id, sizeof(id));
		disk_vhd_footer(s->size, clock_now_us(&clock_system), id, footer);
		if (fs_pwrite_full(r->fd, footer, sizeof(footer), s->size, s->path, e) != 0)
			return -1;
	}
	if (fsync(r->fd) != 0)
		return err_sys(e, errno, "syncing '%s'", s->path);
	return fs_sync_parent(s->path, e);
}

static const struct disk_sink_ops raw_ops = { raw_write, raw_zero, raw_read, raw_extents, raw_sync,
	raw_finish, raw_close };

static int open_whole(struct raw_sink *r, enum disk_format format, struct err *e)
{
	int64_t file_size;

	if (image_open_to_write(r->base.path, &r->fd, &file_size, e) != 0)
		return -1;
	r->base.size = file_size;
	return format == DISK_VHD ? vhd_size(r->fd, r->base.path, file_size, &r->base.size, e) : 0;
}

static int open_unfinished(struct raw_sink *r, enum disk_format format, bool is_new, int64_t size,
    struct err *e)
{
	const char *path = r->base.path;
	int64_t was;

	if ((is_new ? image_create(path, &r->fd, e)
	    : image_open_to_write(path, &r->fd, &was, e)) != 0)
		return -1;
	r->base.size = size;
	r->wants_footer = format == DISK_VHD;
	if (ftruncate(r->fd, size) == 0)
		return 0;
	(void)err_sys(e, errno, "sizing disk image '%s' to %lld bytes", path, (long long)size);
	if (is_new)
		(void)unlink(path);	/* ours: nothing was there before */
	return -1;
}

int raw_sink_open(const char *path, enum disk_format format, enum sink_how how, int64_t size,
    struct disk_sink **ret, struct err *e)
{
	struct raw_sink *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->base = (struct disk_sink){ &raw_ops, strdup(path), 0 };
	r->fd = r->direct = -1;
	if (r->base.path == NULL) {
		(void)err_nomem(e);
		goto fail;
	}
	if ((how == SINK_WHOLE ? open_whole(r, format, e)
	    : open_unfinished(r, format, how == SINK_NEW, size, e)) != 0)
		goto fail;
	r->direct = direct_open(r->fd, O_RDWR);
	*ret = &r->base;
	return 0;
fail:
	raw_close(&r->base);
	return -1;
}
