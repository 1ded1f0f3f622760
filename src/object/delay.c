/* delay.c - a filter that makes a store as slow as a distant one.  See object.h. */
#include <errno.h>
#include <time.h>

#include "object/object.h"

#define US_PER_S 1000000

struct delay_store {
	struct object_store base;
	struct object_store *below;
	int64_t call_us;
	int64_t bytes_per_s;	/* 0: no limit */
};

static struct delay_store *delay_of(struct object_store *s)
{
	return (struct delay_store *)s;
}

/* What a call that transfers `n` bytes takes.  Before the call itself: what is put is there once
 * the put is over, not while it still waits. */
static void delay(const struct delay_store *d, size_t n)
{
	int64_t us = d->call_us;
	struct timespec until;

	if (d->bytes_per_s > 0)
		us += (int64_t)n * US_PER_S / d->bytes_per_s;
	if (us <= 0)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	us += until.tv_nsec / 1000 + 1;	/* rounded up: never less than promised */
	until.tv_sec += us / US_PER_S;
	until.tv_nsec = us % US_PER_S * 1000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
}

static int delay_put(struct object_store *s, const char *name, const void *p, size_t n,
    struct err *e)
{
	struct delay_store *d = delay_of(s);

	delay(d, n);
	return object_put(d->below, name, p, n, e);
}

static int delay_get(struct object_store *s, const char *name, int64_t offset, void *p, size_t n,
    struct err *e)
{
	struct delay_store *d = delay_of(s);

	delay(d, n);
	return object_get(d->below, name, offset, p, n, e);
}

static int delay_head(struct object_store *s, const char *name, struct object_info *ret,
    struct err *e)
{
	struct delay_store *d = delay_of(s);

	delay(d, 0);
	return object_head(d->below, name, ret, e);
}

static int delay_del(struct object_store *s, const char *name, struct err *e)
{
	struct delay_store *d = delay_of(s);

	delay(d, 0);
	return object_del(d->below, name, e);
}

static int delay_list(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
    struct err *e)
{
	struct delay_store *d = delay_of(s);

	delay(d, 0);
	return object_list(d->below, prefix, fn, arg, e);
}

static int delay_lock(struct object_store *s, struct err *e)
{
	struct delay_store *d = delay_of(s);

	delay(d, 0);
	return object_lock(d->below, e);
}

static void delay_close(struct object_store *s)
{
	struct delay_store *d = delay_of(s);

	object_close(d->below);
	free(d);
}

static const struct object_ops delay_ops = {
	.put = delay_put,
	.get = delay_get,
	.head = delay_head,
	.del = delay_del,
	.list = delay_list,
	.lock = delay_lock,
	.close = delay_close,
};

int object_delay_open(struct object_store *below, int64_t call_us, int64_t bytes_per_s,
    struct object_store **ret, struct err *e)
{
	struct delay_store *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		object_close(below);
		return err_nomem(e);
	}
	*d = (struct delay_store){
		.base.ops = &delay_ops,
		.below = below,
		.call_us = call_us,
		.bytes_per_s = bytes_per_s,
	};
	*ret = (struct object_store *)d;	/* gcc -fanalyzer takes &d->base for a leak */
	return 0;
}
