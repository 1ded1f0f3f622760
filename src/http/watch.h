/* watch.h - connections that make no headway are cut off.
 *
 * libmicrohttpd closes a connection on which nothing moves; one byte now and then keeps it, and
 * with it one of few places.  A thread of the watch's own looks at all connections a few times in
 * each span of the patience and shuts those down that are too slow; the loop then frees them as
 * if the client had left.  Time spent in a handler is the server's and never counts. */
#ifndef HTTP_WATCH_H
#define HTTP_WATCH_H

#include "base/base.h"
#include "http/server.h"

enum watch_phase {
	WATCH_IDLE,	/* between requests */
	WATCH_HEADERS,	/* from the first byte of a connection or a request to the end of headers */
	WATCH_BODY,	/* bytes are counted by watch_moved() */
	WATCH_DRAIN,	/* a body that is thrown away, while its sender is to get an answer */
	WATCH_HANDLER,
	WATCH_ANSWER,	/* bytes that the client's side acknowledged count */
	WATCH_CUT,
};

struct watch;
struct watched;		/* one connection */

must_check int watch_start(const struct http_patience *p, struct watch **ret, struct err *e);
/* After the last watch_remove().  NULL is fine. */
void watch_stop(struct watch *w);

/* A new connection, in WATCH_HEADERS.  NULL out of memory: nobody watches it then, which the
 * functions below take.  `fd` is borrowed and must stay open until watch_remove(). */
struct watched *watch_add(struct watch *w, int fd);
void watch_remove(struct watch *w, struct watched *c);

void watch_enter(struct watch *w, struct watched *c, enum watch_phase phase);
void watch_moved(struct watch *w, struct watched *c, size_t bytes);

#endif
