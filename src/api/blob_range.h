/* blob_range.h - Range and conditional headers (RFC 9110 sections 13 and 14). */
#ifndef API_BLOB_RANGE_H
#define API_BLOB_RANGE_H

#include "base/base.h"

enum range_kind {
	RANGE_NONE,	/* absent, of another unit, malformed or several: the whole */
	RANGE_PART,
	RANGE_OUTSIDE,	/* begins at or after the end: 416 */
};

/* `header` NULL or a Range header's value; offset and length are set for RANGE_PART only. */
enum range_kind range_parse(const char *header, int64_t size, int64_t *ret_offset,
    int64_t *ret_length);

/* Header values, NULL where absent. */
struct conditions {
	const char *if_match, *if_none_match, *if_modified_since, *if_unmodified_since;
};

/* 0: go on; otherwise the status to answer: 304 or 412.  `etag` with its quotes. */
int conditions_check(const struct conditions *k, const char *etag, int64_t modified_us);

#endif
