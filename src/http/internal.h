/* internal.h - one request on its way between libmicrohttpd's loop and a worker.
 *
 * Life of a `struct exchange`:
 *   1 made when the request line is read          loop
 *   2 headers judged; a refusal is answered here  loop
 *   3 body collected                              loop
 *   4 connection suspended, put on the queue      loop, then a worker owns it
 *   5 handler ran, response made, resumed         worker, then the loop owns it
 *   6 response queued                             loop
 *   7 completed: freed                            loop
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "http/server.h"
#include "http/watch.h"

struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	char *uri;		/* as sent; without scheme and host once it was judged */
	const char *method;
	struct buf body;
	bool judged;		/* headers were looked at */
	bool too_large;		/* body went over the limit; all of it is thrown away */
	bool is_chunked;
	uint64_t discarded;	/* bytes thrown away */
	struct MHD_Response *response;	/* made by a worker */
	unsigned status;
	char remote[64];
};

struct http_server {
	struct MHD_Daemon *daemon;
	struct watch *watch;
	struct queue queue;	/* of struct exchange */
	pthread_t *workers;
	unsigned worker_count;
	size_t body_max;
	bool check_layout;	/* judge_needs_layout() */
	http_handler_fn *handler;
	void *arg;
	_Atomic unsigned open;	/* exchanges between 4 and 7 */
	char *cert, *key;	/* PEM; libmicrohttpd keeps pointers */
};

/* Callbacks of libmicrohttpd; `cls` is the server. */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_step(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *data_size, void **req_cls);
void exchange_end(void *cls, struct MHD_Connection *connection, void **req_cls,
    enum MHD_RequestTerminationCode how);

/* A connection begins or ends; `socket_context` is its struct watched. */
void exchange_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code);

/* An answer that the server itself gives, instead of a handler. */
struct refusal {
	unsigned status;
	const char *code, *message;
};
extern const struct refusal refusal_too_large;

/* How much of a body that is too large is read before the connection is cut. */
#define DISCARD_BYTES_MAX (64u * 1024 * 1024)

/* May the request go on, by its headers?  NULL if so.  `url` and `version` as libmicrohttpd gives
 * them; sets too_large and is_chunked. */
const struct refusal *judge(struct exchange *x, const char *url, const char *version);

/* The target of the request line (RFC 9112, 3.2) in `uri`: a path with or without a query, or a URL
 * of `host` (NULL: none was sent), of which the path stays in place.  NULL if it is either. */
const struct refusal *judge_target(char *uri, const char *host);

/* Does this version of libmicrohttpd let through what only the layout of its buffer shows? */
bool judge_needs_layout(void);

/* Run the handler, make the response, hand the exchange back to the loop. */
void exchange_run(struct exchange *x);

/* {"error":{"code":…,"message":…}}; NULL out of memory. */
struct MHD_Response *exchange_error(const char *code, const char *message);

#endif
