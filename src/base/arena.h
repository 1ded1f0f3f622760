/* arena.h - memory that is freed all at once: one per request or job step.
 *
 * Every function answers NULL when memory is out.  jansson's packers and our
 * own builders pass such a NULL on as a failure, so callers check the end of
 * a chain rather than each link.  Not for use from two threads at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena {
	struct arena_block *head;
};

void arena_done(struct arena *a);
#define auto_arena cleanup_with(arena_done)

void *arena_alloc(struct arena *a, size_t n);	/* zeroed, aligned for anything */
char *arena_str(struct arena *a, struct str s);	/* NUL-terminated copy */
char *arena_dup(struct arena *a, const char *z);
char *arena_lower(struct arena *a, struct str s);	/* ASCII lower-cased copy */
char *arena_fmt(struct arena *a, const char *fmt, ...) printf_like(2, 3);

#endif
