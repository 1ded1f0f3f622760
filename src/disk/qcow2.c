/* qcow2.c - qcow2 images as sources, through a qemu-nbd child of ours.
 *
 * libnbd starts the child with a socket that it hands over (systemd's socket
 * activation), so there is no socket file to guard, and ends it at close.
 * Without --persistent the child also ends when our end of the socket does,
 * so that it never outlives us.  It runs in a session of its own: what a
 * terminal sends to our process group must stop us, who then resume the job,
 * and not the child, whose end would fail it.  A libnbd handle has its own
 * lock: one may be used from many threads.
 *
 * The child opens our descriptor, not the path: what is read is the file that
 * was looked at, whatever has been put in its place meanwhile. */
#include "disk/internal.h"

#include <errno.h>
#include <libnbd.h>
#include <stdio.h>

#define READ_MAX (8u * 1024 * 1024)	/* a server must take 32 MiB; smaller keeps latency down */
#define STATUS_MAX (1LL << 30)		/* the protocol's lengths have 32 bits */
#define FLAG_ZERO 2u			/* base:allocation: reads as zeros */

struct qcow2_src {
	struct disk_src base;
	struct nbd_handle *nbd;
	int fd;			/* of the image; keeps it locked */
	int64_t file_size;	/* when it was opened */
};

static int nbd_fail(const char *what, const char *path, struct err *e)
{
	const char *why = nbd_get_error();
	int sys = nbd_get_errno();

	(void)err_set(e, sys == ENOSPC ? ERR_NO_SPACE : ERR_IO, "%s '%s': %s", what, path,
	    why != NULL ? why : "unknown error");
	e->sys = sys;
	return -1;
}

static void qcow2_free(struct qcow2_src *q)
{
	nbd_close(q->nbd);
	close_p(&q->fd);
	free(q->base.path);
	free(q);
}

static void qcow2_close(struct disk_src *s)
{
	qcow2_free((struct qcow2_src *)s);
}

static int qcow2_read(struct disk_src *s, void *p, size_t n, int64_t offset, struct err *e)
{
	struct qcow2_src *q = (struct qcow2_src *)s;
	char *at = p;

	while (n > 0) {
		size_t part = n < READ_MAX ? n : READ_MAX;

		if (nbd_pread(q->nbd, at, part, (uint64_t)offset, 0) != 0)
			return nbd_fail("reading", s->path, e);
		at += part;
		n -= part;
		offset += (int64_t)part;
	}
	return 0;
}

/* What one block-status answer is collected into. */
struct status {
	struct extent *ret;
	size_t max, count;
	int64_t at, end;	/* next byte to be described; end of the request */
};

static int add_status(void *arg, const char *context, uint64_t offset, uint32_t *entries, size_t n,
    int *error)
{
	struct status *st = arg;

	(void)error;
	if (strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0 || (int64_t)offset != st->at)
		return 0;
	for (size_t i = 0; i + 1 < n && st->at < st->end; i += 2) {
		int64_t length = entries[i];

		if (length > st->end - st->at)
			length = st->end - st->at;
		if ((entries[i + 1] & FLAG_ZERO) == 0) {
			struct extent *last = st->count > 0 ? &st->ret[st->count - 1] : NULL;

			if (last != NULL && last->offset + last->length == st->at)
				last->length += length;
			else if (st->count == st->max)
				return 0;
			else
				st->ret[st->count++] = (struct extent){ st->at, length };
		}
		st->at += length;
	}
	return 0;
}

static int qcow2_extents(struct disk_src *s, int64_t offset, int64_t length, struct extent *ret,
    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e)
{
	struct qcow2_src *q = (struct qcow2_src *)s;
	struct status st = { .ret = ret, .max = max, .at = offset };

	while (st.at < offset + length && st.count < max) {
		int64_t before = st.at, want = offset + length - st.at;
		nbd_extent_callback cb = { .callback = add_status, .user_data = &st };

		if (want > STATUS_MAX)
			want = STATUS_MAX;
		st.end = st.at + want;
		if (nbd_block_status(q->nbd, (uint64_t)want, (uint64_t)st.at, cb, 0) != 0)
			return nbd_fail("asking for the allocation of", s->path, e);
		if (st.at == before)
			return err_set(e, ERR_IO, "asking for the allocation of '%s': no progress at %lld",
			    s->path, (long long)before);
	}
	if (image_check_size(q->fd, s->path, q->file_size, e) != 0)
		return -1;
	*ret_count = st.count;
	*ret_next = st.at;
	return 0;
}

static const struct disk_src_ops qcow2_ops = { qcow2_extents, qcow2_read, qcow2_close };

/* It is a qcow2 that names no other file and has all its data. */
static int check_file(struct qcow2_src *q, struct err *e)
{
	uint8_t head[QCOW2_HEADER_MAX] = { 0 };
	ssize_t got = pread(q->fd, head, sizeof(head), 0);

	if (got < 0)
		return err_sys(e, errno, "reading disk image '%s'", q->base.path);
	if (qcow2_header(head, (size_t)got, &q->base.size, e) != 0)
		return err_in(e, "disk image '%s'", q->base.path);
	return qcow2_check_whole(q->fd, q->base.path, head, q->base.size, q->file_size, e);
}

static int connect_child(struct qcow2_src *q, struct err *e)
{
	char image[64];
	char *argv[] = { (char[]){ "setsid" }, (char[]){ "qemu-nbd" }, (char[]){ "--read-only" },
		(char[]){ "--format=qcow2" }, image, NULL };
	const char *path = q->base.path;
	int64_t size;

	(void)snprintf(image, sizeof(image), "/proc/%ld/fd/%d", (long)getpid(), q->fd);
	q->nbd = nbd_create();
	if (q->nbd == NULL || nbd_add_meta_context(q->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
		return nbd_fail("opening", path, e);
	if (nbd_connect_systemd_socket_activation(q->nbd, argv) != 0)
		return nbd_fail("starting qemu-nbd for", path, e);
	size = nbd_get_size(q->nbd);
	if (size < 0)
		return nbd_fail("asking for the size of", path, e);
	if (size != q->base.size)
		return err_set(e, ERR_IO, "disk image '%s' changed its size while it was opened", path);
	return 0;
}

int qcow2_src_open(const char *path, struct disk_src **ret, struct err *e)
{
	struct qcow2_src *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return err_nomem(e);
	q->base = (struct disk_src){ &qcow2_ops, strdup(path), 0 };
	q->fd = -1;
	if (q->base.path == NULL) {
		(void)err_nomem(e);
		goto fail;
	}
	if (image_open(path, &q->fd, &q->file_size, e) != 0 || check_file(q, e) != 0 ||
	    connect_child(q, e) != 0)
		goto fail;
	*ret = &q->base;
	return 0;
fail:
	qcow2_free(q);
	return -1;
}
