/* judge.c - may this request go on, by its headers alone?  See internal.h. */
#include "http/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#define HEADER_BYTES_MAX (32u * 1024)
#define HEADER_LINES_MAX 100
#define LINE_END_MAX 2	/* CR LF; a bare LF is accepted too */

struct scan {
	const char *next;	/* behind the last byte that is accounted for; NULL: not checked */
	bool gap;		/* bytes between the lines that belong to none */
	bool dirty_name, dirty_value;
	unsigned lines, host, length, encoding;
};

static bool token(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("!#$%&'*+-.^_`|~", *s) == NULL)
			return false;
	return true;
}

static bool plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

/* Does `p` begin the line after the one that ends at `end`? */
static bool follows(const char *end, const char *p, size_t ends_max)
{
	return p > end && (size_t)(p - end) <= ends_max;
}

static enum MHD_Result scan_header(void *cls, enum MHD_ValueKind kind, const char *name,
    size_t name_n, const char *value, size_t value_n)
{
	struct scan *s = cls;

	(void)kind;
	s->lines++;
	if (value == NULL)
		value = "";
	if (strcasecmp(name, "Host") == 0)
		s->host++;
	else if (strcasecmp(name, "Content-Length") == 0)
		s->length++;
	else if (strcasecmp(name, "Transfer-Encoding") == 0)
		s->encoding++;
	s->dirty_name |= !token(name) || strlen(name) != name_n;
	s->dirty_value |= !plain(value) || strlen(value) != value_n;
	if (s->next != NULL) {
		s->gap |= !follows(s->next, name, LINE_END_MAX);
		s->next = value + value_n;
	}
	return MHD_YES;
}

/* Up to 0.9.76 libmicrohttpd takes a NUL for the end of a line's text and drops the rest, and
 * appends folded lines somewhere else.  It parses in place, so both show as bytes of the header
 * block that lie in no line.  Later ones refuse such requests themselves. */
bool judge_needs_layout(void)
{
	unsigned major, minor, patch;

	return sscanf(MHD_get_version(), "%u.%u.%u", &major, &minor, &patch) == 3 && major == 0 &&
	    minor == 9 && patch <= 76;
}

/* The request line, to where the first header's line end is expected; NULL if it has a gap. */
static const char *scan_request_line(const struct exchange *x, const char *url, const char *version)
{
	if (url != x->method + strlen(x->method) + 1 || version != url + strlen(x->uri) + 1)
		return NULL;
	return version + strlen(version);
}

static bool uri_is_plain(const char *uri)
{
	for (; *uri != '\0'; uri++)
		if ((unsigned char)*uri <= ' ' || *uri == 0x7f)
			return false;
	return true;
}

static const struct refusal *judge_block(struct exchange *x, const char *url, const char *version,
    struct scan *s)
{
	static const struct refusal large = { 431, "RequestHeaderFieldsTooLarge",
		"the request's headers are too large" };
	static const struct refusal line = { 400, "BadRequest", "the request line is malformed" };
	static const struct refusal dirty = { 400, "BadRequest",
		"a header is malformed or holds control characters" };
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection,
	    MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	if (info == NULL || info->header_size > HEADER_BYTES_MAX)
		return &large;
	if (!uri_is_plain(x->uri) || !token(x->method))
		return &line;
	if (x->server->check_layout) {
		s->next = scan_request_line(x, url, version);
		if (s->next == NULL)
			return &line;
	}
	(void)MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, scan_header, s);
	if (s->lines > HEADER_LINES_MAX)
		return &large;
	if (s->next != NULL)
		s->gap |= !follows(s->next, x->method + info->header_size, 2 * LINE_END_MAX);
	return s->gap || s->dirty_name || s->dirty_value ? &dirty : NULL;
}

/* A name or address with or without a port (RFC 3986, 3.2.2): answers hold URLs made of it. */
static bool host_is_valid(const char *host)
{
	size_t n;

	if (*host == '[') {
		n = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
		if (n == 1 || host[n++] != ']')
			return false;
	} else {
		for (n = 0; isalnum((unsigned char)host[n]) || (host[n] != '\0' &&
		    strchr("-._~", host[n]) != NULL);)
			n++;
		if (n == 0)
			return false;
	}
	if (host[n] == ':') {
		if (strtoul(host + n + 1, NULL, 10) > UINT16_MAX)
			return false;
		n += 1 + strspn(host + n + 1, "0123456789");
	}
	return host[n + strspn(host + n, " \t")] == '\0';
}

/* RFC 9112 sections 3.2 and 6: whom it is for and where its body ends must be beyond doubt. */
static const struct refusal *judge_framing(struct exchange *x, const char *version,
    const struct scan *s)
{
	static const struct refusal host = { 400, "BadRequest",
		"exactly one Host header is required" };
	static const struct refusal odd_host = { 400, "BadRequest",
		"the Host header is not a name or address with or without a port" };
	static const struct refusal lengths = { 400, "BadRequest",
		"more than one Content-Length or Transfer-Encoding header" };
	static const struct refusal both = { 400, "BadRequest",
		"Content-Length and Transfer-Encoding exclude each other" };
	static const struct refusal unknown = { 400, "BadRequest",
		"no Transfer-Encoding but chunked is supported" };
	static const struct refusal old = { 400, "BadRequest",
		"Transfer-Encoding does not go with HTTP/1.0" };
	bool http_1_0 = strcmp(version, "HTTP/1.0") == 0;
	const char *named = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Host");

	if (s->host > 1 || (s->host == 0 && !http_1_0))
		return &host;
	if (s->host > 0 && (named == NULL || !host_is_valid(named)))
		return &odd_host;
	if (s->length > 1 || s->encoding > 1)
		return &lengths;
	if (s->length > 0 && s->encoding > 0)
		return &both;
	if (s->encoding > 0 && http_1_0)
		return &old;
	if (s->encoding > 0 && strcasecmp(MHD_lookup_connection_value(x->connection,
	    MHD_HEADER_KIND, "Transfer-Encoding"), "chunked") != 0)
		return &unknown;
	x->is_chunked = s->encoding > 0;
	return judge_target(x->uri, named);
}

const struct refusal refusal_too_large = { 413, "RequestEntityTooLarge",
	"the request's body is too large" };

/* A body that is too large is read and thrown away, so that the client, busy sending, gets to see
 * its answer; unless it asked first or the body is absurd. */
static const struct refusal *judge_length(struct exchange *x)
{
	static const struct refusal odd = { 400, "BadRequest", "Content-Length is not a number" };
	const char *length = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
	    "Content-Length");
	unsigned long long n;

	if (length == NULL)
		return NULL;
	if (*length == '\0' || strspn(length, "0123456789") != strlen(length))
		return &odd;
	n = strtoull(length, NULL, 10);
	if (n <= x->server->body_max)
		return NULL;
	x->too_large = true;
	return n > DISCARD_BYTES_MAX || MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
	    "Expect") != NULL ? &refusal_too_large : NULL;
}

const struct refusal *judge(struct exchange *x, const char *url, const char *version)
{
	struct scan s = { 0 };
	const struct refusal *why = judge_block(x, url, version, &s);

	if (why == NULL)
		why = judge_framing(x, version, &s);
	return why != NULL ? why : judge_length(x);
}
