/* http_raw.h - a server with a few odd handlers, and a client that sends exactly what it is
 * told. */
#ifndef TESTS_HTTP_RAW_H
#define TESTS_HTTP_RAW_H

#include "t.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "http/server.h"

#define BODY_MAX 100000
#define FILE_SIZE (3 * 1024 * 1024)
#define ANSWER_WAIT_MS 20000

/* What handlers share with the test. */
struct bench {
	struct http_server *server;
	char file[64];		/* FILE_SIZE bytes of file_byte() */
	_Atomic int handled;
	pthread_mutex_t mu;
	pthread_cond_t opened;
	bool gate_open;		/* guarded by mu: lets handlers of /gate go on */
};

static inline unsigned char file_byte(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

static inline void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static inline void wait_gate(struct bench *b)
{
	pthread_mutex_lock(&b->mu);
	while (!b->gate_open)
		pthread_cond_wait(&b->opened, &b->mu);
	pthread_mutex_unlock(&b->mu);
}

static inline void open_gate(struct bench *b)
{
	pthread_mutex_lock(&b->mu);
	b->gate_open = true;
	pthread_cond_broadcast(&b->opened);
	pthread_mutex_unlock(&b->mu);
}

static inline void add_header_line(void *arg, const char *name, const char *value)
{
	buf_addf(arg, "%s=%s\n", name, value);
}

static inline void answer_file(struct bench *b, struct http_res *res)
{
	res->status = 206;
	res->has_file = true;
	res->file_fd = open(b->file, O_RDONLY | O_CLOEXEC);
	res->file_offset = 1000;
	res->file_size = FILE_SIZE - 2000;
	http_res_header(res, "Content-Type", "application/octet-stream");
}

/* Everything else is told what arrived: "METHOD|path|query|remote|body size", then the body. */
static inline void bench_handler(void *arg, const struct http_req *req, struct http_res *res)
{
	struct bench *b = arg;

	atomic_fetch_add(&b->handled, 1);
	res->status = 200;
	if (str_eq(req->path, STR("/file"))) {
		answer_file(b, res);
		return;
	}
	if (str_eq(req->path, STR("/headers"))) {
		const char *test = http_req_header(req, "x-TEST");

		http_req_each(req, add_header_line, &res->body);
		http_res_headerf(res, "X-Seen", "<%s>", test != NULL ? test : "absent");
		return;
	}
	if (str_eq(req->path, STR("/204")) || str_eq(req->path, STR("/304"))) {
		res->status = req->path.p[1] == '2' ? 204 : 304;
		http_res_header(res, "Content-Type", "text/plain");
		buf_adds(&res->body, "nobody reads this");
		return;
	}
	if (str_eq(req->path, STR("/moved"))) {
		res->status = 302;
		http_res_header(res, "Location", "/elsewhere");
		return;
	}
	if (str_eq(req->path, STR("/injected")))
		http_res_header(res, "X-Bad", "a\r\nSet-Cookie: b");
	if (str_eq(req->path, STR("/silent"))) {
		res->status = 0;
		return;
	}
	if (str_eq(req->path, STR("/gate")))
		wait_gate(b);
	if (str_eq(req->path, STR("/slow")))
		sleep_ms(strtol(req->query.p, NULL, 10));
	buf_addf(&res->body, "%s|" STR_F "|" STR_F "|%s|%zu|", req->method, STR_A(req->path),
	    STR_A(req->query), req->remote, req->body.n);
	buf_add(&res->body, req->body.p, req->body.n);
}

static inline struct http_server_opts bench_opts(struct bench *b)
{
	return (struct http_server_opts){ .address = "127.0.0.1", .workers = 4, .queue_max = 64,
		.connections_max = 200, .idle_timeout_s = 30, .body_max = BODY_MAX,
		.patience = { 20000, 20000, 1000 },
		.handler = bench_handler, .arg = b };
}

static inline void bench_init(struct bench *b)
{
	unsigned char *bytes = malloc(FILE_SIZE);
	int fd;

	*b = (struct bench){ .file = "/tmp/t_http.XXXXXX" };
	pthread_mutex_init(&b->mu, NULL);
	pthread_cond_init(&b->opened, NULL);
	assert_non_null(bytes);
	for (size_t i = 0; i < FILE_SIZE; i++)
		bytes[i] = file_byte(i);
	fd = mkstemp(b->file);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, FILE_SIZE), FILE_SIZE);
	(void)close(fd);
	free(bytes);
}

