/* t_http_refuse.c - requests that two servers could read in two ways: who is asked for what, where
 * a body ends.  Each is followed by a second request, which must never be taken for one. */
#include "http_raw.h"

/* Text that may hold NULs is given with its size. */
#define BYTES(text) "" text, sizeof(text) - 1
#define POST "POST /first HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define SECOND "GET /second HTTP/1.1\r\n" HOST "\r\n"

static const struct {
	const char *why, *text;
	size_t n;
	int status;
} refused[] = {
	{ "length in hex", BYTES(POST "Content-Length: 0x3\r\n\r\nabc"), 400 },
	{ "negative length", BYTES(POST "Content-Length: -1\r\n\r\nabc"), 400 },
	{ "signed length", BYTES(POST "Content-Length: +3\r\n\r\nabc"), 400 },
	{ "empty length", BYTES(POST "Content-Length:\r\n\r\n"), 400 },
	{ "list of lengths", BYTES(POST "Content-Length: 3, 3\r\n\r\nabc"), 400 },
	{ "two numbers", BYTES(POST "Content-Length: 3 4\r\n\r\nabc"), 400 },
	{ "unequal lengths", BYTES(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), 400 },
	{ "length beyond 64 bits", BYTES(POST "Content-Length: 18446744073709551616\r\n\r\na"), 413 },
	{ "length of 64 bits", BYTES(POST "Content-Length: 18446744073709551615\r\n\r\na"), 413 },
	{ "list of codings", BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400 },
	{ "chunked twice", BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), 400 },
	{ "coding with a comma", BYTES(POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"), 400 },
	{ "coding ends with space", BYTES(POST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n"), 400 },
	{ "coding misspelt", BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 400 },
	{ "coding in quotes", BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"), 400 },
	{ "no coding", BYTES(POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"), 400 },
	{ "identity", BYTES(POST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"), 400 },
	{ "vertical tab", BYTES(POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n"), 400 },
	{ "tab before the colon", BYTES(POST "Content-Length\t: 3\r\n\r\nabc"), 400 },
	{ "space begins the first header", BYTES("GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n"), 400 },
	{ "two CRs", BYTES("GET / HTTP/1.1\r\nHost: localhost\r\r\n\r\n"), 400 },
	{ "CR in a name", BYTES("GET / HTTP/1.1\r\n" HOST "A\rB: c\r\n\r\n"), 400 },
	{ "port too large", BYTES("GET / HTTP/1.1\r\nHost: localhost:65536\r\n\r\n"), 400 },
	{ "no slash", BYTES("GET first HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "no path", BYTES("GET ?a=b HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "asterisk", BYTES("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "authority", BYTES("CONNECT localhost:443 HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "fragment", BYTES("GET /first#x HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "another host", BYTES("GET https://evil/first HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "another port", BYTES("GET https://localhost:1/first HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "longer host", BYTES("GET https://localhost.evil/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "user before the host", BYTES("GET https://a@localhost/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "empty host", BYTES("GET https:///first HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "another scheme", BYTES("GET ftp://localhost/first HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "no token for a method", BYTES("G@T / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "two spaces", BYTES("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "version in lower case", BYTES("GET / http/1.1\r\n" HOST "\r\n"), 400 },
	{ "long version", BYTES("GET / HTTP/1.10\r\n" HOST "\r\n"), 400 },
	{ "chunk size in C", BYTES(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "chunk size signed", BYTES(CHUNKED "+3\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "chunk size negative", BYTES(CHUNKED "-3\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "space before a chunk size", BYTES(CHUNKED " 3\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "space after a chunk size", BYTES(CHUNKED "3 \r\nabc\r\n0\r\n\r\n"), 400 },
	{ "junk in a chunk size", BYTES(CHUNKED "3g\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "NUL in a chunk size", BYTES(CHUNKED "3\0\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "no chunk size", BYTES(CHUNKED "\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "extension alone", BYTES(CHUNKED ";a=b\r\nabc\r\n0\r\n\r\n"), 400 },
	{ "chunk longer than it says", BYTES(CHUNKED "3\r\nabcd\r\n0\r\n\r\n"), 400 },
	{ "chunk size beyond 64 bits", BYTES(CHUNKED "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"), 413 },
};

static void what_two_servers_may_read_in_two_ways_is_refused(void **state)
{
	struct bench *b = *state;
	char value[256];

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		auto_raw_reply struct raw_reply r = { 0 };
		auto_buf struct buf text = { 0 };

		buf_add(&text, refused[i].text, refused[i].n);
		buf_adds(&text, SECOND);
		exchange(b, text.p, text.n, &r);
		if (r.status != refused[i].status)
			print_error("%s: status %d\n", refused[i].why, r.status);
		assert_int_equal(r.status, refused[i].status);
		assert_string_equal(raw_header(&r, "Connection", value), "close");
		if (atomic_load(&b->handled) != 0)
			print_error("%s: was handled\n", refused[i].why);
		assert_int_equal(atomic_load(&b->handled), 0);
	}
}

/* libmicrohttpd takes a bare LF in place of CRLF here and drops trailers, and tells nobody. */
static void what_follows_a_chunked_body_is_not_read(void **state)
{
	static const char *const bodies[] = { "3\r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n",
		"3\r\nabc\n0\r\n\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n", "0000000000000000003\r\nabc\r\n0\r\n\r\n",
		"3\r\nabc\r\n0\r\nContent-Length: 5\r\nHost: evil\r\n\r\n" };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		auto_raw_reply struct raw_reply r = { 0 };
		auto_buf struct buf text = { 0 };
		int fd = dial(b);
		char value[256];

		buf_addf(&text, "%s%s%s", CHUNKED, bodies[i], SECOND);
		assert_true(send_bytes(fd, text.p, text.n));
		read_answer(fd, false, &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.p, "POST|/first||127.0.0.1|3|abc");
		assert_string_equal(raw_header(&r, "Connection", value), "close");
		assert_true(at_end(fd));
		assert_int_equal(atomic_load(&b->handled), i + 1);
		(void)close(fd);
	}
}

static void a_whole_url_of_the_host_is_its_path(void **state)
{
	static const struct {
		const char *target, *host, *want;
	} rows[] = {
		{ "https://localhost/a%2Fb?c=d", "localhost", "GET|/a%2Fb|c=d|127.0.0.1|0|" },
		{ "HTTPS://LocalHost:8443/a", "localhost:8443", "GET|/a||127.0.0.1|0|" },
		{ "http://[::1]:80//a", "[::1]:80", "GET|//a||127.0.0.1|0|" },
		{ "http://localhost", "localhost", "GET|/||127.0.0.1|0|" },
		{ "http://localhost?a=https://b/", "localhost", "GET|/|a=https://b/|127.0.0.1|0|" },
		{ "/https://evil/", "localhost", "GET|/https://evil/||127.0.0.1|0|" },
	};
	int fd = dial(*state);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_raw_reply struct raw_reply r = { 0 };
		auto_buf struct buf text = { 0 };

		buf_addf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].target, rows[i].host);
		assert_true(send_bytes(fd, text.p, text.n));
		read_answer(fd, false, &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.p, rows[i].want);
	}
	(void)close(fd);
}

/* `lines` headers besides Host. */
static int status_of_lines(const struct bench *b, int lines)
{
	auto_raw_reply struct raw_reply r = { 0 };
	auto_buf struct buf text = { 0 };

	buf_adds(&text, "GET /many HTTP/1.1\r\n" HOST);
	for (int i = 0; i < lines; i++)
		buf_addf(&text, "X-%d: a\r\n", i);
	buf_adds(&text, "\r\n");
	exchange(b, text.p, text.n, &r);
	return r.status;
}

static void the_number_of_headers_has_a_limit(void **state)
{
	assert_int_equal(status_of_lines(*state, 99), 200);
	assert_int_equal(status_of_lines(*state, 100), 431);
	assert_int_equal(status_of_lines(*state, 1000), 431);
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
		WITH_SERVER(what_two_servers_may_read_in_two_ways_is_refused),
		WITH_SERVER(what_follows_a_chunked_body_is_not_read),
		WITH_SERVER(a_whole_url_of_the_host_is_its_path),
		WITH_SERVER(the_number_of_headers_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
