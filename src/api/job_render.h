/* job_render.h - a job as clients see it. */
#ifndef API_JOB_RENDER_H
#define API_JOB_RENDER_H

#include "api/api.h"

/* `id` is the ARM id to show.  `full` adds what a GET has and a list's row has not
 * (extendedInfo).  Durations of what still runs are counted up to `now_us`.  NULL out of memory. */
json_t *job_json(const char *id, const struct job_row *j, const char *version, int64_t now_us,
    bool full);

#endif