static inline void bench_start(struct bench *b, const struct http_server_opts *o)
{
	struct err e;

	bench_init(b);
	OK(http_server_start(o, &b->server, &e));
}

static inline void bench_stop(struct bench *b)
{
	if (b->server != NULL)
		http_server_stop(b->server);
	(void)unlink(b->file);
	pthread_cond_destroy(&b->opened);
	pthread_mutex_destroy(&b->mu);
}

/* ---- the client ---- */

static inline int dial_port(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static inline int dial(const struct bench *b)
{
	int fd = dial_port(http_server_port(b->server));

	assert_true(fd >= 0);
	return fd;
}

static inline bool send_bytes(int fd, const void *p, size_t n)
{
	const char *from = p;

	while (n > 0) {
		ssize_t did = send(fd, from, n, MSG_NOSIGNAL);

		if (did <= 0)
			return false;
		from += did;
		n -= (size_t)did;
	}
	return true;
}

#define SEND(fd, text) assert_true(send_bytes(fd, "" text, sizeof(text) - 1))

struct raw_reply {
	int status;	/* 0: the connection ended without an answer */
	char head[4096];
	struct buf body;
};

static inline void raw_reply_done(struct raw_reply *r)
{
	buf_done(&r->body);
}
#define auto_raw_reply cleanup_with(raw_reply_done)

/* At most `n` bytes; 0 at the end, after an error or a long silence. */
static inline size_t read_some(int fd, char *ret, size_t n)
{
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t did = poll(&p, 1, ANSWER_WAIT_MS) == 1 ? recv(fd, ret, n, 0) : 0;

	return did > 0 ? (size_t)did : 0;
}

/* Value of a header in `head`, or NULL. */
static inline const char *raw_header(const struct raw_reply *r, const char *name, char out[256])
{
	size_t n = strlen(name);

	for (const char *line = strchr(r->head, '\n'); line != NULL; line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			(void)snprintf(out, 256, "%.*s", (int)strcspn(line + n + 2, "\r"),
			    line + n + 2);
			return out;
		}
	}
	return NULL;
}

/* One answer; `no_body` after HEAD. */
static inline void read_answer(int fd, bool no_body, struct raw_reply *r)
{
	char value[256], piece[16384];
	size_t n = 0, length = 0;

	buf_done(&r->body);
	*r = (struct raw_reply){ 0 };
	while (n < sizeof(r->head) - 1 && read_some(fd, r->head + n, 1) == 1)
		if (++n >= 4 && memcmp(r->head + n - 4, "\r\n\r\n", 4) == 0)
			break;
	if (sscanf(r->head, "HTTP/1.1 %d", &r->status) != 1)
		return;
	if (raw_header(r, "Content-Length", value) != NULL)
		length = (size_t)strtoul(value, NULL, 10);
	while (!no_body && r->status != 304 && length > 0) {
		n = read_some(fd, piece, length < sizeof(piece) ? length : sizeof(piece));
		if (n == 0) {
			r->status = -1;	/* cut off */
			return;
		}
		buf_add(&r->body, piece, n);
		length -= n;
	}
}

/* The server has closed: nothing more comes. */
static inline bool at_end(int fd)
{
	char c;

	return read_some(fd, &c, 1) == 0;
}

/* One request on a connection of its own. */
static inline void exchange(const struct bench *b, const void *p, size_t n, struct raw_reply *r)
{
	int fd = dial(b);

	(void)send_bytes(fd, p, n);	/* a refusal may come before all is sent */
	read_answer(fd, false, r);
	(void)close(fd);
}

#define HOST "Host: localhost\r\n"

#endif
