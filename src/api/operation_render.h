/* operation_render.h - an asynchronous operation as clients poll it. */
#ifndef API_OPERATION_RENDER_H
#define API_OPERATION_RENDER_H

#include "api/api.h"
#include "job/operation.h"

/* The operation `id` of the call's vault; an error names both.  A cancellation is as far as the
 * job it cancels: its status is filled in from there. */
must_check int operation_find(struct api_call *c, struct db_conn *conn, const char *id,
    struct operation *ret, struct err *e);

/* {"id","name","status","startTime","endTime"[,"properties"][,"error"]}; NULL out of memory. */
json_t *operation_json(const struct operation *o);

/* Answer the status URL of `id`, whatever the path says around it. */
must_check int operation_answer_status(struct api_call *c, const char *id, struct err *e);

/* 202 while it runs, with `path` (the URL asked) as Location; the error of one that failed. 1 if it
 * was answered, 0 if it succeeded and the caller answers. */
must_check int operation_answer_unfinished(struct api_call *c, const struct operation *o,
    const char *path, bool with_body, struct err *e);

#endif
