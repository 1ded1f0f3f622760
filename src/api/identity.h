/* identity.h - who this server is and how clients sign in: tokens, OpenID configuration, cloud
 * metadata.  The authority is one tenant, with or without "/adfs" in front, because some clients
 * accept a private authority only under that name. */
#ifndef API_IDENTITY_H
#define API_IDENTITY_H

#include "api/api.h"

/* True if the route's {tenant}, when it has one, is this installation's or "common" or
 * "organizations". */
bool identity_tenant_ok(const struct api_call *c);

/* {"error","error_description","error_codes":[number],…} as the token endpoint of Microsoft's
 * authority answers; `text` without the "AADSTS<number>: " in front. */
must_check int identity_refuse(struct api_call *c, int status, const char *error, int64_t number,
    const char *text, struct err *e);

/* Handlers. */
int identity_token(struct api_call *c, struct err *e);		/* POST …/oauth2/token */
int identity_configuration(struct api_call *c, struct err *e);	/* openid-configuration */
int identity_keys(struct api_call *c, struct err *e);		/* jwks */
int instance_discovery(struct api_call *c, struct err *e);	/* discovery/instance */
int cloud_metadata(struct api_call *c, struct err *e);		/* metadata/endpoints */

#endif
