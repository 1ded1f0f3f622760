/* dir_io.c - the bytes of an object past the page cache.  See dir.h. */
#include "object/dir.h"

#include <fcntl.h>

#define ALIGN ((size_t)4096)	/* of memory, offset and length: what every medium accepts */
#define PIECE ((size_t)1 << 20)	/* larger ones were not measurably faster */
#define BOUNCE_SIZE (PIECE + 2 * ALIGN)	/* for a piece with its blocks filled up on both sides */

static void *take_bounce(struct dir_bounces *b)
{
	void *p = NULL;

	pthread_mutex_lock(&b->mu);
	if (b->n > 0)
		p = b->kept[--b->n];
	pthread_mutex_unlock(&b->mu);
	return p != NULL ? p : aligned_alloc(ALIGN, BOUNCE_SIZE);
}

static void give_bounce(struct dir_bounces *b, void *p)
{
	pthread_mutex_lock(&b->mu);
	if (b->n < ARRAY_LEN(b->kept))
		b->kept[b->n++] = TAKE(p);
	pthread_mutex_unlock(&b->mu);
	free(p);
}

void dir_bounces_init(struct dir_bounces *b)
{
	pthread_mutex_init(&b->mu, NULL);
}

void dir_bounces_done(struct dir_bounces *b)
{
	while (b->n > 0)
		free(b->kept[--b->n]);
	pthread_mutex_destroy(&b->mu);
}

/* A buffer, with O_DIRECT on; NULL without memory or where the file system has no such thing. */
static void *begin(struct dir_store *d, int fd)
{
	return fcntl(fd, F_SETFL, O_DIRECT) == 0 ? take_bounce(&d->bounces) : NULL;
}

static void end(struct dir_store *d, int fd, void *bounce)
{
	(void)fcntl(fd, F_SETFL, 0);
	if (bounce != NULL)
		give_bounce(&d->bounces, bounce);
}

static bool aligned(const void *p, size_t n, int64_t offset)
{
	return (uintptr_t)p % ALIGN == 0 && n % ALIGN == 0 && (uint64_t)offset % ALIGN == 0;
}

/* One transfer: how many bytes are in `p` now; 0 at the end of the file and if it fails. */
static size_t read_some(int fd, char *bounce, char *p, size_t n, int64_t offset)
{
	size_t skip = (uint64_t)offset % ALIGN, whole = (skip + n + ALIGN - 1) / ALIGN * ALIGN;
	ssize_t got;

	if (aligned(p, n, offset)) {
		got = pread(fd, p, n, offset);
		return got < 0 ? 0 : (size_t)got;
	}
	got = pread(fd, bounce, whole < BOUNCE_SIZE ? whole : BOUNCE_SIZE, offset - (int64_t)skip);
	if (got <= (ssize_t)skip)
		return 0;
	if (n > (size_t)got - skip)
		n = (size_t)got - skip;
	memcpy(p, bounce + skip, n);
	return n;
}

size_t dir_read_direct(struct dir_store *d, int fd, void *p, size_t n, int64_t offset)
{
	char *bounce = begin(d, fd);
	size_t done = 0, got = bounce != NULL ? 1 : 0;

	while (got > 0 && done < n) {
		got = read_some(fd, bounce, (char *)p + done, n - done, offset + (int64_t)done);
		done += got;
	}
	end(d, fd, bounce);
	return done;
}

/* One transfer of whole blocks: how many bytes are in the file now; 0 if it fails. */
static size_t write_some(int fd, char *bounce, const char *p, size_t n, int64_t offset)
{
	ssize_t put;

	if (!aligned(p, n, offset)) {
		n = n < PIECE ? n : PIECE;
		p = memcpy(bounce, p, n);
	}
	put = pwrite(fd, p, n, offset);
	return put < 0 ? 0 : (size_t)put / ALIGN * ALIGN;
}

size_t dir_write_direct(struct dir_store *d, int fd, const void *p, size_t n)
{
	char *bounce = begin(d, fd);
	size_t bulk = n / ALIGN * ALIGN, done = 0, put = bounce != NULL ? 1 : 0;

	/* Not faster, but one extent instead of several when others write too.  Where it
	 * cannot be had, the writes tell. */
	if (bounce != NULL)
		(void)fallocate(fd, 0, 0, (off_t)n);
	while (put > 0 && done < bulk) {
		put = write_some(fd, bounce, (const char *)p + done, bulk - done, (int64_t)done);
		done += put;
	}
	end(d, fd, bounce);
	return done;
}
