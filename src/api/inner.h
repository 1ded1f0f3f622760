/* inner.h - a request that a handler makes itself, in the name of its own caller.
 *
 * It goes through api_handle() with the headers of the outer one: the same token, rights, checks,
 * handler and log line as if the client had sent it.  The thread must hold no transaction. */
#ifndef API_INNER_H
#define API_INNER_H

#include "api/api.h"

#define INNER_BODY_MAX (4 << 20)

struct inner {
	int status;
	const char *code;	/* of an error; the arena's */
	const char *message;
	struct buf body;
};
void inner_done(struct inner *i);	/* zeroed storage is fine */
#define auto_inner cleanup_with(inner_done)

/* `path` from "/", not encoded; `query` as it goes over the wire.  `body` borrowed, may be NULL.  0
 * whatever the status; -1 if there is no answer to read (out of memory, an answer that is too
 * long). */
must_check int inner_request(struct api_call *c, const char *method, const char *path,
    const char *query, const json_t *body, struct inner *ret, struct err *e);

/* Did it succeed? */
static inline bool inner_ok(const struct inner *i)
{
	return i->status >= 200 && i->status < 300;
}

#endif
