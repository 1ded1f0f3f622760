/* job_export.h - a vault's jobs as a file to download.
 *
 * The export is taken when it is asked for and kept with the operation.  Its
 * result names a blobUrl under the vault and a blobSasKey; the two together
 * are the address of a JSON file ({"value":[…]}, as backupJobs answers, whole
 * rows) that needs no bearer token and is good for an hour, as a SAS is. */
#ifndef API_JOB_EXPORT_H
#define API_JOB_EXPORT_H

#include "api/api.h"

api_fn job_export_post, job_export_results, job_export_file;

#endif
