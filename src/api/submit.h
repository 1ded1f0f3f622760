/* submit.h - the end of a request that starts work: operation row, job row,
 * commit, wake-up, 202 with both tracking URLs. */
#ifndef API_SUBMIT_H
#define API_SUBMIT_H

#include "api/api.h"

struct submission {
	const char *op_kind;	/* operation.kind */
	bool same_id;		/* operation and job share one id */
	bool under_vault;	/* tracked under the vault (backupOperations), not under the item */
	struct job_spec job;	/* ids, names, vault, item and activity are filled in here */
};

/* What a job's row says of its item: friendly name, container, and who asked for it. */
void submit_names(struct api_call *c, const struct resource *item, struct job_spec *ret);

/* `conn` is a write transaction that may hold the caller's changes; it is committed here. */
must_check int submit(struct api_call *c, struct db_conn **conn, const struct resource *item,
    struct submission *s, struct err *e);

#endif
