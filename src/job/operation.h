/* operation.h - asynchronous operations: what a 202 points at.
 *
 * One row answers under every URL of an operation (operationsStatus,
 * backupOperations, operationResults, …) and stays after completion. */
#ifndef JOB_OPERATION_H
#define JOB_OPERATION_H

#include "base/base.h"
#include "db/db.h"
#include "json/json.h"

/* Status words; clients poll for ever on any other. */
#define OP_IN_PROGRESS "InProgress"
#define OP_SUCCEEDED "Succeeded"
#define OP_FAILED "Failed"
#define OP_CANCELED "Canceled"

struct operation {
	char *id;		/* last segment of its URLs, as given out */
	char *kind;		/* "configure", "backup", "restore", "refresh", "cancel", "export",
				 * "delete", "policy", "vault", … */
	char *vault;		/* vault's ARM id, or "" */
	char *scope;		/* ARM id of what it works on */
	char *status;
	int64_t start_us, end_us;	/* end_us 0 while running */
	char *error_code, *error_message;	/* NULL unless failed */
	char *job_id;		/* NULL if none */
	json_t *result;		/* for result URLs that have a body, or NULL */
};
void operation_done(struct operation *o);
#define auto_operation cleanup_with(operation_done)

/* `id` NULL: a new GUID.  The id given is copied to ret_id (64 bytes) when that is not NULL. */
must_check int operation_create(struct db_conn *c, const char *id, const char *kind,
    const char *vault, const char *scope, const char *job_id, int64_t now_us, char *ret_id,
    struct err *e);
/* 1, 0, -1; *ret zeroed. */
must_check int operation_get(struct db_conn *c, const char *id, struct operation *ret,
    struct err *e);
/* `cause` non-NULL gives error code and message; `result` borrowed, may be NULL. */
must_check int operation_finish(struct db_conn *c, const char *id, const char *status,
    const struct err *cause, const json_t *result, int64_t now_us, struct err *e);

#endif
