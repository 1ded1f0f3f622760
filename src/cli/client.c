/* client.c - see client.h. */
#include "cli/client.h"

#include <stdio.h>

#include "base/codec.h"
#include "http/client.h"

#define AUDIENCE "https://management.azure.com/.default"
#define PAGES_MAX 1000

struct cli_client {
	struct admin_env env;
	struct http_client *http;
	struct buf bearer;	/* "Authorization: Bearer …", empty before the first call */
};

static void reply_p(struct http_reply *r)
{
	http_reply_done(r);
}
#define auto_reply cleanup_with(reply_p)

int cli_client_open(const char *dir, struct cli_client **ret, struct err *e)
{
	auto_cli_client struct cli_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	if (dir == NULL)
		dir = getenv("HOLDFAST_DIR");
	if (dir != NULL && *dir == '\0')
		dir = NULL;
	if (admin_env_load(dir, &c->env, e) != 0 || http_client_new(c->env.ca, &c->http, e) != 0)
		return -1;
	*ret = TAKE(c);
	return 0;
}

void cli_client_close(struct cli_client *c)
{
	if (c == NULL)
		return;
	http_client_free(c->http);
	admin_env_done(&c->env);
	buf_done(&c->bearer);
	free(c);
}

void cli_client_close_p(struct cli_client **c)
{
	cli_client_close(*c);
}

const char *cli_client_url(const struct cli_client *c)
{
	return c->env.url;
}

const char *cli_client_subscription(const struct cli_client *c)
{
	return c->env.subscription;
}

void cli_encode_path(struct buf *b, const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		percent_encode(b, (struct str){ path, n });
		path += n;
		if (*path == '/') {
			buf_adds(b, "/");
			path++;
		}
	}
}

/* ---- signing in ---- */

static int ask_token(struct cli_client *c, struct http_reply *ret, struct err *e)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
		NULL };
	auto_buf struct buf form = { 0 }, url = { 0 };

	buf_addf(&url, "%s/%s/oauth2/v2.0/token", c->env.url, c->env.tenant);
	buf_adds(&form, "grant_type=client_credentials&scope=" AUDIENCE "&client_id=");
	percent_encode(&form, str_c(c->env.client_id));
	buf_adds(&form, "&client_secret=");
	percent_encode(&form, str_c(c->env.client_secret));
	if (buf_ok(&url, e) != 0 || buf_ok(&form, e) != 0)
		return -1;
	return http_client_call(c->http, "POST", url.p, headers, buf_str(&form), ret, e);
}

static int sign_in(struct cli_client *c, struct err *e)
{
	auto_reply struct http_reply r = { 0 };
	auto_json json_t *answer = NULL;
	const char *token = NULL;

	if (ask_token(c, &r, e) != 0)
		return -1;
	if (jparse(buf_str(&r.body), &answer, e) != 0)
		return err_set(e, ERR_DENIED, "signing in at %s: answered %d without a document",
		    c->env.url, r.status);
	if (r.status != 200)
		return err_set(e, ERR_DENIED, "signing in at %s: %s", c->env.url,
		    jstr(answer, "error_description", "refused"));
	if (jneed_str(answer, "access_token", &token, e) != 0)
		return err_in(e, "signing in at %s", c->env.url);
	buf_clear(&c->bearer);
	buf_addf(&c->bearer, "Authorization: Bearer %s", token);
	return buf_ok(&c->bearer, e);
}

/* ---- calls ---- */

/* A token may run out while a job is watched: one new one is tried. */
static int send_signed(struct cli_client *c, const char *method, const char *url, struct str body,
    struct http_reply *ret, struct err *e)
{
	for (int tries = 0;; tries++) {
		struct http_reply r = { 0 };

		if ((c->bearer.n == 0 || tries > 0) && sign_in(c, e) != 0)
			return -1;
		const char *const headers[] = { c->bearer.p, "Content-Type: application/json",
			NULL };

		if (http_client_call(c->http, method, url, headers, body, &r, e) != 0)
			return -1;
		if (r.status != 401 || tries > 0) {
			*ret = r;
			return 0;
		}
		http_reply_done(&r);
	}
}

/* From the last provider on, without query: an error's text has little room, and the server's words
 * matter more. */
static struct str path_of(const char *url)
{
	const char *host = strstr(url, "://");
	size_t n;

	url = host != NULL ? host + 3 : url;
	url += strcspn(url, "/");
	for (const char *p = url; (p = strstr(p, "/providers/")) != NULL;)
		url = p += strlen("/providers/");
	n = strcspn(url, "?");
	return (struct str){ url, n < 200 ? n : 200 };
}

