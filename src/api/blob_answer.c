/* blob_answer.c - answers of the blob service.  See blob_api.h. */
#include "api/blob_api.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

void blob_xml_text(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			buf_adds(b, "&amp;");
			break;
		case '<':
			buf_adds(b, "&lt;");
			break;
		case '>':
			buf_adds(b, "&gt;");
			break;
		case '"':
			buf_adds(b, "&quot;");
			break;
		default:
			buf_add(b, text, 1);
		}
}

void blob_xml_element(struct buf *b, const char *tag, const char *text)
{
	if (text == NULL || text[0] == '\0') {
		buf_addf(b, "<%s />", tag);
		return;
	}
	buf_addf(b, "<%s>", tag);
	blob_xml_text(b, text);
	buf_addf(b, "</%s>", tag);
}

/* The version that the client speaks; what is answered is the same in all of them. */
void blob_common_headers(struct api_call *c)
{
	const char *asked = http_req_header(c->http, "x-ms-version");
	struct err ignored;

	if (asked == NULL || arm_version_check(asked, ARM_OTHER, NULL, &ignored) != 0)
		asked = "2021-12-02";
	http_res_header(c->res, "x-ms-version", asked);
	http_res_header(c->res, "x-ms-request-id", c->request_id);
}

int blob_answer_xml(struct api_call *c, struct buf *b, struct err *e)
{
	if (buf_ok(b, e) != 0)
		return -1;
	buf_clear(&c->res->body);
	buf_add(&c->res->body, b->p, b->n);
	http_res_header(c->res, "Content-Type", "application/xml");
	c->res->status = 200;
	return buf_ok(&c->res->body, e);
}

/* Storage has one code for what is wrong inside. */
static const char *error_code(const struct err *e, int status)
{
	if (e->code != NULL)
		return e->code;
	return status >= 500 ? "InternalError" : status == 404 ? "ResourceNotFound" :
	    status == 403 ? "AuthorizationFailure" : status == 409 ? "Conflict" : "InvalidInput";
}

int blob_answer_error(struct api_call *c, const struct err *e)
{
	int status = arm_error_status(e);
	const char *code = error_code(e, status);
	auto_buf struct buf b = { 0 };
	char when[TIME_TEXT_MAX];

	if (status >= 500)
		log_event(LOG_ERROR, "blob", "request_id", c->request_id, "error", e->msg, NULL);
	buf_adds(&b, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error>");
	blob_xml_element(&b, "Code", code);
	buf_adds(&b, "<Message>");
	blob_xml_text(&b, e->msg);
	buf_addf(&b, "\nRequestId:%s\nTime:%s</Message></Error>", c->request_id,
	    time_iso(c->now_us, when));
	buf_clear(&c->res->body);
	if (!b.failed)
		buf_add(&c->res->body, b.p, b.n);
	blob_common_headers(c);
	http_res_header(c->res, "x-ms-error-code", code);
	http_res_header(c->res, "Content-Type", "application/xml");
	c->res->status = status;
	return 0;
}

int blob_no_container(struct err *e)
{
	return err_code(e, ERR_NOT_FOUND, "ContainerNotFound",
	    "The specified container does not exist.");
}

int blob_no_blob(struct err *e)
{
	return err_code(e, ERR_NOT_FOUND, "BlobNotFound", "The specified blob does not exist.");
}

int blob_bad_parameter(const char *name, const char *value, struct err *e)
{
	return err_code(e, ERR_INVALID, "InvalidQueryParameterValue",
	    "Value for one of the query parameters specified in the request URI is invalid: %s "
	    "'%.100s'.",
	    name, value);
}

char *blob_time_etag(int64_t modified_us, char out[BLOB_ETAG_SIZE])
{
	(void)snprintf(out, BLOB_ETAG_SIZE, "0x%016llX", (unsigned long long)modified_us);
	return out;
}
