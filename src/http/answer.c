/* answer.c - filling in a response; headers of a request.  See server.h. */
#include "http/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static bool clean(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

void http_res_header(struct http_res *r, const char *name, const char *value)
{
	if (name == NULL || value == NULL || !clean(name) || !clean(value)) {
		r->failed = true;
		return;
	}
	buf_add(&r->headers, name, strlen(name) + 1);
	buf_add(&r->headers, value, strlen(value) + 1);
}

void http_res_headerf(struct http_res *r, const char *name, const char *fmt, ...)
{
	auto_free char *value = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0)
		value = NULL;
	http_res_header(r, name, value);
}

const char *http_res_next(const struct http_res *r, const char *at, const char **ret_value)
{
	const char *end = r->headers.p + r->headers.n;

	if (r->headers.n == 0)
		return NULL;
	if (at == NULL)
		at = r->headers.p;
	else
		at = *ret_value + strlen(*ret_value) + 1;
	if (at >= end)
		return NULL;
	*ret_value = at + strlen(at) + 1;
	return at;
}

const char *http_res_find(const struct http_res *r, const char *name)
{
	const char *value = NULL;

	for (const char *at = http_res_next(r, NULL, &value); at != NULL;
	     at = http_res_next(r, at, &value))
		if (strcasecmp(at, name) == 0)
			return value;
	return NULL;
}

void http_res_done(struct http_res *r)
{
	buf_done(&r->headers);
	buf_done(&r->body);
	if (r->has_file && r->file_fd >= 0)
		(void)close(r->file_fd);
	*r = (struct http_res){ .file_fd = -1 };
}

const char *http_req_header(const struct http_req *r, const char *name)
{
	const struct exchange *x = r->impl;

	return x == NULL ? NULL : MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

struct each {
	http_header_fn *fn;
	void *arg;
};

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	struct each *each = cls;

	(void)kind;
	each->fn(each->arg, name, value != NULL ? value : "");
	return MHD_YES;
}

void http_req_each(const struct http_req *r, http_header_fn *fn, void *arg)
{
	const struct exchange *x = r->impl;
	struct each each = { fn, arg };

	if (x != NULL)
		(void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, each_header, &each);
}
