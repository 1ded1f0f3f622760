/* wire.h - little-endian fields read from and written to byte strings. */
#ifndef VAULT_WIRE_H
#define VAULT_WIRE_H

#include "base/base.h"
#include "base/buf.h"

/* A cursor over bytes that came from a store.  Once a read would pass the end
 * it sticks: later reads give zeros and `bad` stays set, so that a record is
 * read straight through and judged once. */
struct rd {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct rd rd_over(const void *p, size_t n)
{
	return (struct rd){ .p = p, .end = (const uint8_t *)p + n };
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

static inline uint64_t rd_le(struct rd *r, unsigned bytes)
{
	uint64_t v = 0;

	if (r->bad || rd_left(r) < bytes) {
		r->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)r->p[i] << (8 * i);
	r->p += bytes;
	return v;
}

static inline void rd_bytes(struct rd *r, void *out, size_t n)
{
	if (r->bad || rd_left(r) < n) {
		r->bad = true;
		memset(out, 0, n);
		return;
	}
	memcpy(out, r->p, n);
	r->p += n;
}

/* A text of `n` bytes in place; empty once bad. */
static inline struct str rd_str(struct rd *r, size_t n)
{
	struct str s = { (const char *)r->p, n };

	if (r->bad || rd_left(r) < n) {
		r->bad = true;
		return (struct str){ "", 0 };
	}
	r->p += n;
	return s;
}

/* True if the next bytes are `magic`, which are then passed. */
static inline bool rd_is(struct rd *r, const void *magic, size_t n)
{
	if (r->bad || rd_left(r) < n || memcmp(r->p, magic, n) != 0) {
		r->bad = true;
		return false;
	}
	r->p += n;
	return true;
}

static inline uint8_t *wr_le(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	return p + bytes;
}

static inline uint8_t *wr_bytes(uint8_t *p, const void *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

static inline void buf_le(struct buf *b, uint64_t v, unsigned bytes)
{
	uint8_t x[8];

	(void)wr_le(x, v, bytes);
	buf_add(b, x, bytes);
}

#endif
