/* flow.c - see flow.h. */
#include "vault/flow.h"

int flow_init(struct flow *f, unsigned cap, struct err *e)
{
	*f = (struct flow){ .failed = false };
	pthread_mutex_init(&f->mu, NULL);
	for (unsigned i = 0; i < FLOW_QUEUES; i++)
		if (queue_init(&f->queues[i], cap, e) != 0)
			return -1;
	return 0;
}

void flow_done(struct flow *f)
{
	for (unsigned i = 0; i < FLOW_QUEUES; i++)
		queue_done(&f->queues[i]);
	pthread_mutex_destroy(&f->mu);
}

void flow_fail(struct flow *f, const struct err *e)
{
	pthread_mutex_lock(&f->mu);
	if (!flow_failed(f)) {
		f->err = *e;
		atomic_store_explicit(&f->failed, true, memory_order_release);
	}
	pthread_mutex_unlock(&f->mu);
	for (unsigned i = 0; i < FLOW_QUEUES; i++)
		queue_close(&f->queues[i]);
}

int flow_result(struct flow *f, struct err *e)
{
	if (!flow_failed(f))
		return 0;
	pthread_mutex_lock(&f->mu);
	*e = f->err;
	pthread_mutex_unlock(&f->mu);
	return -1;
}

int crew_start(struct crew *c, unsigned n, void *(*fn)(void *), void *arg, struct err *e)
{
	int sys = 0;

	for (c->n = 0; c->n < n && c->n < CREW_MAX; c->n++) {
		sys = pthread_create(&c->t[c->n], NULL, fn, arg);
		if (sys != 0)
			break;
	}
	return c->n == 0 ? err_sys(e, sys, "starting a thread") : 0;
}

void crew_join(struct crew *c)
{
	while (c->n > 0)
		(void)pthread_join(c->t[--c->n], NULL);
}

unsigned crew_size(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : 2 * n > CREW_MAX ? CREW_MAX : 2 * (unsigned)n;
}
