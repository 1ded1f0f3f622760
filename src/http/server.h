/* server.h - the HTTPS server: libmicrohttpd's loop, our own workers.
 *
 * One loop thread accepts, does TLS, reads and writes and never blocks.  A
 * whole request (headers and body, bounded) is put on a bounded queue; one of
 * `workers` threads runs the handler, which may block, and the answer goes
 * back to the loop.  A full queue answers 503 with Retry-After: 1.
 *
 * The server itself refuses, before any handler and with a body of
 * {"error":{"code","message"}}: requests with two Host, two Content-Length, or
 * Content-Length together with Transfer-Encoding headers (RFC 9112 section
 * 6.3), a transfer coding but chunked, a Host that is missing (HTTP/1.1) or no host, a target that
 * is neither a path nor a URL of that Host, and control characters or folded lines
 * in headers (400); bodies over body_max (413); header blocks over 32 KiB or of more than 100 lines
 * (431).  Connections on which that happens are closed, and so are those that brought a chunked
 * body: libmicrohttpd does not tell how strictly it read the chunks, so nothing behind them is
 * taken for a request.  Clients that are too slow are cut off: struct http_patience.
 * docs/decisions/0009 has the whole list.  Answers of 204 and 304 go out
 * without body and Content-Type, whatever the handler put there. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"

/* What a handler sees.  Everything is borrowed for the call. */
struct http_req {
	const char *method;
	struct str path;	/* as sent, before any decoding; begins with '/', never holds '?' */
	struct str query;	/* as sent, without the '?'; empty if none */
	struct str body;
	const char *remote;	/* peer address as text */
	const void *impl;
};

/* Header value by name, case-insensitive; NULL if absent. */
const char *http_req_header(const struct http_req *r, const char *name);

/* Calls `fn` for every header line of the request, in any order; a name that was sent twice
 * comes twice. */
typedef void http_header_fn(void *arg, const char *name, const char *value);
void http_req_each(const struct http_req *r, http_header_fn *fn, void *arg);

/* What a handler answers.  Zeroed before the call; the server frees it. */
struct http_res {
	int status;
	struct buf body;
	struct buf headers;	/* "name\0value\0" for each */
	bool failed;		/* a header could not be added: answered as 500 */
	/* A file range instead of `body`: fd >= 0 with has_file set is owned by the response. */
	bool has_file;
	int file_fd;
	int64_t file_offset, file_size;
	/* Set for HEAD answers with has_file: send file_size as Content-Length, no body. */
};

/* Copies both.  Names and values must hold no control characters: such a
 * header marks the response failed. */
void http_res_header(struct http_res *r, const char *name, const char *value);
void http_res_headerf(struct http_res *r, const char *name, const char *fmt, ...) printf_like(3, 4);
/* Value of a header already added, or NULL. */
const char *http_res_find(const struct http_res *r, const char *name);
/* Name of the first header (`at` NULL) or of the one after `at`, with its value; NULL at the end. */
const char *http_res_next(const struct http_res *r, const char *at, const char **ret_value);
void http_res_done(struct http_res *r);

typedef void http_handler_fn(void *arg, const struct http_req *req, struct http_res *res);

/* How slow a client may be.  All three are positive. */
struct http_patience {
	int64_t headers_ms;	/* from a request's first byte to the end of its headers; for a
				 * connection's first request also the TLS handshake */
	int64_t span_ms;	/* in each such span of a body or an answer, ... */
	uint64_t span_bytes;	/* ... at least so much must move, unless that ends it */
};

struct http_server_opts {
	const char *address;	/* numeric; "127.0.0.1" or "::1" */
	uint16_t port;		/* 0: any free one; see http_server_port() */
	const char *cert_path, *key_path;	/* PEM; both NULL: plain HTTP (tests only) */
	unsigned workers;	/* handler threads, >= 1 */
	unsigned queue_max;	/* waiting requests before 503 */
	unsigned connections_max;
	unsigned connections_per_address;	/* of them; 0: no limit of its own */
	unsigned idle_timeout_s;	/* nothing moves at all */
	struct http_patience patience;
	size_t body_max;	/* bytes; larger is 413 */
	http_handler_fn *handler;
	void *arg;
};

struct http_server;
must_check int http_server_start(const struct http_server_opts *o, struct http_server **ret,
    struct err *e);
uint16_t http_server_port(const struct http_server *s);

/* Stops accepting, lets running handlers finish and their answers go out, frees everything. */
void http_server_stop(struct http_server *s);

#endif
