/* sink.c - new images, written sparse: raw and fixed VHD.  See disk.h. */
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "disk/direct.h"

struct disk_sink {
	int fd;
	int direct;		/* -1 if there is none */
	char *path;
	enum disk_format format;
	int64_t size;
};

void disk_sink_close(struct disk_sink *s)
{
	if (s == NULL)
		return;
	if (s->direct >= 0)
		(void)close(s->direct);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->path);
	free(s);
}

static int check_request(const char *path, enum disk_format format, int64_t size, struct err *e)
{
	if (format == DISK_QCOW2)
		return err_set(e, ERR_INVALID,
		    "creating '%s': restores are written raw or vhd, not qcow2", path);
	if (size < 0 || (format == DISK_VHD && size != disk_vhd_size(size)))
		return err_set(e, ERR_INVALID, "creating '%s': %lld is no size for a %s image", path,
		    (long long)size, disk_format_name(format));
	return 0;
}

static int open_sink(const char *path, enum disk_format format, int64_t size, int flags,
    struct disk_sink **ret, struct err *e)
{
	struct disk_sink *s;

	if (check_request(path, format, size, e) != 0)
		return -1;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	*s = (struct disk_sink){ .fd = -1, .direct = -1, .path = strdup(path), .format = format, .size = size };
	if (s->path == NULL) {
		disk_sink_close(s);
		return err_nomem(e);
	}
	s->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
	if (s->fd < 0) {
		(void)err_sys(e, errno, "creating disk image '%s'", path);
		disk_sink_close(s);
		return -1;
	}
	if (ftruncate(s->fd, size) != 0) {
		(void)err_sys(e, errno, "sizing disk image '%s' to %lld bytes", path, (long long)size);
		if ((flags & O_EXCL) != 0)
			(void)unlink(path);
		disk_sink_close(s);
		return -1;
	}
	s->direct = direct_open(s->fd, O_RDWR);
	*ret = s;
	return 0;
}

int disk_sink_create(const char *path, enum disk_format format, int64_t size,
    struct disk_sink **ret, struct err *e)
{
	return open_sink(path, format, size, O_CREAT | O_EXCL, ret, e);
}

int disk_sink_reopen(const char *path, enum disk_format format, int64_t size,
    struct disk_sink **ret, struct err *e)
{
	return open_sink(path, format, size, 0, ret, e);
}

int disk_sink_write(struct disk_sink *s, const void *p, size_t n, int64_t offset, struct err *e)
{
	if (offset < 0 || (int64_t)n > s->size - offset)
		return err_set(e, ERR_INVALID, "writing '%s': range %lld+%zu lies outside of it", s->path,
		    (long long)offset, n);
	if (direct_write(s->direct, p, n, offset))
		return 0;
	return fs_pwrite_full(s->fd, p, n, offset, s->path, e);
}

int disk_sink_sync(struct disk_sink *s, struct err *e)
{
	return fdatasync(s->fd) == 0 ? 0 : err_sys(e, errno, "syncing '%s'", s->path);
}

static int finish(struct disk_sink *s, struct err *e)
{
	uint8_t footer[512], id[16];

	if (s->format == DISK_VHD) {
		random_bytes(id, sizeof(id));
		disk_vhd_footer(s->size, clock_now_us(&clock_system), id, footer);
		if (fs_pwrite_full(s->fd, footer, sizeof(footer), s->size, s->path, e) != 0)
			return -1;
	}
	if (fsync(s->fd) != 0)
		return err_sys(e, errno, "syncing '%s'", s->path);
	return fs_sync_parent(s->path, e);
}

int disk_sink_finish(struct disk_sink **s, struct err *e)
{
	struct disk_sink *sink = TAKE(*s);
	int r = finish(sink, e);

	disk_sink_close(sink);
	return r;
}
