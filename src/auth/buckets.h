/* buckets.h - token buckets: how often each of many may do something.
 *
 * A bucket holds at most `size` tokens and gains `refill` of them a second; what is done takes one.
 * One that was never used is full, and a full one need not be remembered.  So a bounded table
 * does: when there is no room for a new key, the bucket is dropped that is nearest to full among
 * the few places where the key may be, and its key begins anew.  Nobody is refused for want of
 * room.
 * Keys are kept as hashes with a salt of the process, so that clients cannot choose their places.
 *
 * Time is the caller's and may go back, which refills nothing.  Any thread. */
#ifndef AUTH_BUCKETS_H
#define AUTH_BUCKETS_H

#include "base/base.h"

#define BUCKETS_MAX 8192	/* keys remembered */

struct buckets;

/* size and refill: 1 to 1,000,000. */
must_check int buckets_new(int64_t size, int64_t refill, struct buckets **ret, struct err *e);
void buckets_free(struct buckets *b);	/* NULL is fine */

/* What is left after a token was taken or asked for. */
struct bucket_state {
	int64_t left;		/* whole tokens */
	int64_t wait_us;	/* until there is one; 0 if there is */
};

/* Take a token of `key`'s bucket.  1; 0 if there is none; -1. */
must_check int buckets_take(struct buckets *b, struct str key, int64_t now_us,
    struct bucket_state *ret, struct err *e);

/* What buckets_take() would say now, and nothing is taken. */
must_check int buckets_look(struct buckets *b, struct str key, int64_t now_us,
    struct bucket_state *ret, struct err *e);

#endif
