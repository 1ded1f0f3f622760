/* source.c - sources of every format, and the formats' names.  See disk.h. */
#include "disk/internal.h"

const char *disk_format_name(enum disk_format f)
{
	switch (f) {
	case DISK_RAW:
		return "raw";
	case DISK_QCOW2:
		return "qcow2";
	case DISK_VHD:
		return "vhd";
	}
	return "unknown";
}

bool disk_format_parse(struct str s, enum disk_format *ret)
{
	for (int f = DISK_RAW; f <= DISK_VHD; f++)
		if (str_ieq(s, str_c(disk_format_name((enum disk_format)f)))) {
			*ret = (enum disk_format)f;
			return true;
		}
	return false;
}

int disk_src_open(const char *path, enum disk_format format, struct disk_src **ret, struct err *e)
{
	if (format == DISK_QCOW2)
		return qcow2_src_open(path, ret, e);
	return raw_src_open(path, format, ret, e);
}

void disk_src_close(struct disk_src *s)
{
	if (s != NULL)
		s->ops->close(s);
}

int64_t disk_src_size(const struct disk_src *s)
{
	return s->size;
}

int disk_check_range(const char *path, int64_t size, int64_t offset, uint64_t length,
    struct err *e)
{
	if (offset < 0 || offset > size || length > (uint64_t)(size - offset))
		return err_set(e, ERR_INVALID, "'%s': range %lld+%llu lies outside of its %lld bytes",
		    path, (long long)offset, (unsigned long long)length, (long long)size);
	return 0;
}

int disk_src_extents(struct disk_src *s, int64_t offset, int64_t length, struct extent *ret,
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

int disk_src_read(struct disk_src *s, void *p, size_t n, int64_t offset, struct err *e)
{
	if (disk_check_range(s->path, s->size, offset, n, e) != 0)
		return -1;
	return s->ops->read(s, p, n, offset, e);
}
