/* qcow2.c - qcow2 images as sources, through a qemu-nbd child of ours; see child.h. */
#include "disk/internal.h"

#include <errno.h>

#include "disk/child.h"

struct qcow2_src {
	struct disk_src base;
	struct child child;
	int fd;			/* of the image; keeps it locked */
	int64_t file_size;	/* when it was opened */
};

static void qcow2_free(struct qcow2_src *q)
{
	child_end(&q->child);
	image_close(&q->fd);
	free(q->base.path);
	free(q);
}

static void qcow2_close(struct disk_src *s)
{
	qcow2_free((struct qcow2_src *)s);
}

static int qcow2_read(struct disk_src *s, void *p, size_t n, int64_t offset, struct err *e)
{
	return child_read(&((struct qcow2_src *)s)->child, p, n, offset, e);
}

static int qcow2_extents(struct disk_src *s, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e)
{
	struct qcow2_src *q = (struct qcow2_src *)s;
	size_t count;
	int64_t next;

	if (child_extents(&q->child, offset, length, ret, max, &count, &next, e) != 0 ||
	    image_check_size(q->fd, s->path, q->file_size, e) != 0)
		return -1;
	*ret_count = count;
	*ret_next = next;
	return 0;
}

static const struct disk_src_ops qcow2_ops = { qcow2_extents, qcow2_read, qcow2_close };

int qcow2_look(int fd, const char *path, uint8_t *ret_head, int64_t *ret_size, struct err *e)
{
	ssize_t got = pread(fd, ret_head, QCOW2_HEADER_MAX, 0);

	if (got < 0)
		return err_sys(e, errno, "reading disk image '%s'", path);
	memset(ret_head + got, 0, QCOW2_HEADER_MAX - (size_t)got);
	if (qcow2_header(ret_head, (size_t)got, ret_size, e) != 0)
		return err_in(e, "disk image '%s'", path);
	return 0;
}

int qcow2_look_whole(int fd, const char *path, int64_t file_size, int64_t *ret_size, struct err *e)
{
	uint8_t head[QCOW2_HEADER_MAX];
	int64_t size;

	if (qcow2_look(fd, path, head, &size, e) != 0 ||
	    qcow2_check_whole(fd, path, head, size, file_size, e) != 0)
		return -1;
	*ret_size = size;
	return 0;
}

int qcow2_src_open(const char *path, struct disk_src **ret, struct err *e)
{
	struct qcow2_src *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return err_nomem(e);
	q->base = (struct disk_src){ &qcow2_ops, strdup(path), 0 };
	q->child.path = q->base.path;
	q->fd = -1;
	if (q->base.path == NULL) {
		(void)err_nomem(e);
		goto fail;
	}
	if (image_open(path, &q->fd, &q->file_size, e) != 0 ||
	    qcow2_look_whole(q->fd, path, q->file_size, &q->base.size, e) != 0 ||
	    child_start(&q->child, q->fd, q->base.size, false, e) != 0)
		goto fail;
	*ret = &q->base;
	return 0;
fail:
	qcow2_free(q);
	return -1;
}
