/* exchange.c - a request from its first line to its answer.  See internal.h. */
#include "http/internal.h"

#include <netdb.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>

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

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *code,
    const char *message)
{
	struct MHD_Response *r = exchange_error(code, message);
	enum MHD_Result done;

	if (r == NULL)
		return MHD_NO;
	/* What follows on this connection may not be what it seems. */
	(void)MHD_add_response_header(r, "Connection", "close");
	done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

struct counts {
	unsigned host, length, encoding, dirty;
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *name,
    size_t name_n, const char *value, size_t value_n)
{
	struct counts *n = cls;

	(void)kind;
	if (strcasecmp(name, "Host") == 0)
		n->host++;
	else if (strcasecmp(name, "Content-Length") == 0)
		n->length++;
	else if (strcasecmp(name, "Transfer-Encoding") == 0)
		n->encoding++;
	if (strlen(name) != name_n || (value != NULL && strlen(value) != value_n))
		n->dirty++;
	for (size_t i = 0; value != NULL && i < value_n; i++)
		if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
			n->dirty++;
	return MHD_YES;
}

/* A refusal was queued (*ret_refused), or the body may come. */
static enum MHD_Result judge(struct exchange *x, const char *version, bool *ret_refused)
{
	struct MHD_Connection *c = x->connection;
	const char *length;
	struct counts n = { 0 };

	*ret_refused = true;
	(void)MHD_get_connection_values_n(c, MHD_HEADER_KIND, count_header, &n);
	if (n.dirty > 0)
		return refuse(c, 400, "BadRequest", "a header holds control characters");
	if (n.host > 1 || (n.host == 0 && strcmp(version, "HTTP/1.0") != 0))
		return refuse(c, 400, "BadRequest", "exactly one Host header is required");
	if (n.length > 1)
		return refuse(c, 400, "BadRequest", "more than one Content-Length header");
	if (n.length > 0 && n.encoding > 0)
		return refuse(c, 400, "BadRequest",
		    "Content-Length and Transfer-Encoding exclude each other");
	if (n.encoding > 1)
		return refuse(c, 400, "BadRequest", "more than one Transfer-Encoding header");
	length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
	if (length != NULL) {
		char *end;
		unsigned long long v = strtoull(length, &end, 10);

		if (*length < '0' || *length > '9' || *end != '\0')
			return refuse(c, 400, "BadRequest", "Content-Length is not a number");
		if (v > x->server->body_max)
			return refuse(c, 413, "RequestEntityTooLarge", "the request's body is too large");
	}
	*ret_refused = false;
	return MHD_YES;
}

static void take_data(struct exchange *x, const char *data, size_t *size)
{
	if (x->body.n + *size > x->server->body_max) {
		x->too_large = true;
		buf_done(&x->body);
	} else if (!x->too_large) {
		buf_add(&x->body, data, *size);
	}
	*size = 0;
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

	if (x->too_large)
		return refuse(c, 413, "RequestEntityTooLarge", "the request's body is too large");
	if (x->body.failed)
		return refuse(c, 500, "InternalServerError", "out of memory");
	note_remote(x);
	atomic_fetch_add(&x->server->open, 1);
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
	bool refused;

	(void)cls;
	(void)url;
	if (x == NULL)
		return MHD_NO;	/* out of memory at the request line */
	if (!x->judged) {
		/* Answering in this first call would end keep-alive: only refusals do. */
		x->judged = true;
		x->method = method;
		return judge(x, version, &refused);
	}
	if (*data_size > 0) {
		take_data(x, data, data_size);
		return MHD_YES;
	}
	if (x->response != NULL)
		return MHD_queue_response(connection, x->status, x->response);
	return dispatch(x);
}

static struct MHD_Response *body_response(struct http_res *res)
{
	struct MHD_Response *r;

	if (res->has_file) {
		r = MHD_create_response_from_fd_at_offset64((uint64_t)res->file_size, res->file_fd,
		    (uint64_t)res->file_offset);
		if (r != NULL)
			res->file_fd = -1;	/* libmicrohttpd closes it */
		return r;
	}
	if (res->body.n == 0)
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

	if (res->failed || res->body.failed || res->status < 200)
		return NULL;
	r = body_response(res);
	for (size_t i = 0; r != NULL && i < res->header_count; i++)
		if (MHD_add_response_header(r, res->headers[i].name, res->headers[i].value) !=
		    MHD_YES) {
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
