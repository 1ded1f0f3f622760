/* qcow2_sink.c - qcow2 images as sinks, through a qemu-nbd child of ours; see child.h. */
#include "disk/internal.h"

#include <errno.h>
#include <time.h>

#include "base/fs.h"
#include "disk/child.h"

#define SECTOR 512
#define WAITS 200	/* of 50 ms */

struct qcow2_sink {
	struct disk_sink base;
	struct child child;
	int fd;
};

static void qcow2_close(struct disk_sink *s)
{
	struct qcow2_sink *q = (struct qcow2_sink *)s;

	child_end(&q->child);
	image_close(&q->fd);
	free(s->path);
	free(q);
}

static int qcow2_write(struct disk_sink *s, const void *p, size_t n, int64_t offset, struct err *e)
{
	return child_write(&((struct qcow2_sink *)s)->child, p, n, offset, e);
}

static int qcow2_zero(struct disk_sink *s, int64_t offset, int64_t length, struct err *e)
{
	return child_zero(&((struct qcow2_sink *)s)->child, offset, length, e);
}

static int qcow2_read(struct disk_sink *s, void *p, size_t n, int64_t offset, struct err *e)
{
	return child_read(&((struct qcow2_sink *)s)->child, p, n, offset, e);
}

static int qcow2_extents(struct disk_sink *s, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e)
{
	return child_extents(&((struct qcow2_sink *)s)->child, offset, length, ret, max, ret_count,
	    ret_next, e);
}

static int qcow2_sync(struct disk_sink *s, struct err *e)
{
	return child_flush(&((struct qcow2_sink *)s)->child, e);
}

/* The flush is what tells of errors; the child then closes the image and is gone, so that who is
 * told of the finished image can open it. */
static int qcow2_finish(struct disk_sink *s, struct err *e)
{
	struct qcow2_sink *q = (struct qcow2_sink *)s;

	if (child_flush(&q->child, e) != 0)
		return -1;
	child_end(&q->child);
	if (fsync(q->fd) != 0)
		return err_sys(e, errno, "syncing '%s'", s->path);
	return fs_sync_parent(s->path, e);
}

static const struct disk_sink_ops qcow2_ops = { qcow2_write, qcow2_zero, qcow2_read, qcow2_extents,
	qcow2_sync, qcow2_finish, qcow2_close };

/* The child of a process that crashed ends with it, but first writes what it was told to write:
 * that it has the image open still is no reason to give up. */
static int open_after_crash(struct qcow2_sink *q, int64_t *ret_size, struct err *e)
{
	struct timespec pause = { .tv_nsec = 50000000 };

	for (int i = 0; i < WAITS; i++) {
		if (image_open_to_write(q->base.path, &q->fd, ret_size, e) == 0)
			return 0;
		if (e->kind != ERR_BUSY)
			return -1;
		(void)nanosleep(&pause, NULL);
	}
	return -1;
}

static int check_size(struct qcow2_sink *q, int64_t size, struct err *e)
{
	uint8_t head[QCOW2_HEADER_MAX];

	if (qcow2_look(q->fd, q->base.path, head, &q->base.size, e) != 0)
		return -1;
	if (q->base.size < size || q->base.size - size >= SECTOR)
		return err_set(e, ERR_INVALID, "disk image '%s' has %lld bytes inside, not %lld",
		    q->base.path, (long long)q->base.size, (long long)size);
	return 0;
}

/* Leave the file, open and unlocked, ready for the child, which locks it for itself. */
static int prepare(struct qcow2_sink *q, enum sink_how how, int64_t size, struct err *e)
{
	const char *path = q->base.path;
	int64_t file_size;

	switch (how) {
	case SINK_NEW:
		image_unlock(q->fd);
		return qemu_img_create(q->fd, path, size, e) != 0 ? -1 : check_size(q, size, e);
	case SINK_HALF:
		if (open_after_crash(q, &file_size, e) != 0 || check_size(q, size, e) != 0)
			return -1;
		image_unlock(q->fd);
		return qemu_img_repair(q->fd, path, e);
	case SINK_WHOLE:
		if (image_open_to_write(path, &q->fd, &file_size, e) != 0 ||
		    qcow2_look_whole(q->fd, path, file_size, &q->base.size, e) != 0)
			return -1;
		image_unlock(q->fd);
		return 0;
	}
	return err_set(e, ERR_BUG, "'%s': opened in no known way", path);
}

static int start(struct qcow2_sink *q, enum sink_how how, int64_t size, struct err *e)
{
	if (prepare(q, how, size, e) == 0 &&
	    child_start(&q->child, q->fd, q->base.size, true, e) == 0)
		return 0;
	child_end(&q->child);
	/* somebody was faster than qemu-nbd, which does not say so */
	if (q->fd >= 0 && e->kind == ERR_IO && image_in_use(q->fd))
		return image_busy(q->base.path, e);
	return -1;
}

int qcow2_sink_open(const char *path, enum sink_how how, int64_t size, struct disk_sink **ret,
    struct err *e)
{
	struct qcow2_sink *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return err_nomem(e);
	q->base = (struct disk_sink){ &qcow2_ops, strdup(path), 0 };
	q->child.path = q->base.path;
	q->fd = -1;
	if (q->base.path == NULL) {
		(void)err_nomem(e);
		goto fail;
	}
	if (how == SINK_NEW && image_create(path, &q->fd, e) != 0)
		goto fail;
	if (start(q, how, size, e) != 0) {
		if (how == SINK_NEW)
			(void)unlink(path);	/* ours: nothing was there before */
		goto fail;
	}
	*ret = &q->base;
	return 0;
fail:
	qcow2_close(&q->base);
	return -1;
}
