/* flow.h - threads around bounded queues that fail together.
 *
 * The first failure is kept, and closes the queues: everybody waiting wakes
 * up and leaves, and the one who started the threads joins them and reports. */
#ifndef VAULT_FLOW_H
#define VAULT_FLOW_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"

#define FLOW_QUEUES 3
#define CREW_MAX 8

struct flow {
	pthread_mutex_t mu;
	atomic_bool failed;
	struct err err;		/* valid once failed; guarded by mu */
	struct queue queues[FLOW_QUEUES];
};

must_check int flow_init(struct flow *f, unsigned cap, struct err *e);
void flow_done(struct flow *f);
void flow_fail(struct flow *f, const struct err *e);

static inline bool flow_failed(struct flow *f)
{
	return atomic_load_explicit(&f->failed, memory_order_acquire);
}

/* 0, or -1 and the first failure.  After the threads were joined. */
must_check int flow_result(struct flow *f, struct err *e);

struct crew {
	pthread_t t[CREW_MAX];
	unsigned n;
};

/* Start up to `n` threads (at most CREW_MAX); fewer than asked is fine, none is an error. */
must_check int crew_start(struct crew *c, unsigned n, void *(*fn)(void *), void *arg,
    struct err *e);
void crew_join(struct crew *c);

unsigned crew_size(void);	/* workers for CPU-bound work on this machine */

#endif
