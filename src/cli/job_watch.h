/* job_watch.h - following one job to its end. */
#ifndef CLI_JOB_WATCH_H
#define CLI_JOB_WATCH_H

#include <stdio.h>

#include "cli/client.h"

/* The id of the vault that has the job, by asking each; malloc'd.  ERR_NOT_FOUND. */
must_check int job_vault_find(struct cli_client *c, const char *job, char **ret, struct err *e);

struct job_place {
	const char *vault;	/* resource id */
	const char *region;	/* of a cross-region restore: where it restores; else NULL */
	const char *job;
};

/* Shows the job's progress on `to` until it is over: a bar that is drawn again if `bar`, else a
 * line for each change.  *ret is its last document.  A server that does not answer for a while,
 * as when it is restarted, is waited for. */
must_check int job_watch(struct cli_client *c, const struct job_place *at, FILE *to, bool bar,
    json_t **ret, struct err *e);

/* Completed, perhaps with warnings? */
bool job_went_well(const json_t *doc);

#endif