static int refused(const char *method, const char *url, int status, const json_t *doc,
    struct err *e)
{
	const struct str path = path_of(url);
	enum err_kind kind = status == 404 ? ERR_NOT_FOUND
	    : status == 409		   ? ERR_CONFLICT
	    : status == 401 || status == 403 ? ERR_DENIED
	    : status >= 500		     ? ERR_BUSY
					     : ERR_INVALID;

	return err_http(e, kind, status, NULL, "%s %.*s: %d %s: %s", method, (int)path.n, path.p,
	    status, jstr(doc, "error.code", "no code"), jstr(doc, "error.message", "no message"));
}

static int take_answer(const char *method, const char *url, const struct http_reply *r,
    json_t **ret, struct err *e)
{
	auto_json json_t *doc = NULL;
	struct err unused;

	if (r->body.n == 0)
		doc = json_null();
	else if (jparse(buf_str(&r->body), &doc, r->status < 400 ? e : &unused) != 0 &&
	         r->status < 400)
		return err_in(e, "%s %.200s: the answer is not JSON", method, url);
	if (r->status >= 400)
		return refused(method, url, r->status, doc, e);
	*ret = TAKE(doc);
	return 0;
}

static int call_url(struct cli_client *c, const char *method, const char *url, const json_t *body,
    json_t **ret, struct err *e)
{
	auto_reply struct http_reply r = { 0 };
	auto_buf struct buf text = { 0 };

	if (body != NULL && jdump(body, &text, e) != 0)
		return -1;
	if (send_signed(c, method, url, buf_str(&text), &r, e) != 0)
		return -1;
	return take_answer(method, url, &r, ret, e);
}

static int make_url(const struct cli_client *c, const char *path, const char *version,
    const char *filter, struct buf *ret, struct err *e)
{
	buf_adds(ret, c->env.url);
	cli_encode_path(ret, path);
	buf_addf(ret, "?api-version=%s", version);
	if (filter != NULL) {
		buf_adds(ret, "&$filter=");
		percent_encode(ret, str_c(filter));
	}
	return buf_ok(ret, e);
}

int cli_client_health(struct cli_client *c, json_t **ret, struct err *e)
{
	auto_reply struct http_reply r = { 0 };
	auto_buf struct buf url = { 0 };

	buf_addf(&url, "%s/health", c->env.url);
	if (buf_ok(&url, e) != 0 ||
	    http_client_call(c->http, "GET", url.p, NULL, STR(""), &r, e) != 0)
		return -1;
	return take_answer("GET", url.p, &r, ret, e);
}

int cli_client_call(struct cli_client *c, const char *method, const char *path,
    const char *version, const char *filter, const json_t *body, json_t **ret, struct err *e)
{
	auto_buf struct buf url = { 0 };

	if (make_url(c, path, version, filter, &url, e) != 0)
		return -1;
	return call_url(c, method, url.p, body, ret, e);
}

int cli_client_list(struct cli_client *c, const char *path, const char *version,
    const char *filter, json_t **ret, struct err *e)
{
	auto_json json_t *all = json_array();
	auto_buf struct buf url = { 0 };

	if (all == NULL)
		return err_nomem(e);
	if (make_url(c, path, version, filter, &url, e) != 0)
		return -1;
	for (int pages = 0; url.n > 0; pages++) {
		auto_json json_t *page = NULL;
		json_t *rows = NULL;
		const char *next = "";

		if (pages == PAGES_MAX)
			return err_set(e, ERR_CORRUPT, "GET %s: the list has no end", path);
		if (call_url(c, "GET", url.p, NULL, &page, e) != 0 ||
		    jget_arr(page, "value", &rows, e) < 0 ||
		    jget_str(page, "nextLink", &next, e) < 0)
			return -1;
		if (rows != NULL && json_array_extend(all, rows) != 0)
			return err_nomem(e);
		buf_clear(&url);
		buf_adds(&url, next);
		if (buf_ok(&url, e) != 0)
			return -1;
	}
	*ret = TAKE(all);
	return 0;
}

int cli_client_exists(struct cli_client *c, const char *path, const char *version, struct err *e)
{
	auto_json json_t *unused = NULL;

	if (cli_client_call(c, "GET", path, version, NULL, NULL, &unused, e) == 0)
		return 1;
	return e->kind == ERR_NOT_FOUND ? 0 : -1;
}
