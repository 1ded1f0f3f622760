/* audit.h - the log of who changed what: DIR/audit/YYYY-MM.jsonl, only ever appended to.
 *
 * A call that changes something is carried out only if its line can be written: opening makes
 * sure of the room; appending writes the line whole and makes it durable, unless the call failed.
 * Months are UTC's.  Lines of different processes do not mix.  Any thread. */
#ifndef AUTH_AUDIT_H
#define AUTH_AUDIT_H

#include "base/base.h"
#include "json/json.h"

struct audit_entry {	/* texts may be NULL: they are left out */
	int64_t time_us;
	const char *client_id, *object_id;
	const char *method, *action, *scope;
	int status;		/* of the answer; 0 for the command line */
	const char *code;	/* of the error */
	const char *request_id, *client_request_id, *remote;
	const json_t *detail;	/* object: what else should be known of it; no secrets */
};

/* Open the month's file in `dir` for appending, both made if absent, with room for a line of every
 * worker there can be: ERR_NO_SPACE if there is none.  The caller closes *ret_fd. */
must_check int audit_open(const char *dir, int64_t now_us, int *ret_fd, struct err *e);
must_check int audit_append(int fd, const struct audit_entry *entry, struct err *e);

#endif
