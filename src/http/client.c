/* client.c - see client.h. */
#include "http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <strings.h>

#define CONNECT_MS_MAX 10000
#define CALL_MS_MAX 300000
#define BODY_BYTES_MAX ((size_t)64 << 20)
#define HEADER_BYTES_MAX ((size_t)1 << 20)

struct http_client {
	CURL *curl;
	char *ca_path;
	int64_t ms_max;
	size_t bytes_max;	/* of a body */
	char why[CURL_ERROR_SIZE];	/* of the last call that failed; may be "" */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_client_new(const char *ca_path, struct http_client **ret, struct err *e)
{
	struct http_client *c;

	(void)pthread_once(&once, init_library);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_nomem(e);
	c->curl = curl_easy_init();
	c->ca_path = ca_path != NULL ? strdup(ca_path) : NULL;
	http_client_limit(c, CALL_MS_MAX, BODY_BYTES_MAX);
	if (c->curl == NULL || (ca_path != NULL && c->ca_path == NULL)) {
		http_client_free(c);
		return err_nomem(e);
	}
	*ret = c;
	return 0;
}

void http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->curl);
	free(c->ca_path);
	free(c);
}

void http_client_limit(struct http_client *c, int64_t ms_max, size_t bytes_max)
{
	c->ms_max = ms_max;
	c->bytes_max = bytes_max;
}

void http_reply_done(struct http_reply *r)
{
	buf_done(&r->body);
	buf_done(&r->headers);
}

/* What an answer goes into while it comes. */
struct sink {
	struct http_reply *reply;
	size_t bytes_max;
};

static size_t add(struct buf *b, const char *p, size_t n, size_t bytes_max)
{
	if (n > bytes_max - b->n)
		return 0;
	buf_add(b, p, n);
	return b->failed ? 0 : n;
}

static size_t add_body(char *p, size_t size, size_t n, void *arg)
{
	struct sink *s = arg;

	return add(&s->reply->body, p, size * n, s->bytes_max);
}

/* A new status line (after 100 Continue) starts the block anew. */
static size_t add_header(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = &((struct sink *)arg)->reply->headers;

	if (size * n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		buf_clear(b);
	return add(b, p, size * n, HEADER_BYTES_MAX);
}

bool http_reply_header(const struct http_reply *r, const char *name, char *out, size_t out_n)
{
	size_t name_n = strlen(name);
	const char *line = r->headers.p;

	while (line != NULL && *line != '\0') {
		const char *end = strchr(line, '\n');

		if (strncasecmp(line, name, name_n) == 0 && line[name_n] == ':') {
			const char *v = line + name_n + 1;
			size_t n;

			v += strspn(v, " \t");
			n = strcspn(v, "\r\n");
			if (n >= out_n)
				return false;
			memcpy(out, v, n);
			out[n] = '\0';
			return true;
		}
		line = end != NULL ? end + 1 : NULL;
	}
	return false;
}

static CURLcode set_up(struct http_client *c, const char *method, const char *url,
    struct curl_slist *headers, struct str body, struct sink *sink)
{
	CURL *h = c->curl;
	long connect_ms = (long)(c->ms_max < CONNECT_MS_MAX ? c->ms_max : CONNECT_MS_MAX);
	bool heads = strcmp(method, "HEAD") == 0;
	bool sends = body.n > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;

	c->why[0] = '\0';
	curl_easy_reset(h);
	if (curl_easy_setopt(h, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https") != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->why) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_NOBODY, heads ? 1L : 0L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)c->ms_max) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, add_body) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, sink) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, add_header) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_HEADERDATA, sink) != CURLE_OK)
		return CURLE_OUT_OF_MEMORY;
	if (c->ca_path != NULL && curl_easy_setopt(h, CURLOPT_CAINFO, c->ca_path) != CURLE_OK)
		return CURLE_SSL_CACERT_BADFILE;
	if (sends &&
	    (curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_POSTFIELDS, body.n > 0 ? body.p : "") != CURLE_OK))
		return CURLE_OUT_OF_MEMORY;
	return CURLE_OK;
}

int http_client_call(struct http_client *c, const char *method, const char *url,
    const char *const *headers, struct str body, struct http_reply *ret, struct err *e)
{
	struct http_reply r = { 0 };
	struct sink sink = { &r, c->bytes_max };
	struct curl_slist *list = NULL;
	CURLcode rc = CURLE_OK;
	long status = 0;

	for (; headers != NULL && *headers != NULL; headers++) {
		struct curl_slist *grown = curl_slist_append(list, *headers);

		if (grown == NULL) {
			curl_slist_free_all(list);
			return err_nomem(e);
		}
		list = grown;
	}
	rc = set_up(c, method, url, list, body, &sink);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(c->curl);
	if (rc == CURLE_OK)
		rc = curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(list);
	if (rc != CURLE_OK) {
		http_reply_done(&r);
		return err_set(e, ERR_IO, "%s %s: %s", method, url,
		    c->why[0] != '\0' ? c->why : curl_easy_strerror(rc));
	}
	r.status = (int)status;
	*ret = r;
	return 0;
}
