/* sink.c - sinks of every format.  See disk.h. */
#include "disk/internal.h"

static int open_sink(const char *path, enum disk_format format, enum sink_how how, int64_t size,
    struct disk_sink **ret, struct err *e)
{
	if (size < 0 || (format == DISK_VHD && size != disk_vhd_size(size)))
		return err_set(e, ERR_INVALID, "creating '%s': %lld is no size for a %s image", path,
		    (long long)size, disk_format_name(format));
	if (format == DISK_QCOW2)
		return qcow2_sink_open(path, how, size, ret, e);
	return raw_sink_open(path, format, how, size, ret, e);
}

int disk_sink_create(const char *path, enum disk_format format, int64_t size,
    struct disk_sink **ret, struct err *e)
{
	return open_sink(path, format, SINK_NEW, size, ret, e);
}

int disk_sink_reopen(const char *path, enum disk_format format, int64_t size,
    struct disk_sink **ret, struct err *e)
{
	return open_sink(path, format, SINK_HALF, size, ret, e);
}

int disk_sink_open(const char *path, enum disk_format format, struct disk_sink **ret,
    struct err *e)
{
	return open_sink(path, format, SINK_WHOLE, 0, ret, e);
}

int64_t disk_sink_size(const struct disk_sink *s)
{
	return s->size;
}

int disk_sink_write(struct disk_sink *s, const void *p, size_t n, int64_t offset, struct err *e)
{
	if (disk_check_range(s->path, s->size, offset, n, e) != 0)
		return -1;
	return s->ops->write(s, p, n, offset, e);
}

int disk_sink_zero(struct disk_sink *s, int64_t offset, int64_t length, struct err *e)
{
	if (disk_check_range(s->path, s->size, offset, (uint64_t)length, e) != 0)
		return -1;
	return length == 0 ? 0 : s->ops->zero(s, offset, length, e);
}

int disk_sink_read(struct disk_sink *s, void *p, size_t n, int64_t offset, struct err *e)
{
	if (disk_check_range(s->path, s->size, offset, n, e) != 0)
		return -1;
	return s->ops->read(s, p, n, offset, e);
}

int disk_sink_extents(struct disk_sink *s, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e)
{
	if (disk_check_range(s->path, s->size, offset, (uint64_t)length, e) != 0)
		return -1;
	if (length == 0 || max == 0) {
		*ret_count = 0;
		*ret_next = offset;
		return 0;
	}
	return s->ops->extents(s, offset, length, ret, max, ret_count, ret_next, e);
}

int disk_sink_sync(struct disk_sink *s, struct err *e)
{
	return s->ops->sync(s, e);
}

int disk_sink_finish(struct disk_sink **s, struct err *e)
{
	struct disk_sink *sink = TAKE(*s);
	int r = sink->ops->finish(sink, e);

	disk_sink_close(sink);
	return r;
}

void disk_sink_close(struct disk_sink *s)
{
	if (s != NULL)
		s->ops->close(s);
}
