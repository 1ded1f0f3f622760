/* blob_get.c - a blob or a range of it, its properties and its metadata. */
#include "api/blob_api.h"

#include "api/blob_range.h"
#include "base/clock.h"

static void property_headers(struct blob_call *b, const struct blob_props *p)
{
	struct http_res *res = b->c->res;
	char when[TIME_TEXT_MAX];
	const char *key;
	json_t *value;

	blob_common_headers(b->c);
	http_res_header(res, "ETag", p->etag);
	http_res_header(res, "Last-Modified", time_http(p->modified_us, when));
	http_res_header(res, "Accept-Ranges", "bytes");
	http_res_header(res, "x-ms-blob-type", p->page ? "PageBlob" : "BlockBlob");
	if (p->page)
		http_res_header(res, "x-ms-blob-sequence-number", "0");
	http_res_header(res, "x-ms-creation-time", when);
	http_res_header(res, "x-ms-lease-status", "unlocked");
	http_res_header(res, "x-ms-lease-state", "available");
	http_res_header(res, "x-ms-server-encrypted", "false");	/* files as they are */
	if (p->metadata == NULL)
		return;
	json_object_foreach(p->metadata, key, value)
		if (json_is_string(value))
			http_res_header(res, arena_fmt(&b->c->arena, "x-ms-meta-%s", key),
			    json_string_value(value));
}

static int check_conditions(struct blob_call *b, const struct blob_props *p, struct err *e)
{
	const struct http_req *http = b->c->http;
	struct conditions k = {
		.if_match = http_req_header(http, "If-Match"),
		.if_none_match = http_req_header(http, "If-None-Match"),
		.if_modified_since = http_req_header(http, "If-Modified-Since"),
		.if_unmodified_since = http_req_header(http, "If-Unmodified-Since"),
	};
	int status = conditions_check(&k, p->etag, p->modified_us);

	if (status == 0)
		return 0;
	return err_http(e, ERR_CONFLICT, status, "ConditionNotMet",
	    "The condition specified using HTTP conditional header(s) is not met.");
}

/* The part asked for: 200 with the whole or 206 with some; -1 with InvalidRange. */
static int take_range(struct blob_call *b, const struct blob_props *p, struct err *e)
{
	struct http_res *res = b->c->res;
	const char *asked = http_req_header(b->c->http, "x-ms-range");
	const char *if_range = http_req_header(b->c->http, "If-Range");

	if (asked == NULL)
		asked = http_req_header(b->c->http, "Range");
	if (if_range != NULL && strcmp(if_range, p->etag) != 0)
		asked = NULL;
	res->file_offset = 0;
	res->file_size = p->size;
	switch (range_parse(asked, p->size, &res->file_offset, &res->file_size)) {
	case RANGE_PART:
		http_res_headerf(res, "Content-Range", "bytes %lld-%lld/%lld",
		    (long long)res->file_offset, (long long)(res->file_offset + res->file_size - 1),
		    (long long)p->size);
		return 206;
	case RANGE_OUTSIDE:
		http_res_headerf(res, "Content-Range", "bytes */%lld", (long long)p->size);
		return err_http(e, ERR_INVALID, 416, "InvalidRange",
		    "The range specified is invalid for the current size of the resource.");
	case RANGE_NONE:
		break;
	}
	return 200;
}

static int answer(struct blob_call *b, const struct blob_props *p, int *fd, struct err *e)
{
	bool metadata_only = arm_query_get(&b->c->query, "comp") != NULL;
	bool head = strcmp(b->c->http->method, "HEAD") == 0;
	int status;

	if (check_conditions(b, p, e) != 0) {
		if (e->status == 304) {	/* has the validators but no error document */
			property_headers(b, p);
			return api_empty(b->c, 304);
		}
		return -1;
	}
	if (metadata_only) {
		property_headers(b, p);
		return api_empty(b->c, 200);
	}
	if (head) {	/* ranges are for GET only */
		b->c->res->file_offset = 0;
		b->c->res->file_size = p->size;
		status = 200;
	} else {
		status = take_range(b, p, e);
	}
	if (status < 0)
		return -1;
	property_headers(b, p);
	http_res_header(b->c->res, "Content-Type",
	    p->content_type[0] != '\0' ? p->content_type : "application/octet-stream");
	b->c->res->status = status;
	b->c->res->file_fd = TAKE_FD(*fd);
	b->c->res->has_file = true;
	return 0;
}

int blob_get(struct blob_call *b, struct err *e)
{
	struct blob_props p = { 0 };
	auto_close int fd = -1;
	int64_t ignored;
	int found = blob_open(b->dir, b->container, b->name, &fd, &p, e), done;

	if (found < 0)
		return -1;
	if (found == 0) {
		found = blob_container_find(b, &ignored, e);
		return found < 0 ? -1 : found == 0 ? blob_no_container(e) : blob_no_blob(e);
	}
	done = answer(b, &p, &fd, e);
	blob_props_done(&p);
	return done;
}
