/* sharedkey.c - see sharedkey.h. */
#include "auth/sharedkey.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "crypto/crypto.h"

#define SKEW_US (INT64_C(15) * 60 * 1000000)
#define X_MS_MAX 64	/* x-ms- headers of one request */

/* One line of a canonical list: lower-cased name, value. */
struct line {
	const char *name, *value;
};

struct lines {
	struct arena *arena;
	struct line line[X_MS_MAX];
	size_t count;
	bool failed;
};

static int refuse(struct err *e, const char *why)
{
	return err_http(e, ERR_DENIED, 403, "AuthenticationFailed",
	    "Server failed to authenticate the request. Make sure the value of Authorization "
	    "header is "
	    "formed correctly including the signature. %s",
	    why);
}

static int by_name_and_value(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : strcmp(x->value, y->value);
}

static void add_line(struct lines *l, const char *name, const char *value)
{
	if (l->count == X_MS_MAX) {
		l->failed = true;
		return;
	}
	name = arena_lower(l->arena, str_c(name));
	if (name == NULL || value == NULL) {
		l->failed = true;
		return;
	}
	l->line[l->count++] = (struct line){ name, value };
}

static struct str trimmed(const char *z)
{
	struct str s = str_c(z);

	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static void take_x_ms(void *arg, const char *name, const char *value)
{
	struct lines *l = arg;

	if (str_istarts(str_c(name), STR("x-ms-")))
		add_line(l, name, arena_str(l->arena, trimmed(value)));
}

/* "name:value" lines in order; values of one name are joined by commas. */
static void add_lines(struct buf *b, struct lines *l, const char *before, const char *after)
{
	qsort(l->line, l->count, sizeof(l->line[0]), by_name_and_value);
	for (size_t i = 0; i < l->count; i++) {
		bool again = i > 0 && strcmp(l->line[i].name, l->line[i - 1].name) == 0;

		if (again)
			buf_addf(b, ",%s", l->line[i].value);
		else
			buf_addf(b, "%s%s:%s", before, l->line[i].name, l->line[i].value);
		if (i + 1 == l->count || strcmp(l->line[i].name, l->line[i + 1].name) != 0)
			buf_adds(b, after);
	}
}

static const char *content_length(const struct http_req *req)
{
	const char *n = http_req_header(req, "Content-Length");
	const char *version = http_req_header(req, "x-ms-version");

	if (n == NULL)
		return "";
	/* since 2015-02-21 a length of nothing is an empty line */
	if (version != NULL && strcmp(version, "2015-02-21") >= 0 && strcmp(n, "0") == 0)
		return "";
	return n;
}

static void add_standard(struct buf *b, const struct http_req *req)
{
	static const char *const names[] = { "Content-Encoding", "Content-Language",
		"Content-Length", "Content-MD5", "Content-Type", "Date", "If-Modified-Since",
		"If-Match", "If-None-Match", "If-Unmodified-Since", "Range" };

	buf_addf(b, "%s\n", req->method);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = http_req_header(req, names[i]);

		if (strcmp(names[i], "Content-Length") == 0)
			v = content_length(req);
		else if (strcmp(names[i], "Date") == 0 && http_req_header(req, "x-ms-date") != NULL)
			v = "";
		buf_addf(b, "%s\n", v != NULL ? v : "");
	}
}

/* Everything before the canonical resource's path, and everything after it. */
static int text_around_path(const struct http_req *req, const struct arm_query *query,
    struct arena *a, struct buf *before, struct buf *after, struct err *e)
{
	struct lines headers = { .arena = a }, params = { .arena = a };

	http_req_each(req, take_x_ms, &headers);
	for (unsigned i = 0; i < query->count; i++)
		add_line(&params, query->pair[i].key, query->pair[i].value);
	if (headers.failed || params.failed)
		return refuse(e, "The request has too many x-ms- headers.");
	add_standard(before, req);
	add_lines(before, &headers, "", "\n");
	add_lines(after, &params, "\n", "");
	return buf_ok(before, e) != 0 || buf_ok(after, e) != 0 ? -1 : 0;
}

