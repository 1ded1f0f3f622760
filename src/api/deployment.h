/* deployment.h - Microsoft.Resources/deployments: a template's resources, put one after the other.
 *
 * A deployment runs inside its PUT: each resource is a request of the caller's own (inner.h), so
 * that the right handler judges it with the caller's rights.  The row is written at the end; what
 * was made before a failure stays, as in Azure. */
#ifndef API_DEPLOYMENT_H
#define API_DEPLOYMENT_H

#include "api/api.h"
#include "arm/template.h"

#define DEPLOYMENT_LOOKUPS_MAX 1000	/* each is a request */

struct deployment {
	struct api_call *c;
	const char *id;
	json_t *document, *parameters;	/* owned */
	json_t *group, *subscription, *self; /* what the template's functions answer; owned */
	struct template_scope scope;
	struct template *t;
	unsigned lookups;		/* times that reference() asked for a resource */
	json_t *operations;		/* one document for each resource; owned */
	json_t *made;			/* [{"id"}]; owned */
	json_t *outputs, *error;	/* NULL: none; owned */
	int64_t end_us;
};
void deployment_done(struct deployment *d);	/* zeroed storage is fine */
#define auto_deployment cleanup_with(deployment_done)

const char *deployment_id(struct api_call *c); /* params sub, rg, deployment; NULL out of memory */

/* Read the request, fetch what it links to, open the template and check that each resource can be
 * put here.  Fills the zeroed *ret; nothing is changed. */
must_check int deployment_open(struct api_call *c, struct deployment *ret, struct err *e);

/* `document` or `parameters` of a link {"uri"}: a blob of one of this server's accounts, read with
 * the caller's rights.  `what` names it in errors.  New reference. */
must_check int deployment_fetch(struct api_call *c, const json_t *link, const char *what,
    json_t **ret, struct err *e);

/* Put the resources, then work out the outputs.  0 also if one failed: d->error says which. */
must_check int deployment_run(struct deployment *d, struct err *e);

/* The "properties" that clients see; `state` is the provisioningState. NULL out of memory. */
json_t *deployment_properties(const struct deployment *d, const char *state);

/* deployment_put.c */
must_check int deployment_put(struct api_call *c, struct err *e);
must_check int deployment_validate(struct api_call *c, struct err *e);

#endif
