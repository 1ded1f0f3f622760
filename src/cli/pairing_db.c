/* pairing_db.c - taking over the principals of another server.  See pairing.h. */
#include "cli/pairing.h"

/* Role assignments are each server's own: they stay, unless they are of another object id. */
static int put(const struct principal *p, struct db_conn *c, struct err *e)
{
	struct principal old;
	int found = principal_get(c, p->client_id, &old, e);

	if (found > 0)
		found = str_ieq(str_c(old.object_id), str_c(p->object_id)) ?
		    credentials_delete(c, old.client_id, e) :
		    principal_delete(c, old.client_id, e);
	return found < 0 ? -1 : principal_put(c, p, e);
}

int pairing_put_principals(const struct pairing *p, struct db_conn *c, struct err *e)
{
	for (size_t i = 0; i < p->count; i++)
		if (put(&p->principals[i], c, e) != 0)
			return -1;
	for (size_t i = 0; i < p->credential_count; i++) {
		const struct credential *k = &p->credentials[i];

		if (credential_add(c, k, e) == 0)
			continue;
		return e->kind != ERR_CONFLICT ? -1 : err_set(e, ERR_CONFLICT,
		    "credential '%s' of principal '%s': there is one of this id or subject already",
		    k->id, k->client_id);
	}
	return 0;
}
