/* t_http_load.c - the server with many clients at once, when it is busy and when it stops; TLS,
 * with the client of http/client.h. */
#include "http_raw.h"

#include "crypto/x509.h"
#include "http/client.h"

#define CLIENTS 12
#define REQUESTS 25

/* ---- many connections ---- */

struct caller {
	uint16_t port;
	pthread_t thread;
	int number, right;	/* answers as they should be */
};

static void *call_often(void *arg)
{
	struct caller *c = arg;
	int fd = dial_port(c->port);

	for (int i = 0; fd >= 0 && i < REQUESTS; i++) {
		auto_raw_reply struct raw_reply r = { 0 };
		char text[200], want[200];
		int n = i % 5 == 0 ? 10 : 0;

		(void)snprintf(text, sizeof(text), "POST /%s?%d&%d-%d HTTP/1.1\r\n" HOST
		    "Content-Length: 3\r\n\r\nabc", n > 0 ? "slow" : "fast", n, c->number, i);
		(void)snprintf(want, sizeof(want), "POST|/%s|%d&%d-%d|127.0.0.1|3|abc",
		    n > 0 ? "slow" : "fast", n, c->number, i);
		(void)send_bytes(fd, text, strlen(text));
		read_answer(fd, false, &r);
		c->right += r.status == 200 && strcmp(r.body.p, want) == 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static void start_callers(const struct bench *b, struct caller all[CLIENTS])
{
	for (int i = 0; i < CLIENTS; i++) {
		all[i] = (struct caller){ .port = http_server_port(b->server), .number = i };
		assert_int_equal(pthread_create(&all[i].thread, NULL, call_often, &all[i]), 0);
	}
}

static void many_kept_connections_get_their_own_answers(void **state)
{
	struct caller all[CLIENTS];
	struct bench b;
	struct http_server_opts o = bench_opts(&b);

	(void)state;
	bench_start(&b, &o);
	start_callers(&b, all);
	for (int i = 0; i < CLIENTS; i++) {
		(void)pthread_join(all[i].thread, NULL);
		assert_int_equal(all[i].right, REQUESTS);
	}
	assert_int_equal(atomic_load(&b.handled), CLIENTS * REQUESTS);
	bench_stop(&b);
}

static void wait_handled(struct bench *b, int n)
{
	for (int ms = 0; atomic_load(&b->handled) < n; ms += 5) {
		if (ms > ANSWER_WAIT_MS)
			fail_msg("%d requests never reached a handler", n);
		sleep_ms(5);
	}
}

/* The 503 comes at once, the rest when the gate opens. */
static bool refused_for_now(int fd)
{
	auto_raw_reply struct raw_reply r = { 0 };
	struct pollfd p = { fd, POLLIN, 0 };
	char value[256];

	if (poll(&p, 1, 500) != 1)
		return false;
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 503);
	assert_string_equal(raw_header(&r, "Retry-After", value), "1");
	CONTAINS(r.body.p, "\"ServerBusy\"");
	return true;
}

static void a_full_queue_says_come_back(void **state)
{
	struct bench b;
	struct http_server_opts o = bench_opts(&b);
	bool later[8] = { false };
	int fd[8], refused = 0;

	(void)state;
	o.workers = 1;
	o.queue_max = 2;
	bench_start(&b, &o);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = dial(&b);
		SEND(fd[i], "POST /gate HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na");
		if (i == 0)
			wait_handled(&b, 1);
	}
	for (size_t i = 1; i < ARRAY_LEN(fd); i++)
		refused += later[i] = refused_for_now(fd[i]);
	assert_int_equal(refused, 5);	/* one is handled, two wait */
	open_gate(&b);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		auto_raw_reply struct raw_reply r = { 0 };

		if (later[i])	/* on the same connection */
			SEND(fd[i], "POST /gate HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na");
		read_answer(fd[i], false, &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.p, "POST|/gate||127.0.0.1|1|a");
		(void)close(fd[i]);
	}
	bench_stop(&b);
}

