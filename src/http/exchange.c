/* exchange.c - a request from its first line to its answer.  See internal.h. */
#include "http/internal.h"

#include <netdb.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>

static struct watched *watched(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void enter(struct exchange *x, enum watch_phase phase)
{
	watch_enter(x->server->watch, watched(x->connection), phase);
}

void exchange_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = cls;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_CONNECTION_FD);

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*socket_context = info != NULL ? watch_add(s->watch, info->connect_fd) : NULL;
	else
		watch_remove(s->watch, TAKE(*socket_context));
}

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->server = cls;
	x->connection = connection;
	x->uri = strdup(uri);
	if (x->uri == NULL) {
		free(x);
		return NULL;
	}
	return x;
}

void exchange_end(void *cls, struct MHD_Connection *connection, void **req_cls,
    enum MHD_RequestTerminationCode how)
{
	struct exchange *x = *req_cls;

	(void)cls;
	(void)connection;
	(void)how;
	if (x == NULL)
		return;
	*req_cls = NULL;
	enter(x, WATCH_IDLE);
	if (x->response != NULL) {
		MHD_destroy_response(x->response);
		atomic_fetch_sub(&x->server->open, 1);
	}
	buf_done(&x->body);
	free(x->uri);
	free(x);
}

struct MHD_Response *exchange_error(const char *code, const char *message)
{
	auto_buf struct buf b = { 0 };
	struct MHD_Response *r;

	buf_addf(&b, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code, message);
	if (b.failed)
		return NULL;
	r = MHD_create_response_from_buffer(b.n, b.p, MHD_RESPMEM_MUST_COPY);
	if (r != NULL)
		(void)MHD_add_response_header(r, "Content-Type", "application/json; charset=utf-8");
	return r;
}

static enum MHD_Result refuse(struct exchange *x, const struct refusal *why)
{
	struct MHD_Connection *c = x->connection;
	struct MHD_Response *r = exchange_error(why->code, why->message);
	enum MHD_Result done;

	if (r == NULL)
		return MHD_NO;
	/* What follows on this connection may not be what it seems. */
	(void)MHD_add_response_header(r, "Connection", "close");
	enter(x, WATCH_ANSWER);
	done = MHD_queue_response(c, why->status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result take_data(struct exchange *x, const char *data, size_t *size)
{
	if (!x->too_large && *size > x->server->body_max - x->body.n) {
		x->too_large = true;
		buf_done(&x->body);
		enter(x, WATCH_DRAIN);
	}
	watch_moved(x->server->watch, watched(x->connection), *size);
	if (x->too_large)
		x->discarded += *size;
	else
		buf_add(&x->body, data, *size);
	*size = 0;
	return x->discarded > DISCARD_BYTES_MAX ? MHD_NO : MHD_YES;
}

static void note_remote(struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	socklen_t n;

	if (info == NULL || info->client_addr == NULL)
		return;
	n = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_storage) : 16;
	if (getnameinfo(info->client_addr, n, x->remote, sizeof(x->remote), NULL, 0,
	    NI_NUMERICHOST) != 0)
		x->remote[0] = '\0';
}

/* Hand over to a worker.  Suspended first: the worker may be done before we return. */
static enum MHD_Result dispatch(struct exchange *x)
{
	struct MHD_Connection *c = x->connection;

	static const struct refusal no_memory = { 500, "InternalServerError", "out of memory" };

	if (x->too_large)
		return refuse(x, &refusal_too_large);
	if (x->body.failed)
		return refuse(x, &no_memory);
	note_remote(x);
	atomic_fetch_add(&x->server->open, 1);
	enter(x, WATCH_HANDLER);
	MHD_suspend_connection(c);
	if (queue_try_put(&x->server->queue, x))
		return MHD_YES;
	x->status = 503;
	x->response = exchange_error("ServerBusy", "too many requests are waiting; try again");
	if (x->response != NULL)
		(void)MHD_add_response_header(x->response, "Retry-After", "1");
	else
		atomic_fetch_sub(&x->server->open, 1);
	MHD_resume_connection(c);
	return x->response != NULL ? MHD_YES : MHD_NO;
}

enum MHD_Result exchange_step(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *data_size, void **req_cls)
{
	struct exchange *x = *req_cls;
	const struct refusal *why;

	(void)cls;
	if (x == NULL)
		return MHD_NO;	/* out of memory at the request line */
	if (!x->judged) {
		/* Answering in this first call would end keep-alive: only refusals do. */
		x->judged = true;
		x->method = method;
		why = judge(x, url, version);
		if (why != NULL)
			return refuse(x, why);
		enter(x, x->too_large ? WATCH_DRAIN : WATCH_BODY);
		return MHD_YES;
	}
	if (*data_size > 0)
		return take_data(x, data, data_size);
	if (x->response == NULL)
		return dispatch(x);
	enter(x, WATCH_ANSWER);
	/* What follows chunks that were read leniently may not be what it seems. */
	if (x->is_chunked)
		(void)MHD_add_response_header(x->response, "Connection", "close");
	return MHD_queue_response(connection, x->status, x->response);
}

static bool has_no_body(const struct http_res *res)
{
	return res->status == 204 || res->status == 304;
}

static struct MHD_Response *body_response(struct http_res *res)
{
	struct MHD_Response *r;

	if (res->has_file && !has_no_body(res)) {
		r = MHD_create_response_from_fd_at_offset64((uint64_t)res->file_size, res->file_fd,
		    (uint64_t)res->file_offset);
		if (r != NULL)
			res->file_fd = -1;	/* libmicrohttpd closes it */
		return r;
	}
	if (res->body.n == 0 || has_no_body(res))
		return MHD_create_response_from_buffer(0, (void *)(uintptr_t)"",
		    MHD_RESPMEM_PERSISTENT);
	r = MHD_create_response_from_buffer(res->body.n, res->body.p, MHD_RESPMEM_MUST_FREE);
	if (r != NULL)
		res->body = (struct buf){ 0 };
	return r;
}

static struct MHD_Response *make_response(struct http_res *res)
{
	struct MHD_Response *r;
	const char *value = NULL;

	if (res->failed || res->headers.failed || res->body.failed || res->status < 200)
		return NULL;
	r = body_response(res);
	if (r == NULL)
		return NULL;
	for (const char *name = http_res_next(res, NULL, &value); name != NULL;
	     name = http_res_next(res, name, &value))
		if (!(has_no_body(res) && strcasecmp(name, "Content-Type") == 0) &&
		    MHD_add_response_header(r, name, value) != MHD_YES) {
			MHD_destroy_response(r);
			return NULL;
		}
	return r;
}

void exchange_run(struct exchange *x)
{
	const char *mark = strchr(x->uri, '?');
	struct http_req req = {
		.method = x->method,
		.path = { x->uri, mark != NULL ? (size_t)(mark - x->uri) : strlen(x->uri) },
		.query = str_c(mark != NULL ? mark + 1 : ""),
		.body = buf_str(&x->body),
		.remote = x->remote,
		.impl = x,
	};
	struct http_res res = { .file_fd = -1 };

	x->server->handler(x->server->arg, &req, &res);
	x->response = make_response(&res);
	x->status = (unsigned)res.status;
	if (x->response == NULL) {
		x->status = 500;
		x->response = exchange_error("InternalServerError", "the answer could not be made");
	}
	http_res_done(&res);
	if (x->response == NULL)	/* the loop then calls dispatch() again: end it here */
		x->response = MHD_create_response_from_buffer(0, (void *)(uintptr_t)"",
		    MHD_RESPMEM_PERSISTENT);
	MHD_resume_connection(x->connection);
}
