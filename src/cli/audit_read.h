/* audit_read.h - reading the audit log of a data directory; see auth/audit.h. */
#ifndef CLI_AUDIT_READ_H
#define CLI_AUDIT_READ_H

#include "base/base.h"
#include "json/json.h"

struct audit_filter {
	int64_t since_us;	/* 0: from the start */
	const char *principal;	/* application or object id, or "cli"; NULL: anyone */
	const char *action;	/* with '*'; NULL: any */
};

/* Every line that the filter lets through, oldest first; `text` is the line without its end.
 * Non-zero from `fn` stops and is returned.  Lines that are no JSON object, as a crash could
 * leave one, are named on stderr and passed over. */
typedef int audit_line_fn(void *arg, const json_t *line, struct str text, struct err *e);
must_check int audit_read(const char *dir, const struct audit_filter *f, audit_line_fn *fn,
    void *arg, struct err *e);

#endif
