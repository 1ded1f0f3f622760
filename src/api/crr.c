/* crr.c - routes of cross-region restore, and what they share.  See crr.h. */
#include "api/crr.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/secondary.h"

#define POINT "subscriptions/{sub}/resourceGroups/{rg}/providers/" TYPE_VAULT "/{vault}" \
	"/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}" \
	"/recoveryPoints/{rp}"
#define ACTION "Microsoft.RecoveryServices/locations/"

int crr_begin(struct api_call *c, const char **ret_region, struct err *e)
{
	if (secondary_need_version(c, e) != 0)
		return -1;
	return api_location(c, c->param[1], ret_region, e);
}

const char *crr_path(struct api_call *c, const char *region, const char *kind, const char *name)
{
	return arena_fmt(&c->arena,
	    "/subscriptions/%s/providers/Microsoft.RecoveryServices/locations/%s/%s/%s",
	    c->world->subscription, region, kind, name);
}

const char *crr_job_text(struct api_call *c, const char *id, const char *region)
{
	return arena_fmt(&c->arena, "%s/secondary/%s", id, region);
}

int crr_wrong(struct err *e, const char *path, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
	    "Input provided for the call is invalid: %s: %s", path, text);
}

void crr_point_done(struct crr_point *p)
{
	resource_done(&p->item);
	resource_done(&p->point);
}

const struct api_route secondary_routes[] = {
	{ "POST", POINT "/accessToken", crr_access_token,
	    API_RS | API_VAULT | API_SECONDARY | API_BODY_OPTIONAL,
	    TYPE_POINT "/accessToken/action" },
	{ "GET", CRR_LOCATION "/backupAadProperties", crr_aad_properties, API_RS,
	    ACTION "backupAadProperties/read" },
	{ "POST", CRR_LOCATION "/backupCrossRegionRestore", crr_restore, API_RS | API_BODY,
	    ACTION "backupCrossRegionRestore/action" },
	{ "POST", CRR_LOCATION "/backupCrrJob", crr_job, API_RS | API_BODY,
	    ACTION "backupCrrJob/action" },
	{ "POST", CRR_LOCATION "/backupCrrJobs", crr_jobs, API_RS | API_BODY,
	    ACTION "backupCrrJobs/action" },
	{ "GET", CRR_LOCATION "/backupCrrOperationsStatus/{op}", crr_operation_status, API_RS,
	    ACTION "backupCrrOperationsStatus/read" },
	{ "GET", CRR_LOCATION "/backupCrrOperationResults/{op}", crr_operation_results, API_RS,
	    ACTION "backupCrrOperationResults/read" },
	{ NULL },
};
