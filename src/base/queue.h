/* queue.h - a bounded queue between threads.
 *
 * Bounded on purpose: a full queue makes the producer wait, so a slow
 * consumer slows its producer down instead of filling memory. */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <pthread.h>

#include "base/base.h"

struct queue {
	pthread_mutex_t mu;
	pthread_cond_t changed;
	void **ring;		/* [cap], owned; guarded by mu, like all below */
	unsigned cap, head, count;
	bool closed;
};

must_check int queue_init(struct queue *q, unsigned cap, struct err *e);
void queue_done(struct queue *q);	/* nobody may be waiting; zeroed storage is fine */

/* Waits for room.  Takes `item` over; false, and not taken, once closed. */
must_check bool queue_put(struct queue *q, void *item);

/* As queue_put(), but false at once if the queue is full. */
must_check bool queue_try_put(struct queue *q, void *item);

/* Waits for an item; NULL once closed and drained. */
must_check void *queue_get(struct queue *q);

/* No more puts succeed; gets drain what is there, then give NULL. */
void queue_close(struct queue *q);

#endif
