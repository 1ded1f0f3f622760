/* status_doc.h - what `holdfast status` shows, as a document. */
#ifndef CLI_STATUS_DOC_H
#define CLI_STATUS_DOC_H

#include "cli/client.h"

/* {"server":{"url","status","version"},"vaults":[{"id","name","location","items":[{"id","name",
 * "state","policy","lastBackupStatus","lastBackupTime"?,"lastBackupAgeSeconds"?}],"jobs":[{"id",
 * "operation","name","status","percent"?,"startTime"}]}]}: jobs are those that run. */
must_check int status_doc(struct cli_client *c, int64_t now_us, json_t **ret, struct err *e);

#endif
