/* t_http_slow.c - clients that send or read too slowly are cut off, others are not; how many
 * connections one address may have. */
#include "http_raw.h"

#include "base/clock.h"
#include "crypto/x509.h"

#define SPAN_MS 200
#define SPAN_BYTES 1000
#define CUT_MS_MAX 10000	/* some spans; a busy machine is slow */

static void slow_opts(struct bench *b, struct http_server_opts *ret)
{
	*ret = bench_opts(b);
	ret->patience = (struct http_patience){ SPAN_MS, SPAN_MS, SPAN_BYTES };
}

static int start(void **state)
{
	static struct bench b;
	struct http_server_opts o;

	slow_opts(&b, &o);
	bench_start(&b, &o);
	*state = &b;
	return 0;
}

static int stop(void **state)
{
	bench_stop(*state);
	return 0;
}

static void others_are_served(const struct bench *b)
{
	auto_raw_reply struct raw_reply r = { 0 };
	static const char text[] = "GET /other HTTP/1.1\r\n" HOST "\r\n";

	exchange(b, text, sizeof(text) - 1, &r);
	assert_int_equal(r.status, 200);
}

/* Send `byte` every 20 ms until the server ends the connection; how long that took, in ms. */
static int64_t trickle(const struct bench *b, int fd, char byte)
{
	int64_t begin_us = clock_monotonic_us(), ms = 0;

	while (ms < CUT_MS_MAX && send_bytes(fd, &byte, 1)) {
		struct pollfd p = { fd, POLLIN, 0 };

		if (poll(&p, 1, 20) == 1)
			break;
		if (ms == 0)
			others_are_served(b);
		ms = (clock_monotonic_us() - begin_us) / 1000;
	}
	assert_true(at_end(fd));
	return ms;
}

static void headers_byte_by_byte(void **state)
{
	static const char *const begins[] = { "", "GET /slow", "GET / HTTP/1.1\r\n" HOST "X-A: " };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
		int fd = dial(b);

		assert_true(send_bytes(fd, begins[i], strlen(begins[i])));
		assert_in_range(trickle(b, fd, 'x'), SPAN_MS / 2, CUT_MS_MAX - 1);
		(void)close(fd);
	}
	assert_int_equal(atomic_load(&b->handled), ARRAY_LEN(begins));	/* the others */
}

static void a_second_request_byte_by_byte(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	struct bench *b = *state;
	int fd = dial(b);

	SEND(fd, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 200);
	assert_in_range(trickle(b, fd, 'x'), SPAN_MS / 2, CUT_MS_MAX - 1);
	(void)close(fd);
}

static void a_body_at_a_trickle(void **state)
{
	static const char *const encodings[] = { "Content-Length: 90000", "Content-Length: 200000",
		"Transfer-Encoding: chunked" };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
		auto_buf struct buf text = { 0 };
		int fd = dial(b);

		buf_addf(&text, "PUT /a HTTP/1.1\r\n" HOST "%s\r\n\r\n%s", encodings[i],
		    i == 2 ? "ffff\r\n" : "");
		assert_true(send_bytes(fd, text.p, text.n));
		assert_in_range(trickle(b, fd, 'x'), SPAN_MS / 2, CUT_MS_MAX - 1);
		(void)close(fd);
	}
}

