/* watch.c - see watch.h. */
#include "http/watch.h"

#include <assert.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#define LOOKS_PER_SPAN 8
#define TICK_MS_MAX 1000

struct watched {
	struct watched *next, *prev;
	int fd;
	enum watch_phase phase;
	int64_t since_us;	/* monotonic: when the phase, or this span of it, began */
	uint64_t moved;		/* bytes, as watch_moved() tells or the kernel counts */
	uint64_t mark;		/* `moved` at since_us */
};

struct watch {
	struct http_patience patience;
	pthread_mutex_t mu;	/* guards what follows, and that no fd in the list is closed */
	pthread_cond_t stopping;
	struct watched *first;
	bool stop;
	bool started;
	pthread_t thread;
};

/* What the kernel counts of the connection, encrypted or not. */
static bool counts(int fd, uint64_t *ret_received, uint64_t *ret_acked)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
	    n < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
		return false;
	*ret_received = info.tcpi_bytes_received;
	*ret_acked = info.tcpi_bytes_acked;
	return true;
}

/* The next span of the phase begins. */
static void begin_span(struct watched *c, int64_t now_us)
{
	c->since_us = now_us;
	c->mark = c->moved;
}

static void enter(struct watched *c, enum watch_phase phase, int64_t now_us)
{
	uint64_t received = 0, acked = 0;

	(void)counts(c->fd, &received, &acked);
	c->phase = phase;
	c->moved = phase == WATCH_IDLE ? received : phase == WATCH_ANSWER ? acked : 0;
	begin_span(c, now_us);
}

/* The loop finds the connection reset and frees it; what the client did not take is forgotten. */
static void cut(struct watched *c)
{
	struct linger none = { .l_onoff = 1, .l_linger = 0 };

	c->phase = WATCH_CUT;
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	(void)shutdown(c->fd, SHUT_RDWR);
}

static void look_at_span(const struct http_patience *p, struct watched *c, int64_t now_us)
{
	if (now_us - c->since_us < p->span_ms * 1000)
		return;
	if (c->moved - c->mark < p->span_bytes)
		cut(c);
	else
		begin_span(c, now_us);
}

static void look(const struct http_patience *p, struct watched *c, int64_t now_us)
{
	uint64_t received = c->moved, acked = c->moved;
	int64_t spent_us = now_us - c->since_us;

	switch (c->phase) {
	case WATCH_IDLE:
		/* libmicrohttpd closes it when it was idle for long. */
		if (counts(c->fd, &received, &acked) && received > c->moved)
			enter(c, WATCH_HEADERS, now_us);
		break;
	case WATCH_HEADERS:
		if (spent_us > p->headers_ms * 1000)
			cut(c);
		break;
	case WATCH_DRAIN:
		if (spent_us > p->span_ms * 1000)
			cut(c);
		break;
	case WATCH_ANSWER:
		if (!counts(c->fd, &received, &acked))
			break;
		c->moved = acked;
		look_at_span(p, c, now_us);
		break;
	case WATCH_BODY:
		look_at_span(p, c, now_us);
		break;
	case WATCH_HANDLER:
	case WATCH_CUT:
		break;
	}
}

static struct timespec next_tick(const struct http_patience *p)
{
	int64_t ms = (p->headers_ms < p->span_ms ? p->headers_ms : p->span_ms) / LOOKS_PER_SPAN;
	struct timespec t;

	ms = ms < 1 ? 1 : ms > TICK_MS_MAX ? TICK_MS_MAX : ms;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *watch_all(void *arg)
{
	struct watch *w = arg;

	(void)pthread_mutex_lock(&w->mu);
	while (!w->stop) {
		struct timespec until = next_tick(&w->patience);

		if (pthread_cond_timedwait(&w->stopping, &w->mu, &until) == 0)
			continue;
		int64_t now_us = clock_monotonic_us();

		for (struct watched *c = w->first; c != NULL; c = c->next)
			look(&w->patience, c, now_us);
	}
	(void)pthread_mutex_unlock(&w->mu);
	return NULL;
}

static int init_locks(struct watch *w, struct err *e)
{
	pthread_condattr_t attr;
	int rc = pthread_mutex_init(&w->mu, NULL);

	if (rc != 0)
		return err_sys(e, rc, "making a lock");
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = pthread_cond_init(&w->stopping, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (rc == 0)
		return 0;
	(void)pthread_mutex_destroy(&w->mu);
	return err_sys(e, rc, "making a condition");
}

int watch_start(const struct http_patience *p, struct watch **ret, struct err *e)
{
	struct watch *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return err_nomem(e);
	w->patience = *p;
	if (init_locks(w, e) != 0) {
		free(w);
		return -1;
	}
	rc = pthread_create(&w->thread, NULL, watch_all, w);
	w->started = rc == 0;
	if (rc != 0) {
		watch_stop(w);
		return err_sys(e, rc, "starting the thread that watches connections");
	}
	*ret = w;
	return 0;
}

void watch_stop(struct watch *w)
{
	if (w == NULL)
		return;
	assert(w->first == NULL);
	if (w->started) {
		(void)pthread_mutex_lock(&w->mu);
		w->stop = true;
		(void)pthread_cond_signal(&w->stopping);
		(void)pthread_mutex_unlock(&w->mu);
		(void)pthread_join(w->thread, NULL);
	}
	(void)pthread_cond_destroy(&w->stopping);
	(void)pthread_mutex_destroy(&w->mu);
	free(w);
}

struct watched *watch_add(struct watch *w, int fd)
{
	struct watched *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = fd;
	enter(c, WATCH_HEADERS, clock_monotonic_us());
	(void)pthread_mutex_lock(&w->mu);
	c->next = w->first;
	if (c->next != NULL)
		c->next->prev = c;
	w->first = c;
	(void)pthread_mutex_unlock(&w->mu);
	return c;
}

void watch_remove(struct watch *w, struct watched *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&w->mu);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		w->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	(void)pthread_mutex_unlock(&w->mu);
	free(c);
}

void watch_enter(struct watch *w, struct watched *c, enum watch_phase phase)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&w->mu);
	if (c->phase != WATCH_CUT)
		enter(c, phase, clock_monotonic_us());
	(void)pthread_mutex_unlock(&w->mu);
}

void watch_moved(struct watch *w, struct watched *c, size_t bytes)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&w->mu);
	c->moved += bytes;
	(void)pthread_mutex_unlock(&w->mu);
}
