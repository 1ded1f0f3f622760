/* fault.c - a filter that fails calls on demand.  See object.h. */
#include <pthread.h>

#include "object/object.h"

struct fault_store {
	struct object_store base;
	struct object_store *below;
	pthread_mutex_t mu;
	unsigned calls;		/* guarded by mu, like all below */
	unsigned nth;		/* 0: none fails */
	enum err_kind kind;
	bool sticky;
};

static struct fault_store *fault_of(struct object_store *s)
{
	return (struct fault_store *)s;
}

/* Counts the call; -1 if it is to fail. */
static int pass(struct fault_store *f, const char *op, const char *name, struct err *e)
{
	unsigned call;
	bool fails;

	pthread_mutex_lock(&f->mu);
	call = ++f->calls;
	fails = f->nth != 0 && (call == f->nth || (f->sticky && call > f->nth));
	pthread_mutex_unlock(&f->mu);
	if (!fails)
		return 0;
	return err_set(e, f->kind, "%s object '%s': injected failure of call %u", op, name, call);
}

static int fault_put(struct object_store *s, const char *name, const void *p, size_t n,
    struct err *e)
{
	struct fault_store *f = fault_of(s);

	return pass(f, "storing", name, e) != 0 ? -1 : object_put(f->below, name, p, n, e);
}

static int fault_get(struct object_store *s, const char *name, int64_t offset, void *p, size_t n,
    struct err *e)
{
	struct fault_store *f = fault_of(s);

	return pass(f, "reading", name, e) != 0 ? -1 : object_get(f->below, name, offset, p, n, e);
}

static int fault_head(struct object_store *s, const char *name, struct object_info *ret,
    struct err *e)
{
	struct fault_store *f = fault_of(s);

	return pass(f, "looking for", name, e) != 0 ? -1 : object_head(f->below, name, ret, e);
}

static int fault_del(struct object_store *s, const char *name, struct err *e)
{
	struct fault_store *f = fault_of(s);

	return pass(f, "removing", name, e) != 0 ? -1 : object_del(f->below, name, e);
}

static int fault_list(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
    struct err *e)
{
	struct fault_store *f = fault_of(s);

	return pass(f, "listing", prefix, e) != 0 ? -1 : object_list(f->below, prefix, fn, arg, e);
}

static int fault_lock(struct object_store *s, struct err *e)
{
	struct fault_store *f = fault_of(s);

	return pass(f, "locking", "*", e) != 0 ? -1 : object_lock(f->below, e);
}

static void fault_close(struct object_store *s)
{
	struct fault_store *f = fault_of(s);

	object_close(f->below);
	pthread_mutex_destroy(&f->mu);
	free(f);
}

static const struct object_ops fault_ops = {
	.put = fault_put,
	.get = fault_get,
	.head = fault_head,
	.del = fault_del,
	.list = fault_list,
	.lock = fault_lock,
	.close = fault_close,
};

int object_fault_open(struct object_store *below, struct object_store **ret, struct err *e)
{
	struct fault_store *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		object_close(below);
		return err_nomem(e);
	}
	*f = (struct fault_store){ .base.ops = &fault_ops, .below = below };
	pthread_mutex_init(&f->mu, NULL);
	*ret = &f->base;
	return 0;
}

void object_fault_arm(struct object_store *s, unsigned nth, enum err_kind kind, bool sticky)
{
	struct fault_store *f = fault_of(s);

	pthread_mutex_lock(&f->mu);
	f->calls = 0;
	f->nth = nth;
	f->kind = kind;
	f->sticky = sticky;
	pthread_mutex_unlock(&f->mu);
}

unsigned object_fault_calls(const struct object_store *s)
{
	/* Counting needs the lock; the store is not changed by it. */
	struct fault_store *f = (struct fault_store *)(uintptr_t)s;
	unsigned n;

	pthread_mutex_lock(&f->mu);
	n = f->calls;
	pthread_mutex_unlock(&f->mu);
	return n;
}
