/* blob_api.h - the blob service's reading half, path-style: /account/container/blob.
 * Errors are Azure Storage's XML, so these handlers render them themselves. */
#ifndef API_BLOB_API_H
#define API_BLOB_API_H

#include "api/api.h"
#include "blob/blob.h"

/* One request whose caller has been checked. */
struct blob_call {
	struct api_call *c;
	struct resource account;
	const char *dir;		/* the account's directory */
	const char *container, *name;	/* NULL where the path ends before */
};

/* ---- blob_answer.c ---- */

/* Answer `e` as XML with x-ms-error-code; always 0. */
int blob_answer_error(struct api_call *c, const struct err *e);

/* x-ms-version and the headers that every answer has. */
void blob_common_headers(struct api_call *c);

/* Answer the XML text of `b`; -1 out of memory. */
must_check int blob_answer_xml(struct api_call *c, struct buf *b, struct err *e);

/* Text with XML's special characters replaced, and <tag>text</tag>. */
void blob_xml_text(struct buf *b, const char *text);
void blob_xml_element(struct buf *b, const char *tag, const char *text);

/* Errors by their names in Azure Storage. */
int blob_no_container(struct err *e);
int blob_no_blob(struct err *e);
int blob_bad_parameter(const char *name, const char *value, struct err *e);

/* An ETag for something that has only a time: "0x8D…" without quotes. */
#define BLOB_ETAG_SIZE 24
char *blob_time_etag(int64_t modified_us, char out[BLOB_ETAG_SIZE]);

/* ---- blob_get.c, blob_pages.c, blob_list.c, blob_container.c ---- */
must_check int blob_get(struct blob_call *b, struct err *e);
must_check int blob_pages(struct blob_call *b, struct err *e);
must_check int blob_list_blobs(struct blob_call *b, struct err *e);
must_check int blob_list_containers(struct blob_call *b, struct err *e);
must_check int blob_container_get(struct blob_call *b, struct err *e);

/* 1 with its time, 0 absent, -1. */
must_check int blob_container_find(struct blob_call *b, int64_t *ret_modified_us, struct err *e);

/* The parameter `maxresults` within 1 to 5000, else an error. */
must_check int blob_max_results(struct blob_call *b, unsigned *ret, struct err *e);

/* The start of a list's document, up to and including <MaxResults>. */
void blob_list_head(struct blob_call *b, const char *prefix, const char *marker,
    const char *delimiter, struct buf *out);

#endif
