/* spy_store.h - a store that asks a test before each call of the store below. */
#ifndef TESTS_SPY_STORE_H
#define TESTS_SPY_STORE_H

#include "object/object.h"

/* Asked in the thread that calls. */
enum verdict { GO_ON, FAIL, DO_AND_FAIL };
typedef enum verdict spy_hook(void *arg, const char *op, const char *name);

struct spy {
	struct object_store base;
	struct object_store *below;
	spy_hook *const *hook;	/* whoever opened it may set another at any quiet moment */
	void *const *arg;
};

static inline enum verdict spy_ask(struct object_store *s, const char *op, const char *name)
{
	const struct spy *spy = (const struct spy *)s;

	return *spy->hook != NULL ? (*spy->hook)(*spy->arg, op, name) : GO_ON;
}

#define SPY_CALL(op, name, call) \
	struct object_store *below = ((struct spy *)s)->below; \
	enum verdict verdict = spy_ask(s, op, name); \
	int result = verdict == FAIL ? -1 : (call); \
	return verdict == GO_ON ? result : err_set(e, ERR_IO, "%s '%s': failed by the test", op, name)

static inline int spy_put(struct object_store *s, const char *name, const void *p, size_t n,
    struct err *e)
{
	SPY_CALL("put", name, object_put(below, name, p, n, e));
}

static inline int spy_get(struct object_store *s, const char *name, int64_t offset, void *p,
    size_t n, struct err *e)
{
	SPY_CALL("get", name, object_get(below, name, offset, p, n, e));
}

static inline int spy_head(struct object_store *s, const char *name, struct object_info *ret,
    struct err *e)
{
	SPY_CALL("head", name, object_head(below, name, ret, e));
}

static inline int spy_del(struct object_store *s, const char *name, struct err *e)
{
	SPY_CALL("del", name, object_del(below, name, e));
}

static inline int spy_list(struct object_store *s, const char *prefix, object_list_fn *fn,
    void *arg, struct err *e)
{
	SPY_CALL("list", prefix, object_list(below, prefix, fn, arg, e));
}

static inline int spy_lock(struct object_store *s, struct err *e)
{
	SPY_CALL("lock", "", object_lock(below, e));
}

static inline void spy_close(struct object_store *s)
{
	object_close(((struct spy *)s)->below);
	free(s);
}

/* Takes `below` over.  *hook (NULL: go on) and *arg are looked at before each call. */
static inline struct object_store *spy_open(struct object_store *below, spy_hook *const *hook,
    void *const *arg)
{
	static const struct object_ops ops = {
		.put = spy_put, .get = spy_get, .head = spy_head, .del = spy_del,
		.list = spy_list, .lock = spy_lock, .close = spy_close,
	};
	struct spy *spy = calloc(1, sizeof(*spy));

	assert_non_null(spy);
	*spy = (struct spy){ { &ops }, below, hook, arg };
	return &spy->base;
}

#endif
