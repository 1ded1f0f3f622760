/* buf.h - bytes that grow.
 *
 * A buf is sticky about running out of memory: the first failed growth sets
 * `failed` and later additions do nothing, so a writer may add many pieces
 * and ask once at the end with buf_ok().  `p` is kept NUL-terminated as soon
 * as anything was added. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	char *p;	/* owned; NULL while empty */
	size_t n;	/* bytes in use, without the NUL */
	size_t cap;
	bool failed;
};

void buf_done(struct buf *b);
#define auto_buf cleanup_with(buf_done)

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *z);
void buf_addf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
void buf_clear(struct buf *b);	/* keeps the memory */
must_check bool buf_reserve(struct buf *b, size_t more);

/* 0, or -1 with "out of memory" if any addition failed. */
must_check int buf_ok(const struct buf *b, struct err *e);

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p != NULL ? b->p : "", b->n };
}

#endif
