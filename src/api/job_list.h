/* job_list.h - the jobs of a vault that a $filter selects. */
#ifndef API_JOB_LIST_H
#define API_JOB_LIST_H

#include "api/api.h"

/* The query of the call's $filter (keys as backupJobs has them) on the call's vault.  *ret_none:
 * the filter cannot match any job here. */
must_check int job_query_read(struct api_call *c, struct job_query *ret, bool *ret_none,
    struct err *e);

/* Rows from `q->after` on, newest first, at most `max` (0: all); *ret_cursor (arena's) is set when
 * there are more. */
must_check int job_rows(struct api_call *c, const struct job_query *q, size_t max, bool full,
    json_t **ret, const char **ret_cursor, struct err *e);

/* A job of the call's vault; those of cross-region restores are under their region. */
const char *job_arm_id(struct api_call *c, const struct job_row *j);

/* The job that the call names; it must be the vault's. */
must_check int job_find(struct api_call *c, struct db_conn *conn, const char *id,
    struct job_row *ret, struct err *e);

#endif