/* Nor is one cut off that is slow to think between two requests, or whose handler is. */
static void a_body_at_a_fair_rate(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	char piece[2000];
	int fd = dial(*state);

	memset(piece, 'x', sizeof(piece));
	SEND(fd, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n");
	for (int i = 0; i < 30; i++) {
		sleep_ms(SPAN_MS / 10);
		assert_true(send_bytes(fd, piece, sizeof(piece)));
	}
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 200);
	sleep_ms(2 * SPAN_MS);
	SEND(fd, "GET /slow?600 HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 200);
	(void)close(fd);
}

/* Asks for `files` large files; the socket takes little at a time. */
static int ask_for_files(const struct bench *b, int files)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(http_server_port(b->server)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	for (int i = 0; i < files; i++)
		SEND(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
	return fd;
}

#define FILES 6		/* more than the kernel's buffers hold */

static void an_answer_that_nobody_reads(void **state)
{
	struct bench *b = *state;
	int fd = ask_for_files(b, FILES);
	size_t total = 0, n;
	char some[65536];

	sleep_ms(4 * SPAN_MS);
	others_are_served(b);
	while ((n = read_some(fd, some, sizeof(some))) > 0)
		total += n;
	assert_in_range(total, 1, (size_t)FILES * FILE_SIZE / 2);
	(void)close(fd);
}

static void an_answer_that_is_read_slowly(void **state)
{
	struct bench *b = *state;
	int fd = ask_for_files(b, 1);
	size_t total = 0, n;
	char some[65536];

	for (int i = 0; i < 20; i++) {
		sleep_ms(SPAN_MS / 8);
		total += read_some(fd, some, 8 * SPAN_BYTES);
	}
	while (total < FILE_SIZE - 2000 && (n = read_some(fd, some, sizeof(some))) > 0)
		total += n;
	assert_in_range(total, FILE_SIZE - 2000, FILE_SIZE);
	(void)close(fd);
}

static void an_address_has_a_share_of_the_connections(void **state)
{
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) },
		server = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	auto_raw_reply struct raw_reply r = { 0 };
	struct http_server_opts o;
	struct bench b;
	int fd[5];

	(void)state;
	slow_opts(&b, &o);
	o.patience.headers_ms = 20000;
	o.connections_per_address = 4;
	bench_start(&b, &o);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = dial(&b);
	assert_true(at_end(fd[4]));
	(void)close(fd[4]);
	fd[4] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server.sin_port = htons(http_server_port(b.server));
	assert_int_equal(bind(fd[4], (struct sockaddr *)&other, sizeof(other)), 0);
	assert_int_equal(connect(fd[4], (struct sockaddr *)&server, sizeof(server)), 0);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		SEND(fd[i], "GET /a HTTP/1.1\r\n" HOST "\r\n");
		read_answer(fd[i], false, &r);
		assert_int_equal(r.status, 200);
		(void)close(fd[i]);
	}
	bench_stop(&b);
}

/* ---- TLS ---- */

static void a_handshake_that_does_not_end(void **state)
{
	static const char *const names[] = { "localhost", NULL };
	char dir[] = "/tmp/t_http_slow.XXXXXX", path[4][64];
	static const char *const files[] = { "ca.pem", "ca.key", "server.pem", "server.key" };
	struct http_server_opts o;
	struct bench b;
	struct err e;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(path); i++)
		(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, files[i]);
	OK(x509_make_ca(path[0], path[1], "test CA", &e));
	OK(x509_make_server(path[0], path[1], names, 1, path[2], path[3], &e));
	slow_opts(&b, &o);
	o.cert_path = path[2];
	o.key_path = path[3];
	bench_start(&b, &o);
	fd = dial(&b);
	assert_true(at_end(fd));
	(void)close(fd);
	fd = dial(&b);
	SEND(fd, "\x16\x03\x01\x01\x00\x01\x00\x00");	/* a record that is never whole */
	assert_true(at_end(fd));
	(void)close(fd);
	bench_stop(&b);
	for (size_t i = 0; i < ARRAY_LEN(path); i++)
		(void)unlink(path[i]);
	(void)rmdir(dir);
}

#define WITH_SERVER(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(headers_byte_by_byte),
		WITH_SERVER(a_second_request_byte_by_byte),
		WITH_SERVER(a_body_at_a_trickle),
		WITH_SERVER(a_body_at_a_fair_rate),
		WITH_SERVER(an_answer_that_nobody_reads),
		WITH_SERVER(an_answer_that_is_read_slowly),
		cmocka_unit_test(an_address_has_a_share_of_the_connections),
		cmocka_unit_test(a_handshake_that_does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
