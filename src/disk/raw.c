/* raw.c - raw images and fixed VHDs as sources: plain reads, holes by SEEK_DATA and SEEK_HOLE. */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fs.h"
#include "disk/direct.h"

struct raw_src {
	struct disk_src base;
	int fd;
	int direct;		/* -1 if there is none */
	int64_t file_size;	/* when it was opened */
};

static void raw_free(struct raw_src *r)
{
	close_p(&r->direct);
	image_close(&r->fd);
	free(r->base.path);
	free(r);
}

static void raw_close(struct disk_src *s)
{
	raw_free((struct raw_src *)s);
}

static int raw_read(struct disk_src *s, void *p, size_t n, int64_t offset, struct err *e)
{
	struct raw_src *r = (struct raw_src *)s;

	if (direct_read(r->direct, p, n, offset))
		return 0;
	return fs_pread_full(r->fd, p, n, offset, s->path, e);
}

/* Where `whence` (SEEK_DATA, SEEK_HOLE) next holds at or after `at`; `end` if nowhere before it. */
static int seek(int fd, const char *path, int64_t at, int64_t end, int whence, int64_t *ret,
    struct err *e)
{
	off_t got = lseek(fd, at, whence);

	if (got < 0 && errno == ENXIO) {
		*ret = end;	/* no data behind `at` */
		return 0;
	}
	if (got < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) {
		*ret = whence == SEEK_DATA ? at : end;	/* no holes known here: all is data */
		return 0;
	}
	if (got < 0)
		return err_sys(e, errno, "looking for data in '%s'", path);
	*ret = got < end ? got : end;
	return 0;
}

int image_extents(int fd, const char *path, int64_t file_size, int64_t offset, int64_t length,
    struct extent *ret, size_t max, size_t *ret_count, int64_t *ret_next, struct err *e)
{
	int64_t at = offset, end = offset + length, data, hole;
	size_t count = 0;

	while (at < end && count < max) {
		if (seek(fd, path, at, end, SEEK_DATA, &data, e) != 0)
			return -1;
		if (data >= end) {
			at = end;
			break;
		}
		if (seek(fd, path, data, end, SEEK_HOLE, &hole, e) != 0)
			return -1;
		if (hole <= data)
			return err_set(e, ERR_IO, "looking for holes in '%s': no progress at %lld",
			    path, (long long)data);
		ret[count++] = (struct extent){ data, hole - data };
		at = hole;
	}
	if (image_check_size(fd, path, file_size, e) != 0)
		return -1;
	*ret_count = count;
	*ret_next = at;
	return 0;
}

static int raw_extents(struct disk_src *s, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e)
{
	struct raw_src *r = (struct raw_src *)s;

	return image_extents(r->fd, s->path, r->file_size, offset, length, ret, max, ret_count,
	    ret_next, e);
}

static const struct disk_src_ops raw_ops = { raw_extents, raw_read, raw_close };

int raw_src_open(const char *path, enum disk_format format, struct disk_src **ret, struct err *e)
{
	struct raw_src *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->base = (struct disk_src){ &raw_ops, strdup(path), 0 };
	r->fd = r->direct = -1;
	if (r->base.path == NULL) {
		(void)err_nomem(e);
		goto fail;
	}
	if (image_open(path, &r->fd, &r->file_size, e) != 0)
		goto fail;
	r->base.size = r->file_size;
	if (format == DISK_VHD && vhd_size(r->fd, path, r->file_size, &r->base.size, e) != 0)
		goto fail;
	r->direct = direct_open(r->fd, O_RDONLY);
	*ret = &r->base;
	return 0;
fail:
	raw_free(r);
	return -1;
}
