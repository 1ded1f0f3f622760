/* inner.c - see inner.h. */
#include "api/inner.h"

#include <errno.h>

#include "base/codec.h"

void inner_done(struct inner *i)
{
	buf_done(&i->body);
}

static void encode_path(struct buf *b, const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		percent_encode(b, (struct str){ path, n });
		path += n;
		if (*path == '/')
			buf_add(b, path++, 1);
	}
}

/* The part of a file that the answer is. */
static int read_file(const struct http_res *res, struct buf *ret, struct err *e)
{
	size_t n = (size_t)res->file_size, done = 0;

	if (res->file_size > INNER_BODY_MAX)
		return err_set(e, ERR_INVALID, "it has %lld bytes, at most %d are read",
		    (long long)res->file_size, INNER_BODY_MAX);
	if (!buf_reserve(ret, n))
		return err_nomem(e);
	while (done < n) {
		char piece[8192];
		size_t want = n - done < sizeof(piece) ? n - done : sizeof(piece);
		ssize_t got = pread(res->file_fd, piece, want, res->file_offset + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "reading a file");
		if (got == 0)
			return err_set(e, ERR_IO, "the file became shorter while it was read");
		buf_add(ret, piece, (size_t)got);
		done += (size_t)got;
	}
	return buf_ok(ret, e);
}

/* What went wrong, of ARM's document or the blob service's header. */
static int read_error(struct api_call *c, const struct http_res *res, struct inner *i,
    struct err *e)
{
	auto_json json_t *body = NULL;
	const char *code = http_res_find(res, "x-ms-error-code");
	struct err ignored;

	(void)(jparse(buf_str(&i->body), &body, &ignored) == 0);
	i->code = arena_dup(&c->arena, jstr(body, "error.code", code != NULL ? code : "Unknown"));
	i->message = arena_dup(&c->arena, jstr(body, "error.message", "it says nothing more"));
	return i->code != NULL && i->message != NULL ? 0 : err_nomem(e);
}

static int take(struct api_call *c, struct http_res *res, struct inner *ret, struct err *e)
{
	ret->status = res->status;
	if (res->failed)
		return err_nomem(e);
	if (res->has_file)
		return read_file(res, &ret->body, e);
	ret->body = res->body;
	res->body = (struct buf){ 0 };
	return inner_ok(ret) ? 0 : read_error(c, res, ret, e);
}

int inner_request(struct api_call *c, const char *method, const char *path, const char *query,
    const json_t *body, struct inner *ret, struct err *e)
{
	auto_buf struct buf encoded = { 0 }, text = { 0 };
	/* A deployment that began is not stopped in the middle by its caller's limits. */
	struct api unlimited = *c->api;
	struct http_req req = *c->http;
	struct http_res res = { 0 };
	int r;

	encode_path(&encoded, path);
	if (buf_ok(&encoded, e) != 0 || (body != NULL && jdump(body, &text, e) != 0))
		return -1;
	req.method = method;
	req.path = buf_str(&encoded);
	req.query = str_c(query);
	req.body = buf_str(&text);
	unlimited.throttle = NULL;
	api_handle(&unlimited, &req, &res);
	r = take(c, &res, ret, e);
	http_res_done(&res);
	return r;
}
