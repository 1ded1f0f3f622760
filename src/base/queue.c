/* queue.c - see queue.h. */
#include "base/queue.h"

int queue_init(struct queue *q, unsigned cap, struct err *e)
{
	*q = (struct queue){ .cap = cap, .ring = calloc(cap, sizeof(void *)) };
	if (q->ring == NULL)
		return err_set(e, ERR_IO, "queue of %u: out of memory", cap);
	pthread_mutex_init(&q->mu, NULL);
	pthread_cond_init(&q->changed, NULL);
	return 0;
}

void queue_done(struct queue *q)
{
	if (q->ring == NULL)
		return;
	free(q->ring);
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->mu);
	q->ring = NULL;
}

static bool put(struct queue *q, void *item, bool wait)
{
	bool taken;

	pthread_mutex_lock(&q->mu);
	while (wait && q->count == q->cap && !q->closed)
		pthread_cond_wait(&q->changed, &q->mu);
	taken = !q->closed && q->count < q->cap;
	if (taken) {
		q->ring[(q->head + q->count++) % q->cap] = item;
		pthread_cond_broadcast(&q->changed);
	}
	pthread_mutex_unlock(&q->mu);
	return taken;
}

bool queue_put(struct queue *q, void *item)
{
	return put(q, item, true);
}

bool queue_try_put(struct queue *q, void *item)
{
	return put(q, item, false);
}

void *queue_get(struct queue *q)
{
	void *item = NULL;

	pthread_mutex_lock(&q->mu);
	while (q->count == 0 && !q->closed)
		pthread_cond_wait(&q->changed, &q->mu);
	if (q->count > 0) {
		item = q->ring[q->head];
		q->head = (q->head + 1) % q->cap;
		q->count--;
		pthread_cond_broadcast(&q->changed);
	}
	pthread_mutex_unlock(&q->mu);
	return item;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->mu);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->mu);
}
