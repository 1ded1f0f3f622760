/* pairing_db.c - taking over the principals of another server.  See pairing.h. */
#include "cli/pairing.h"

int pairing_put_principals(const struct pairing *p, struct db_conn *c, struct err *e)
{
	for (size_t i = 0; i < p->count; i++)
		if (principal_delete(c, p->principals[i].client_id, e) < 0 ||
		    principal_put(c, &p->principals[i], e) != 0)
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
