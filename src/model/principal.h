/* principal.h - service principals; what proves them is in credential.h. */
#ifndef MODEL_PRINCIPAL_H
#define MODEL_PRINCIPAL_H

#include "base/base.h"
#include "db/db.h"

struct principal {
	char client_id[40];	/* GUID, lower case: the application */
	char object_id[40];	/* GUID, lower case: the principal */
	char name[128];
	char role[64];		/* "Owner" */
};

must_check int principal_put(struct db_conn *c, const struct principal *p, struct err *e);
/* And its credentials and role assignments.  1 if it was there, 0, -1. */
must_check int principal_delete(struct db_conn *c, const char *client_id, struct err *e);
/* By client id, any casing.  1, 0, -1. */
must_check int principal_get(struct db_conn *c, const char *client_id, struct principal *ret,
    struct err *e);
/* In order of client ids.  Non-zero from `fn` stops and is returned. */
typedef int principal_fn(void *arg, const struct principal *p, struct err *e);
must_check int principal_list(struct db_conn *c, principal_fn *fn, void *arg, struct err *e);

/* Facts about this installation, set once by `holdfast init`: "tenant", "subscription". */
must_check int fact_put(struct db_conn *c, const char *key, const char *value, struct err *e);
/* 1, 0, -1; *ret is malloc'd. */
must_check int fact_get(struct db_conn *c, const char *key, char **ret, struct err *e);
/* One that is a GUID and must be there, else ERR_CORRUPT. */
must_check int fact_id(struct db_conn *c, const char *key, char ret[40], struct err *e);

#endif
