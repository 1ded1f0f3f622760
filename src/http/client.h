/* client.h - a blocking HTTPS client (libcurl), for the CLI and for the keys of other issuers. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/base.h"
#include "base/buf.h"

struct http_client;

/* `ca_path`: PEM bundle to trust, or NULL for the system's. */
must_check int http_client_new(const char *ca_path, struct http_client **ret, struct err *e);
void http_client_free(struct http_client *c);

/* From now on a call may take so long in all, and its answer's body be so large; without this five
 * minutes and 64 MiB. */
void http_client_limit(struct http_client *c, int64_t ms_max, size_t bytes_max);

struct http_reply {
	int status;
	struct buf body;
	struct buf headers;	/* raw header block of the final answer */
};
void http_reply_done(struct http_reply *r);

/* Header value of a reply, copied into `out`; false if absent or too long. */
bool http_reply_header(const struct http_reply *r, const char *name, char *out, size_t out_n);

/* One request.  `headers` is a NULL-terminated array of "Name: value" lines or
 * NULL.  Any HTTP status is a success here; -1 means no answer came. */
must_check int http_client_call(struct http_client *c, const char *method, const char *url,
    const char *const *headers, struct str body, struct http_reply *ret, struct err *e);

#endif
