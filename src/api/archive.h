/* archive.h - the archive tier as requests see it: may a point be moved there? */
#ifndef API_ARCHIVE_H
#define API_ARCHIVE_H

#include "api/api.h"

/* A region without an archive tier says of every point that it is not eligible. */
struct archive_verdict {
	const char *code;	/* the service's; NULL: the point may be moved */
	const char *text;	/* the service's sentence, and why here; the arena's */
};
/* 0; -1 out of memory. */
must_check int archive_judge(struct api_call *c, const struct resource *point,
    struct archive_verdict *ret, struct err *e);

/* recoveryPointMoveReadinessInfo of a point as clients see it; nothing changes where the vault's
 * region has no archive tier. */
must_check int archive_show(struct api_call *c, const struct resource *point, json_t *shown,
    struct err *e);

#endif