static void clients_that_leave_do_no_harm(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	struct bench b;
	struct http_server_opts o = bench_opts(&b);
	static const char whole[] = "POST /slow?30 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";
	static const char file[] = "GET /file HTTP/1.1\r\n" HOST "\r\n";

	(void)state;
	bench_start(&b, &o);
	for (size_t n = 1; n <= sizeof(whole) - 1; n++) {
		int fd = dial(&b);

		assert_true(send_bytes(fd, whole, n));
		(void)close(fd);
	}
	for (int i = 0; i < 10; i++) {	/* in the middle of an answer */
		int fd = dial(&b);
		char some[4000];

		assert_true(send_bytes(fd, file, sizeof(file) - 1));
		assert_true(read_some(fd, some, sizeof(some)) > 0);
		(void)close(fd);
	}
	exchange(&b, whole, sizeof(whole) - 1, &r);
	assert_int_equal(r.status, 200);
	bench_stop(&b);
}

static void connections_that_idle_are_closed(void **state)
{
	struct bench b;
	struct http_server_opts o = bench_opts(&b);
	int idle, half;

	(void)state;
	o.idle_timeout_s = 1;
	bench_start(&b, &o);
	idle = dial(&b);
	half = dial(&b);
	SEND(half, "GET /x HTTP/1.1\r\nHos");
	assert_true(at_end(idle));
	assert_true(at_end(half));
	(void)close(idle);
	(void)close(half);
	bench_stop(&b);
}

/* ---- stopping ---- */

static void *stop_server(void *arg)
{
	http_server_stop(arg);
	return NULL;
}

static void a_stop_lets_answers_go_out(void **state)
{
	struct bench b;
	struct http_server_opts o = bench_opts(&b);
	int fd[6], idle, late;
	pthread_t thread;
	uint16_t port;

	(void)state;
	o.workers = 2;	/* so that some wait in the queue */
	bench_start(&b, &o);
	port = http_server_port(b.server);
	idle = dial(&b);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = dial(&b);
		SEND(fd[i], "GET /slow?150 HTTP/1.1\r\n" HOST "\r\n");
	}
	wait_handled(&b, 2);
	sleep_ms(50);	/* the others have reached the queue */
	assert_int_equal(pthread_create(&thread, NULL, stop_server, TAKE(b.server)), 0);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		auto_raw_reply struct raw_reply r = { 0 };

		read_answer(fd[i], false, &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.p, "GET|/slow|150|127.0.0.1|0|");
		(void)close(fd[i]);
	}
	(void)pthread_join(thread, NULL);
	assert_true(at_end(idle));
	(void)close(idle);
	late = dial_port(port);
	assert_true(late < 0);
	bench_stop(&b);
}

static void a_stop_under_load_ends(void **state)
{
	(void)state;
	for (int round = 0; round < 4; round++) {
		struct caller all[CLIENTS];
		struct bench b;
		struct http_server_opts o = bench_opts(&b);

		bench_start(&b, &o);
		start_callers(&b, all);
		wait_handled(&b, 5 + round * 40);
		http_server_stop(TAKE(b.server));
		for (int i = 0; i < CLIENTS; i++)
			(void)pthread_join(all[i].thread, NULL);
		bench_stop(&b);
	}
}

/* ---- starting ---- */

