/* object.h - an object store: a flat space of named byte strings.
 *
 * The interface is what S3, Azure Blob and a directory have in common.  A
 * name is "a/b/c" of [A-Za-z0-9._-] segments, at most 255 bytes, no "." or
 * ".." segment.  put() replaces atomically and is durable when it returns 0.
 * All functions of a store may be called from any thread. */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include "base/base.h"
#include "base/buf.h"

struct object_store;

struct object_info {
	char name[256];
	int64_t size;
};

/* Returns non-zero to stop the listing early (that value is then returned). */
typedef int object_list_fn(void *arg, const struct object_info *info, struct err *e);

struct object_ops {
	int (*put)(struct object_store *s, const char *name, const void *p, size_t n,
	    struct err *e);
	int (*get)(struct object_store *s, const char *name, int64_t offset, void *p, size_t n,
	    struct err *e);
	int (*head)(struct object_store *s, const char *name, struct object_info *ret,
	    struct err *e);
	int (*del)(struct object_store *s, const char *name, struct err *e);
	int (*list)(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
	    struct err *e);
	int (*lock)(struct object_store *s, struct err *e);
	void (*close)(struct object_store *s);
};

/* Is `name` the name of an object, as described above? */
bool object_name_valid(const char *name);

/* First member of every back end's own struct. */
struct object_store {
	const struct object_ops *ops;
};

/* ERR_NO_SPACE, ERR_DENIED, ERR_IO; the old object stays whole on failure. */
must_check int object_put(struct object_store *s, const char *name, const void *p, size_t n,
    struct err *e);
/* Exactly `n` bytes from `offset`; ERR_NOT_FOUND, or ERR_CORRUPT if the object ends before. */
must_check int object_get(struct object_store *s, const char *name, int64_t offset, void *p,
    size_t n, struct err *e);
/* Whole object, appended to `ret`; ERR_INVALID over `max`. */
must_check int object_get_all(struct object_store *s, const char *name, size_t max, struct buf *ret,
    struct err *e);
/* 1 found, 0 absent, -1 failed. */
must_check int object_head(struct object_store *s, const char *name, struct object_info *ret,
    struct err *e);
/* An absent object is fine. */
must_check int object_del(struct object_store *s, const char *name, struct err *e);
/* In name order; `prefix` is a plain string prefix. */
must_check int object_list(struct object_store *s, const char *prefix, object_list_fn *fn,
    void *arg, struct err *e);
/* The exclusive right to change what is in the store; held until the store is closed.  0 also if
 * this store holds it already.  ERR_BUSY, naming the store, if another open store (of this or
 * another process) has it.  It binds only who asks for it: put and del do not. */
must_check int object_lock(struct object_store *s, struct err *e);
void object_close(struct object_store *s);	/* NULL is fine */

/* A directory; created if `create`.  put: temporary, fsync, rename, fsync of the directory. */
must_check int object_dir_open(const char *path, bool create, struct object_store **ret,
    struct err *e);

/* A filter for tests: the Nth call (1-based, counted over all operations) of
 * the store below fails with `kind`; every later call too if `sticky`.  Takes `below` over
 * (also on failure).  Arming starts the count anew; `nth` 0 disarms. */
must_check int object_fault_open(struct object_store *below, struct object_store **ret,
    struct err *e);
void object_fault_arm(struct object_store *s, unsigned nth, enum err_kind kind, bool sticky);
unsigned object_fault_calls(const struct object_store *s);

/* A filter for tests: each call waits `call_us` first, put and get also for their bytes at
 * `bytes_per_s` (0: no limit).  Calls of several threads wait side by side, each at full speed.
 * Takes `below` over (also on failure). */
must_check int object_delay_open(struct object_store *below, int64_t call_us, int64_t bytes_per_s,
    struct object_store **ret, struct err *e);

#endif