int sharedkey_sign(const char *key_base64, struct str text, struct buf *ret, struct err *e)
{
	auto_buf struct buf key = { 0 };
	uint8_t mac[SHA256_SIZE];

	if (base64_decode(str_c(key_base64), &key) != 0)
		return err_set(e, ERR_INVALID, "signing a request: the account key is not base64");
	if (hmac_sha256(key.p, key.n, text.p, text.n, mac, e) != 0)
		return -1;
	base64_encode(ret, mac, sizeof(mac));
	return buf_ok(ret, e);
}

/* "SharedKey ACCOUNT:SIGNATURE": false if of another form or for another account. */
static bool split_header(const char *header, const char *account, struct str *ret_signature)
{
	struct str s = str_c(header != NULL ? header : "");
	size_t skip = strlen("SharedKey ") + strlen(account);

	if (!str_istarts(s, STR("SharedKey ")) || s.n <= skip + 1 ||
	    memcmp(s.p + strlen("SharedKey "), account, strlen(account)) != 0 || s.p[skip] != ':')
		return false;
	*ret_signature = (struct str){ s.p + skip + 1, s.n - skip - 1 };
	return true;
}

static int check_date(const struct http_req *req, int64_t now_us, struct err *e)
{
	const char *text = http_req_header(req, "x-ms-date"), *end;
	struct tm tm = { 0 };
	int64_t t_us;

	if (text == NULL)
		text = http_req_header(req, "Date");
	if (text == NULL)
		return refuse(e, "The request has neither an x-ms-date nor a Date header.");
	end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (end == NULL || *end != '\0')
		return refuse(e, "The request's date is not an RFC 1123 date.");
	t_us = (int64_t)timegm(&tm) * 1000000;
	if (t_us < now_us - SKEW_US || t_us > now_us + SKEW_US)
		return refuse(
		    e, "The request's date is more than 15 minutes away from the server's.");
	return 0;
}

/* 1 if the text with this path, signed by one of the keys, gives the signature. */
static int matches(const char *const *keys, size_t key_count, const struct buf *before,
    const char *prefix, struct str path, const struct buf *after, struct str signature,
    struct err *e)
{
	auto_buf struct buf text = { 0 };
	bool match = false;

	buf_add(&text, before->p, before->n);
	buf_adds(&text, prefix);
	buf_add(&text, path.p, path.n);
	buf_add(&text, buf_str(after).p, after->n);
	if (buf_ok(&text, e) != 0)
		return -1;
	for (size_t i = 0; i < key_count; i++) {
		auto_buf struct buf want = { 0 };

		if (sharedkey_sign(keys[i], buf_str(&text), &want, e) != 0)
			return -1;
		match |= want.n == signature.n && crypto_equal(want.p, signature.p, want.n);
	}
	return match;
}

int sharedkey_check(const struct http_req *req, const struct arm_query *query, const char *account,
    const char *const *keys, size_t key_count, int64_t now_us, struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf before = { 0 }, after = { 0 };
	struct str signature;
	const char *prefix;
	int found;

	if (!split_header(http_req_header(req, "Authorization"), account, &signature))
		return refuse(e, "It is not of the form 'SharedKey <account>:<signature>'.");
	if (check_date(req, now_us, e) != 0 ||
	    text_around_path(req, query, &a, &before, &after, e) != 0)
		return -1;
	found = matches(keys, key_count, &before, "", req->path, &after, signature, e);
	if (found == 0) {
		prefix = arena_fmt(&a, "/%s", account);
		if (prefix == NULL)
			return err_nomem(e);
		found = matches(keys, key_count, &before, prefix, req->path, &after, signature, e);
	}
	if (found < 0)
		return -1;
	return found
	    ? 0
	    : refuse(e, "The signature is not that of this request by a key of the account.");
}
