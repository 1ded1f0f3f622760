/* crr.h - cross-region restore: what its calls share.
 *
 * A restore in the paired region takes its data from the vault's copy there.  Its job is no job of
 * the vault or the item in their own region: the texts by which job rows are found are their ARM
 * ids with "/secondary/REGION" behind them. */
#ifndef API_CRR_H
#define API_CRR_H

#include "api/api.h"
#include "auth/point_token.h"

#define CRR_LOCATION "subscriptions/{sub}/providers/Microsoft.RecoveryServices/locations/{location}"

/* The api-version is one of the three, and param[1] a region of this server. */
must_check int crr_begin(struct api_call *c, const char **ret_region, struct err *e);

/* "/subscriptions/S/providers/Microsoft.RecoveryServices/locations/REGION/KIND/NAME"; NULL out of
 * memory. */
const char *crr_path(struct api_call *c, const char *region, const char *kind, const char *name);
/* `id` as jobs in `region` have it; NULL out of memory. */
const char *crr_job_text(struct api_call *c, const char *id, const char *region);

/* BMSUserErrorInvalidInput with the JSON path that is wrong; -1. */
int crr_wrong(struct err *e, const char *path, const char *fmt, ...) printf_like(3, 4);

/* A recovery point in the second region; rows as the copy has them, the vault's is the call's. */
struct crr_point {
	const char *region;
	struct resource item, point;
	/* numbers by which the service knows them; the arena's */
	const char *container_number, *source_number;
};
void crr_point_done(struct crr_point *p);
#define auto_crr_point cleanup_with(crr_point_done)

/* Fill in the numbers. */
must_check int crr_number(struct api_call *c, struct crr_point *p, struct err *e);

/* CrrAccessToken without accessTokenString: what a client gets with the token and sends back with
 * the restore.  Addresses in it are this server's. */
must_check int crr_details(struct api_call *c, const struct crr_point *p, json_t **ret,
    struct err *e);
/* Does what was sent back say the same?  Members may be absent. */
must_check int crr_details_check(struct api_call *c, const struct crr_point *p,
    const json_t *given, struct err *e);

/* crr_token.c, crr_restore.c, crr_jobs.c */
api_fn crr_aad_properties, crr_access_token, crr_restore, crr_job, crr_jobs, crr_operation_status,
    crr_operation_results;

#endif
