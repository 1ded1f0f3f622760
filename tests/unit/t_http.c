/* t_http.c - the server: what reaches handlers, what comes back, what is refused. */
#include "http_raw.h"

static void raw_path_and_query_reach_the_handler(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);

	SEND(fd, "GET /a%2Fb%3B//C;d/?x=%20&$filter=a+b&y=?z HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.p, "GET|/a%2Fb%3B//C;d/|x=%20&$filter=a+b&y=?z|127.0.0.1|0|");
	SEND(fd, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_string_equal(r.body.p, "GET|/plain||127.0.0.1|0|");
	(void)close(fd);
}

static void connections_are_kept(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);
	char value[256];

	for (int i = 0; i < 5; i++) {
		SEND(fd, "POST /one HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
		read_answer(fd, false, &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.p, "POST|/one||127.0.0.1|5|hello");
		assert_null(raw_header(&r, "Connection", value));
		assert_non_null(raw_header(&r, "Date", value));
	}
	SEND(fd, "GET /last HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 200);
	assert_true(at_end(fd));
	(void)close(fd);
}

static void requests_sent_at_once_are_answered_in_order(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);

	SEND(fd, "GET /slow?30 HTTP/1.1\r\n" HOST "X-Pad: 12345\r\n\r\n"
	    "POST /two HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
	    "GET /three HTTP/1.1\n" "Host: localhost\n\n");
	read_answer(fd, false, &r);
	assert_string_equal(r.body.p, "GET|/slow|30|127.0.0.1|0|");
	read_answer(fd, false, &r);
	assert_string_equal(r.body.p, "POST|/two||127.0.0.1|2|ab");
	read_answer(fd, false, &r);
	assert_string_equal(r.body.p, "GET|/three||127.0.0.1|0|");
	(void)close(fd);
}

static void headers_are_found_in_any_casing(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);
	char value[256];

	SEND(fd, "GET /headers HTTP/1.1\r\n" HOST "X-Test: \t a b\r\nX-Tab: a\tb\r\n"
	    "X-Two: 1\r\nX-Two: 2\r\nX-Empty:\r\nCookie: a=b; c=d\r\n\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(raw_header(&r, "x-seen", value), "<a b>");
	CONTAINS(r.body.p, "X-Two=1\n");
	CONTAINS(r.body.p, "X-Two=2\n");
	CONTAINS(r.body.p, "X-Tab=a\tb\n");
	CONTAINS(r.body.p, "X-Empty=\n");
	CONTAINS(r.body.p, "Cookie=a=b; c=d\n");
	(void)close(fd);
}

/* Text that holds NULs is given with its size. */
#define BYTES(text) "" text, sizeof(text) - 1

static const struct {
	const char *why, *text;
	size_t n;
	int status;
	bool json;	/* not where libmicrohttpd itself gives up */
} refused[] = {
	{ "two Hosts", BYTES("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), 400, true },
	{ "no Host", BYTES("GET / HTTP/1.1\r\nAccept: a\r\n\r\n"), 400, true },
	{ "no header at all", BYTES("GET / HTTP/1.1\r\n\r\n"), 400, true },
	{ "empty Host", BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, true },
	{ "user in the Host", BYTES("GET / HTTP/1.1\r\nHost: localhost:1@evil\r\n\r\n"), 400,
	    true },
	{ "path in the Host", BYTES("GET / HTTP/1.1\r\nHost: localhost:1/a\r\n\r\n"), 400, true },
	{ "open bracket", BYTES("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400, true },
	{ "text after the bracket", BYTES("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), 400, true },
	{ "two lengths", BYTES("POST / HTTP/1.1\r\n" HOST
	    "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), 400, true },
	{ "length and chunked", BYTES("POST / HTTP/1.1\r\n" HOST
	    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400, true },
	{ "two encodings", BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400, true },
	{ "encoding unknown", BYTES("POST / HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400, true },
	{ "encoding with HTTP/1.0", BYTES("POST / HTTP/1.0\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400, true },
	{ "length signed", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc"), 400,
	    false },
	{ "length absurd", BYTES("POST / HTTP/1.1\r\n" HOST
	    "Content-Length: 99999999999999999999\r\n\r\nabc"), 413, false },
	{ "length large", BYTES("POST / HTTP/1.1\r\n" HOST
	    "Content-Length: 1000000000000\r\n\r\nabc"), 413, true },
	{ "length large, asked first", BYTES("POST / HTTP/1.1\r\n" HOST
	    "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n"), 413, true },
	{ "space before the colon", BYTES("POST / HTTP/1.1\r\n" HOST
	    "Content-Length : 3\r\n\r\nabc"), 400, true },
	{ "no colon", BYTES("GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n"), 400, false },
	{ "empty name", BYTES("GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n"), 400, true },
	{ "folded", BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\r\n c\r\n\r\n"), 400, true },
	{ "bare CR", BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\rX-C: d\r\n\r\n"), 400, true },
	{ "control character", BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\x01\r\n\r\n"), 400, true },
	{ "DEL", BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\x7f\r\n\r\n"), 400, true },
	{ "NUL in the last value", BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\0c\r\n\r\n"), 400,
	    true },
	{ "NUL in a value", BYTES("GET / HTTP/1.1\r\nX-A: b\0c\r\n" HOST "\r\n"), 400, true },
	{ "NUL in the Host", BYTES("GET / HTTP/1.1\r\nHost: localhost\0.evil\r\n\r\n"), 400, true },
	{ "NUL in a name", BYTES("GET / HTTP/1.1\r\n" HOST "X\0A: b\r\n\r\n"), 400, false },
	{ "NUL begins a line", BYTES("GET / HTTP/1.1\r\n" HOST "\0X-A: bcd\r\n\r\n"), 400, true },
	{ "NUL in the path", BYTES("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"), 400, true },
	{ "space in the path", BYTES("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400, true },
	{ "control in the path", BYTES("GET /a\tb HTTP/1.1\r\n" HOST "\r\n"), 400, true },
	{ "future version", BYTES("GET / HTTP/2.0\r\n" HOST "\r\n"), 505, false },
};

static void what_is_ambiguous_is_refused(void **state)
{
	struct bench *b = *state;
	char value[256];

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		auto_raw_reply struct raw_reply r = { 0 };

		exchange(b, refused[i].text, refused[i].n, &r);
		if (r.status != refused[i].status)
			print_error("%s: status %d\n", refused[i].why, r.status);
		assert_int_equal(r.status, refused[i].status);
		assert_string_equal(raw_header(&r, "Connection", value), "close");
		if (!refused[i].json)
			continue;
		assert_string_equal(raw_header(&r, "Content-Type", value),
		    "application/json; charset=utf-8");
		assert_memory_equal(r.body.p, "{\"error\":{\"code\":\"", 18);
	}
	assert_int_equal(atomic_load(&b->handled), 0);
}

/* `lines` headers of `size` bytes each, then the request ends. */
static void many_headers(const struct bench *b, size_t lines, int size, struct raw_reply *r)
{
	auto_buf struct buf text = { 0 };

	buf_adds(&text, "GET /many HTTP/1.1\r\n" HOST);
	for (size_t i = 0; i < lines; i++)
		buf_addf(&text, "X-%05zu: %0*d\r\n", i, size - 11, 1);
	buf_adds(&text, "\r\n");
	exchange(b, text.p, text.n, r);
}

static void any_host_is_passed_on(void **state)
{
	static const char *const hosts[] = { "localhost", "localhost:8443", "127.0.0.1:1", "[::1]",
		"[::1]:8443", "a-b.c_d.example:", "evil.example" };
	int fd = dial(*state);

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		auto_raw_reply struct raw_reply r = { 0 };
		char text[200], want[200];

		(void)snprintf(text, sizeof(text), "GET /headers HTTP/1.1\r\nHost: %s\r\n\r\n",
		    hosts[i]);
		(void)snprintf(want, sizeof(want), "Host=%s\n", hosts[i]);
		assert_true(send_bytes(fd, text, strlen(text)));
		read_answer(fd, false, &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.p, want);
	}
	(void)close(fd);
}

static void header_blocks_have_a_limit(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };

	many_headers(*state, 1, 31000, &r);
	assert_int_equal(r.status, 200);
	many_headers(*state, 90, 200, &r);
	assert_int_equal(r.status, 200);
	many_headers(*state, 1, 33000, &r);
	assert_int_equal(r.status, 431);
	CONTAINS(r.body.p, "\"RequestHeaderFieldsTooLarge\"");
	many_headers(*state, 1, 60000, &r);
	assert_int_equal(r.status, 431);
	assert_int_equal(atomic_load(&((struct bench *)*state)->handled), 2);
}

/* A body of n bytes, in chunks of `chunk` or with a Content-Length. */
static void send_body(int fd, size_t n, size_t chunk)
{
	auto_buf struct buf text = { 0 };
	auto_free char *bytes = malloc(n + 1);

	assert_non_null(bytes);
	memset(bytes, 'x', n);
	buf_adds(&text, "PUT /body HTTP/1.1\r\n" HOST);
	if (chunk == 0)
		buf_addf(&text, "Content-Length: %zu\r\n\r\n", n);
	else
		buf_adds(&text, "Transfer-Encoding: Chunked\r\n\r\n");
	for (size_t at = 0; chunk > 0 && at < n; at += chunk) {
		size_t piece = n - at < chunk ? n - at : chunk;

		buf_addf(&text, "%zx;a=b\r\n", piece);
		buf_add(&text, bytes, piece);
		buf_adds(&text, "\r\n");
	}
	buf_adds(&text, chunk > 0 ? "0\r\nX-Trailer: a\r\n\r\n" : "");
	if (chunk == 0)
		buf_add(&text, bytes, n);
	(void)send_bytes(fd, text.p, text.n);
}

static void bodies_have_a_limit(void **state)
{
	static const struct {
		size_t n, chunk;
		int status;
	} rows[] = { { 0, 0, 200 }, { BODY_MAX, 0, 200 }, { BODY_MAX + 1, 0, 413 },
		{ 5000000, 0, 413 }, { 3, 1, 200 }, { 70000, 7000, 200 }, { BODY_MAX, 999, 200 },
		{ BODY_MAX + 1, 999, 413 }, { 5000000, 65536, 413 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_raw_reply struct raw_reply r = { 0 };
		int fd = dial(*state);
		char want[64];

		send_body(fd, rows[i].n, rows[i].chunk);
		read_answer(fd, false, &r);
		assert_int_equal(r.status, rows[i].status);
		(void)snprintf(want, sizeof(want), "PUT|/body||127.0.0.1|%zu|", rows[i].n);
		CONTAINS(r.body.p, r.status == 200 ? want : "\"RequestEntityTooLarge\"");
		if (r.status == 200)
			assert_int_equal(r.body.n, strlen(want) + rows[i].n);
		(void)close(fd);
	}
}

static void a_client_that_asks_may_go_on(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);

	SEND(fd, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 100);
	SEND(fd, "body");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.p, "PUT|/a||127.0.0.1|4|body");
	(void)close(fd);
}

static void head_gives_the_length_alone(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);
	char value[256];

	SEND(fd, "HEAD /abc HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, true, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(raw_header(&r, "Content-Length", value), "23");
	SEND(fd, "HEAD /file HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, true, &r);
	assert_int_equal(r.status, 206);
	assert_int_equal(strtol(raw_header(&r, "Content-Length", value), NULL, 10), FILE_SIZE - 2000);
	SEND(fd, "GET /after HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_string_equal(r.body.p, "GET|/after||127.0.0.1|0|");
	(void)close(fd);
}

static void file_ranges_are_sent(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);

	for (int again = 0; again < 2; again++) {
		SEND(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
		read_answer(fd, false, &r);
		assert_int_equal(r.status, 206);
		assert_int_equal(r.body.n, FILE_SIZE - 2000);
		for (size_t i = 0; i < r.body.n; i++)
			if ((unsigned char)r.body.p[i] != file_byte(1000 + i))
				fail_msg("byte %zu differs", i);
	}
	(void)close(fd);
}

static void answers_without_body_have_none(void **state)
{
	auto_raw_reply struct raw_reply r = { 0 };
	int fd = dial(*state);
	char value[256];

	SEND(fd, "GET /204 HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 204);
	assert_null(raw_header(&r, "Content-Type", value));
	assert_null(raw_header(&r, "Content-Length", value));
	SEND(fd, "GET /304 HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_int_equal(r.status, 304);
	assert_null(raw_header(&r, "Content-Type", value));
	SEND(fd, "GET /after HTTP/1.1\r\n" HOST "\r\n");
	read_answer(fd, false, &r);
	assert_string_equal(r.body.p, "GET|/after||127.0.0.1|0|");
	(void)close(fd);
}

static void a_failed_answer_is_a_500(void **state)
{
	static const char *const texts[] = { "GET /injected HTTP/1.1\r\n" HOST "\r\n",
		"GET /silent HTTP/1.1\r\n" HOST "\r\n" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_raw_reply struct raw_reply r = { 0 };
		char value[256];

		exchange(*state, texts[i], strlen(texts[i]), &r);
		assert_int_equal(r.status, 500);
		CONTAINS(r.body.p, "\"InternalServerError\"");
		assert_null(raw_header(&r, "Set-Cookie", value));
	}
}

static int start(void **state)
{
	static struct bench b;
	struct http_server_opts o = bench_opts(&b);

	bench_start(&b, &o);
	*state = &b;
	return 0;
}

static int stop(void **state)
{
	bench_stop(*state);
	return 0;
}

#define WITH_SERVER(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(raw_path_and_query_reach_the_handler),
		WITH_SERVER(connections_are_kept),
		WITH_SERVER(requests_sent_at_once_are_answered_in_order),
		WITH_SERVER(headers_are_found_in_any_casing),
		WITH_SERVER(what_is_ambiguous_is_refused),
		WITH_SERVER(any_host_is_passed_on),
		WITH_SERVER(header_blocks_have_a_limit),
		WITH_SERVER(bodies_have_a_limit),
		WITH_SERVER(a_client_that_asks_may_go_on),
		WITH_SERVER(head_gives_the_length_alone),
		WITH_SERVER(file_ranges_are_sent),
		WITH_SERVER(answers_without_body_have_none),
		WITH_SERVER(a_failed_answer_is_a_500),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
