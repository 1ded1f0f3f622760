/* child.c - see child.h. */
#include "disk/child.h"

#include <errno.h>
#include <libnbd.h>
#include <stdio.h>

#define PART_MAX (8u * 1024 * 1024)	/* a server must take 32 MiB; smaller keeps latency down */
#define STATUS_MAX (1LL << 30)		/* the protocol's lengths have 32 bits */
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

int child_start(struct child *c, int fd, int64_t size, struct err *e)
{
	char image[64];
	char *argv[] = { (char[]){ "setsid" }, (char[]){ "qemu-nbd" }, (char[]){ "--read-only" },
		(char[]){ "--format=qcow2" }, image, NULL };
	int64_t got;

	(void)snprintf(image, sizeof(image), "/proc/%ld/fd/%d", (long)getpid(), fd);
	c->nbd = nbd_create();
	if (c->nbd == NULL || nbd_add_meta_context(c->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
		return nbd_fail("opening", c->path, e);
	if (nbd_connect_systemd_socket_activation(c->nbd, argv) != 0)
		return nbd_fail("starting qemu-nbd for", c->path, e);
	got = nbd_get_size(c->nbd);
	if (got < 0)
		return nbd_fail("asking for the size of", c->path, e);
	if (got != size)
		return err_set(e, ERR_IO, "disk image '%s' changed its size while it was opened",
		    c->path);
	return 0;
}

void child_end(struct child *c)
{
	nbd_close(c->nbd);
	c->nbd = NULL;
}

int child_read(struct child *c, void *p, size_t n, int64_t offset, struct err *e)
{
	char *at = p;

	while (n > 0) {
		size_t part = n < PART_MAX ? n : PART_MAX;

		if (nbd_pread(c->nbd, at, part, (uint64_t)offset, 0) != 0)
			return nbd_fail("reading", c->path, e);
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

int child_extents(struct child *c, int64_t offset, int64_t length, struct extent *ret, size_t max,
    size_t *ret_count, int64_t *ret_next, struct err *e)
{
	struct status st = { .ret = ret, .max = max, .at = offset };

	while (st.at < offset + length && st.count < max) {
		int64_t before = st.at, want = offset + length - st.at;
		nbd_extent_callback cb = { .callback = add_status, .user_data = &st };

		if (want > STATUS_MAX)
			want = STATUS_MAX;
		st.end = st.at + want;
		if (nbd_block_status(c->nbd, (uint64_t)want, (uint64_t)st.at, cb, 0) != 0)
			return nbd_fail("asking for the allocation of", c->path, e);
		if (st.at == before)
			return err_set(e, ERR_IO, "asking for the allocation of '%s': no progress at %lld",
			    c->path, (long long)before);
	}
	*ret_count = st.count;
	*ret_next = st.at;
	return 0;
}