static void what_cannot_be_listened_on_is_told(void **state)
{
	struct bench b;
	struct http_server_opts o = bench_opts(&b);
	struct http_server *second = NULL;
	struct err e;

	(void)state;
	bench_start(&b, &o);
	o.port = http_server_port(b.server);
	FAILS(http_server_start(&o, &second, &e), ERR_IO);
	CONTAINS(e.msg, "listening on 127.0.0.1 port");
	CONTAINS(e.msg, "in use");
	o.port = 0;
	o.address = "localhost";
	FAILS(http_server_start(&o, &second, &e), ERR_INVALID);
	CONTAINS(e.msg, "'localhost'");
	o.address = "127.0.0.1";
	o.cert_path = o.key_path = "/nonexistent/server.pem";
	FAILS(http_server_start(&o, &second, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, "/nonexistent/server.pem");
	o.cert_path = o.key_path = b.file;	/* larger than any certificate */
	FAILS(http_server_start(&o, &second, &e), ERR_INVALID);
	assert_null(second);
	bench_stop(&b);
}

static void ipv6_is_served(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct bench b;
	struct http_server_opts o = bench_opts(&b);

	(void)state;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		if (fd >= 0)
			(void)close(fd);
		skip();	/* no IPv6 here */
	}
	(void)close(fd);
	o.address = "::1";
	bench_start(&b, &o);
	a.sin6_port = htons(http_server_port(b.server));
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	SEND(fd, "GET /six HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_string_equal(r.body.p, "GET|/six||::1|0|");
	(void)close(fd);
	bench_stop(&b);
}

/* ---- TLS, and the client ---- */

struct tls {
	char dir[32], ca[64], ca_key[64], cert[64], key[64], url[64];
	struct bench bench;
	struct http_client *client;
};

static void tls_start(struct tls *t)
{
	static const char *const names[] = { "localhost", "127.0.0.1", NULL };
	struct http_server_opts o;
	struct err e;

	*t = (struct tls){ .dir = "/tmp/t_http_tls.XXXXXX" };
	assert_non_null(mkdtemp(t->dir));
	(void)snprintf(t->ca, sizeof(t->ca), "%s/ca.pem", t->dir);
	(void)snprintf(t->ca_key, sizeof(t->ca_key), "%s/ca.key", t->dir);
	(void)snprintf(t->cert, sizeof(t->cert), "%s/server.pem", t->dir);
	(void)snprintf(t->key, sizeof(t->key), "%s/server.key", t->dir);
	OK(x509_make_ca(t->ca, t->ca_key, "test CA", &e));
	OK(x509_make_server(t->ca, t->ca_key, names, 2, t->cert, t->key, &e));
	o = bench_opts(&t->bench);
	o.cert_path = t->cert;
	o.key_path = t->key;
	bench_start(&t->bench, &o);
	OK(http_client_new(t->ca, &t->client, &e));
}

static void tls_stop(struct tls *t)
{
	http_client_free(t->client);
	bench_stop(&t->bench);
	(void)unlink(t->ca);
	(void)unlink(t->ca_key);
	(void)unlink(t->cert);
	(void)unlink(t->key);
	(void)rmdir(t->dir);
}

static const char *url(struct tls *t, const char *path)
{
	(void)snprintf(t->url, sizeof(t->url), "https://localhost:%u%s",
	    http_server_port(t->bench.server), path);
	return t->url;
}

static void reply_p(struct http_reply *r)
{
	http_reply_done(r);
}
#define auto_reply cleanup_with(reply_p)

static void the_client_calls_over_tls(void **state)
{
	static const char *const headers[] = { "X-Test: value", "Content-Type: text/plain", NULL };
	struct tls t;
	struct err e;
	char value[64];

	(void)state;
	tls_start(&t);
	for (int i = 0; i < 3; i++) {
		static const char *const methods[] = { "PUT", "POST", "PATCH" };
		auto_reply struct http_reply r = { 0 };
		char want[64];

		OK(http_client_call(t.client, methods[i], url(&t, "/a%2Fb?c=d"), headers,
		    STR("body"), &r, &e));
		assert_int_equal(r.status, 200);
		(void)snprintf(want, sizeof(want), "%s|/a%%2Fb|c=d|127.0.0.1|4|body", methods[i]);
		assert_string_equal(r.body.p, want);
	}
	for (int i = 0; i < 4; i++) {
		static const char *const methods[] = { "GET", "DELETE", "POST", "PUT" };
		auto_reply struct http_reply r = { 0 };

		OK(http_client_call(t.client, methods[i], url(&t, "/headers"), headers, STR(""), &r,
		    &e));
		assert_int_equal(r.status, 200);
		assert_true(http_reply_header(&r, "x-seen", value, sizeof(value)));
		assert_string_equal(value, "<value>");
		assert_false(http_reply_header(&r, "x-see", value, sizeof(value)));
		assert_false(http_reply_header(&r, "x-seen", value, 3));
	}
	tls_stop(&t);
}

static void the_client_tells_answers_as_they_are(void **state)
{
	struct tls t;
	struct err e;
	char value[64];

	(void)state;
	tls_start(&t);
	auto_reply struct http_reply head = { 0 }, moved = { 0 }, file = { 0 }, large = { 0 };
	auto_free char *body = calloc(1, 2 * BODY_MAX);

	OK(http_client_call(t.client, "HEAD", url(&t, "/abc"), NULL, STR(""), &head, &e));
	assert_int_equal(head.status, 200);
	assert_int_equal(head.body.n, 0);
	assert_true(http_reply_header(&head, "Content-Length", value, sizeof(value)));
	assert_string_equal(value, "23");
	OK(http_client_call(t.client, "GET", url(&t, "/moved"), NULL, STR(""), &moved, &e));
	assert_int_equal(moved.status, 302);	/* not followed */
	assert_true(http_reply_header(&moved, "location", value, sizeof(value)));
	assert_string_equal(value, "/elsewhere");
	OK(http_client_call(t.client, "GET", url(&t, "/file"), NULL, STR(""), &file, &e));
	assert_int_equal(file.status, 206);
	assert_int_equal(file.body.n, FILE_SIZE - 2000);
	for (size_t i = 0; i < file.body.n; i++)
		if ((unsigned char)file.body.p[i] != file_byte(1000 + i))
			fail_msg("byte %zu differs", i);
	assert_non_null(body);
	OK(http_client_call(t.client, "PUT", url(&t, "/a"), NULL,
	    (struct str){ body, 2 * BODY_MAX }, &large, &e));
	assert_int_equal(large.status, 413);
	tls_stop(&t);
}

static void the_client_tells_why_no_answer_came(void **state)
{
	struct http_client *stranger = NULL;
	cleanup_with(http_reply_done) struct http_reply file = { 0 };
	struct http_reply r = { 0 };
	struct tls t;
	struct err e;
	char gone[64];

	(void)state;
	tls_start(&t);
	OK(http_client_new(NULL, &stranger, &e));	/* trusts the system's authorities only */
	FAILS(http_client_call(stranger, "GET", url(&t, "/"), NULL, STR(""), &r, &e), ERR_IO);
	CONTAINS(e.msg, t.url);
	CONTAINS(e.msg, "certificate");
	http_client_free(stranger);
	http_client_limit(t.client, 10000, FILE_SIZE - 2001);
	FAILS(http_client_call(t.client, "GET", url(&t, "/file"), NULL, STR(""), &r, &e), ERR_IO);
	http_client_limit(t.client, 10000, FILE_SIZE - 2000);
	OK(http_client_call(t.client, "GET", url(&t, "/file"), NULL, STR(""), &file, &e));
	(void)snprintf(gone, sizeof(gone), "http://localhost:%u/",
	    http_server_port(t.bench.server));
	FAILS(http_client_call(t.client, "GET", gone, NULL, STR(""), &r, &e), ERR_IO);
	(void)snprintf(gone, sizeof(gone), "%s", url(&t, "/gone"));
	http_server_stop(TAKE(t.bench.server));
	FAILS(http_client_call(t.client, "GET", gone, NULL, STR(""), &r, &e), ERR_IO);
	CONTAINS(e.msg, "connect to localhost port");
	assert_int_equal(r.status, 0);
	assert_null(r.body.p);
	tls_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_kept_connections_get_their_own_answers),
		cmocka_unit_test(a_full_queue_says_come_back),
		cmocka_unit_test(clients_that_leave_do_no_harm),
		cmocka_unit_test(connections_that_idle_are_closed),
		cmocka_unit_test(a_stop_lets_answers_go_out),
		cmocka_unit_test(a_stop_under_load_ends),
		cmocka_unit_test(what_cannot_be_listened_on_is_told),
		cmocka_unit_test(ipv6_is_served),
		cmocka_unit_test(the_client_calls_over_tls),
		cmocka_unit_test(the_client_tells_answers_as_they_are),
		cmocka_unit_test(the_client_tells_why_no_answer_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
