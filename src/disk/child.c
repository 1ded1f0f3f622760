/* child.c - see child.h. */
#include "disk/child.h"

#include <errno.h>
#include <fcntl.h>
#include <libnbd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "disk/direct.h"

#define PART_MAX (8u * 1024 * 1024)	/* a server must take 32 MiB; smaller keeps latency down */
#define SPAN_MAX (1LL << 30)		/* the protocol's lengths have 32 bits */
#define FLAG_ZERO 2u			/* base:allocation: reads as zeros */

static int nbd_fail(const char *what, const char *path, struct err *e)
{
	const char *why = nbd_get_error();
	int sys = nbd_get_errno();

	(void)err_set(e, sys == ENOSPC ? ERR_NO_SPACE : ERR_IO, "%s '%s': %s", what, path,
	    why != NULL ? why : "unknown error");
	e->sys = sys;
	return -1;
}

static struct nbd_handle *next_of(struct child *c)
{
	return c->nbd[atomic_fetch_add(&c->next, 1) % c->count];
}

static int handle_new(struct child *c, struct err *e)
{
	struct nbd_handle *h = nbd_create();

	if (h == NULL)
		return nbd_fail("opening", c->path, e);
	c->nbd[c->count++] = h;
	if (nbd_add_meta_context(h, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
		return nbd_fail("opening", c->path, e);
	return 0;
}

static int launch(struct child *c, int fd, bool writable, struct err *e)
{
	auto_close int direct = writable ? direct_open(fd, O_RDWR) : -1;
	char image[64], shared[32], none[] = "--cache=none", writeback[] = "--cache=writeback";
	char *reader[] = { (char[]){ "setsid" }, (char[]){ "qemu-nbd" },
		(char[]){ "--format=qcow2" }, (char[]){ "--read-only" }, image, NULL };
	char *writer[] = { (char[]){ "setsid" }, (char[]){ "qemu-nbd" },
		(char[]){ "--format=qcow2" }, (char[]){ "--discard=unmap" },
		(char[]){ "--detect-zeroes=off" }, shared, direct >= 0 ? none : writeback,
		image, NULL };

	(void)snprintf(image, sizeof(image), "/proc/%ld/fd/%d", (long)getpid(), fd);
	(void)snprintf(shared, sizeof(shared), "--shared=%d", CHILD_CONNECTIONS);
	if (nbd_connect_systemd_socket_activation(c->nbd[0], writable ? writer : reader) != 0)
		return nbd_fail("starting qemu-nbd for", c->path, e);
	return 0;
}

/* Connections besides the first, to the socket that libnbd made for that one. */
static int connect_more(struct child *c, struct err *e)
{
	struct sockaddr_un there = { 0 };
	socklen_t n = sizeof(there);

	if (nbd_can_multi_conn(c->nbd[0]) != 1)
		return 0;	/* a flush of one would not count for the others */
	if (getpeername(nbd_aio_get_fd(c->nbd[0]), (struct sockaddr *)&there, &n) != 0)
		return err_sys(e, errno, "connecting to qemu-nbd for '%s'", c->path);
	while (c->count < CHILD_CONNECTIONS) {
		if (handle_new(c, e) != 0)
			return -1;
		if (nbd_connect_unix(c->nbd[c->count - 1], there.sun_path) != 0)
			return nbd_fail("connecting to qemu-nbd for", c->path, e);
	}
	return 0;
}

int child_start(struct child *c, int fd, int64_t size, bool writable, struct err *e)
{
	int64_t got;

	if (handle_new(c, e) != 0 || launch(c, fd, writable, e) != 0)
		return -1;
	got = nbd_get_size(c->nbd[0]);
	if (got < 0)
		return nbd_fail("asking for the size of", c->path, e);
	if (got != size)
		return err_set(e, ERR_IO, "disk image '%s' changed its size while it was opened",
		    c->path);
	return writable ? connect_more(c, e) : 0;
}

/* The child closes the image and ends when the last connection does; nbd_close() of the one that
 * started it waits for that.  (The SIGTERM that it sends before does the same.) */
void child_end(struct child *c)
{
	for (unsigned i = c->count; i-- > 0;) {
		(void)nbd_shutdown(c->nbd[i], 0);
		nbd_close(c->nbd[i]);
	}
	c->count = 0;
}

int child_read(struct child *c, void *p, size_t n, int64_t offset, struct err *e)
{
	char *at = p;

	while (n > 0) {
		size_t part = n < PART_MAX ? n : PART_MAX;

		if (nbd_pread(next_of(c), at, part, (uint64_t)offset, 0) != 0)
			return nbd_fail("reading", c->path, e);
		at += part;
		n -= part;
		offset += (int64_t)part;
	}
	return 0;
}

int child_write(struct child *c, const void *p, size_t n, int64_t offset, struct err *e)
{
	const char *at = p;

	while (n > 0) {
		size_t part = n < PART_MAX ? n : PART_MAX;

		if (nbd_pwrite(next_of(c), at, part, (uint64_t)offset, 0) != 0)
			return nbd_fail("writing", c->path, e);
		at += part;
		n -= part;
		offset += (int64_t)part;
	}
	return 0;
}

int child_zero(struct child *c, int64_t offset, int64_t length, struct err *e)
{
	while (length > 0) {
		int64_t part = length < SPAN_MAX ? length : SPAN_MAX;

		/* without NBD_CMD_FLAG_NO_HOLE: holes are wanted */
		if (nbd_zero(next_of(c), (uint64_t)part, (uint64_t)offset, 0) != 0)
			return nbd_fail("zeroing", c->path, e);
		offset += part;
		length -= part;
	}
	return 0;
}

/* Of one connection, for all: there are several only where the server says that this counts. */
int child_flush(struct child *c, struct err *e)
{
	return nbd_flush(c->nbd[0], 0) == 0 ? 0 : nbd_fail("syncing", c->path, e);
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

int child_extents(struct child *c, int64_t offset, int64_t length, struct extent *ret, size_t max,
    size_t *ret_count, int64_t *ret_next, struct err *e)
{
	struct status st = { .ret = ret, .max = max, .at = offset };

	while (st.at < offset + length && st.count < max) {
		int64_t before = st.at, want = offset + length - st.at;
		nbd_extent_callback cb = { .callback = add_status, .user_data = &st };

		if (want > SPAN_MAX)
			want = SPAN_MAX;
		st.end = st.at + want;
		if (nbd_block_status(c->nbd[0], (uint64_t)want, (uint64_t)st.at, cb, 0) != 0)
			return nbd_fail("asking for the allocation of", c->path, e);
		if (st.at == before)
			return err_set(e, ERR_IO, "asking for the allocation of '%s': no progress at %lld",
			    c->path, (long long)before);
	}
	*ret_count = st.count;
	*ret_next = st.at;
	return 0;
}
