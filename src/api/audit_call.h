/* audit_call.h - calls in the audit log: every one that is no GET, of a caller who is known. */
#ifndef API_AUDIT_CALL_H
#define API_AUDIT_CALL_H

#include "api/api.h"

/* Before the handler: 503 AuditLogUnavailable if the call could not be recorded. */
must_check int audit_call_begin(struct api_call *c, struct err *e);

/* After the answer is known, also of calls that were refused; `why` has kind ERR_NONE if it went
 * well.  What cannot be written goes to the server's log. */
void audit_call_end(struct api_call *c, const struct err *why);

#endif
