/* vault_operation.h - operations on a vault itself.
 *
 * Their ids are base64("<the vault's number>;<guid>").  What a vault is asked
 * for is done before the answer, so the rows are finished from the beginning. */
#ifndef API_VAULT_OPERATION_H
#define API_VAULT_OPERATION_H

#include "api/api.h"

struct vault_operation {
	const char *status_path, *results_path;	/* from "/", the arena's */
};

must_check int vault_operation_add(struct api_call *c, struct db_conn *conn,
    const struct resource *vault, struct vault_operation *ret, struct err *e);

api_fn vault_operation_status, vault_operation_results;

#endif
