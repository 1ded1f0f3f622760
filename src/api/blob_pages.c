/* blob_pages.c - which ranges of a page blob hold data, so that clients can skip holes. */
#include <errno.h>

#include "api/blob_api.h"
#include "api/blob_range.h"
#include "base/clock.h"

#define PAGE 512
#define RANGES_MAX 10000	/* beyond it the rest is given as one range */

static void add_range(struct buf *out, int64_t from, int64_t end)
{
	buf_addf(out, "<PageRange><Start>%lld</Start><End>%lld</End></PageRange>", (long long)from,
	    (long long)(end - 1));
}

/* Data of fd in [from, end), in whole pages. */
static int find_data(int fd, int64_t from, int64_t end, struct buf *out, struct err *e)
{
	for (unsigned n = 0; from < end; n++) {
		int64_t data = lseek(fd, from, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return 0;	/* only holes are left */
		if (data < 0)
			return err_sys(e, errno, "finding the data of a page blob");
		if (data >= end)
			return 0;
		hole = n < RANGES_MAX ? lseek(fd, data, SEEK_HOLE) : end;
		if (hole < 0)
			return err_sys(e, errno, "finding the holes of a page blob");
		data -= data % PAGE;
		hole += (PAGE - hole % PAGE) % PAGE;
		if (data < from)
			data = from;
		if (hole > end)
			hole = end;
		add_range(out, data, hole);
		from = hole;
	}
	return 0;
}

static int answer(struct blob_call *b, int fd, const struct blob_props *p, struct err *e)
{
	const char *asked = http_req_header(b->c->http, "x-ms-range");
	int64_t offset = 0, length = p->size;
	auto_buf struct buf out = { 0 };
	char when[TIME_TEXT_MAX];

	if (!p->page)
		return err_http(e, ERR_CONFLICT, 409, "InvalidBlobType",
		    "The blob type is invalid for this operation.");
	if (asked == NULL)
		asked = http_req_header(b->c->http, "Range");
	if (range_parse(asked, p->size, &offset, &length) == RANGE_OUTSIDE)
		return err_http(e, ERR_INVALID, 416, "InvalidRange",
		    "The range specified is invalid for the current size of the resource.");
	buf_adds(&out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>");
	if (find_data(fd, offset, offset + length, &out, e) != 0)
		return -1;
	buf_adds(&out, "</PageList>");
	blob_common_headers(b->c);
	http_res_header(b->c->res, "ETag", p->etag);
	http_res_header(b->c->res, "Last-Modified", time_http(p->modified_us, when));
	http_res_headerf(b->c->res, "x-ms-blob-content-length", "%lld", (long long)p->size);
	return blob_answer_xml(b->c, &out, e);
}

int blob_pages(struct blob_call *b, struct err *e)
{
	struct blob_props p = { 0 };
	auto_close int fd = -1;
	int found = blob_open(b->dir, b->container, b->name, &fd, &p, e), done;

	if (found <= 0)
		return found < 0 ? -1 : blob_no_blob(e);
	done = answer(b, fd, &p, e);
	blob_props_done(&p);
	return done;
}
