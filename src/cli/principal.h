/* principal.h - the verbs of holdfast principal: who may call the server, and what proves them. */
#ifndef CLI_PRINCIPAL_H
#define CLI_PRINCIPAL_H

#include "cli/cli.h"
#include "cli/offline.h"
#include "model/credential.h"
#include "model/principal.h"

#define DAY_US (INT64_C(86400) * 1000000)

struct principal_args {
	const char *name;		/* name or client id; NULL where the verb takes none */
	const char *dir, *to, *role, *certificate, *issuer, *subject, *audience, *credential;
	int64_t overlap_days;
	int64_t expires_days;		/* 0: never; -1: not said */
	bool as_json;
};

/* What a verb works with. */
struct principal_cmd {
	const struct principal_args *args;
	struct offline *offline;
	int64_t now_us;
	int audit_fd;			/* of verbs that change something, else -1 */
};

/* Each returns an exit code, and has printed why if it is not CLI_OK. */
int principal_cmd_add(struct principal_cmd *c);
int principal_cmd_list(struct principal_cmd *c);
int principal_cmd_show(struct principal_cmd *c);
int principal_cmd_rotate(struct principal_cmd *c);
int principal_cmd_remove(struct principal_cmd *c);

/* The one that `name` means: a client id, or a name that only one has. */
must_check int principal_find(struct db_conn *db, const char *name, struct principal *ret,
    struct err *e);

/* What the arguments describe: a certificate, a subject of an issuer, else a new secret, which is
 * appended to *ret_secret. */
must_check int principal_credential(const struct principal_cmd *c, const char *client_id,
    struct credential *ret, struct buf *ret_secret, struct err *e);

/* Commit, and record what was done to `who`, with the credential's id (NULL: to all of it). */
must_check int principal_commit(const struct principal_cmd *c, struct db_conn **db,
    const char *action, const struct principal *who, const char *credential, struct err *e);

/* Print the principal; `secret` is shown if it is not empty. */
must_check int principal_print(const struct principal_cmd *c, const struct principal *who,
    const struct credentials *list, const struct buf *secret, struct err *e);

#endif
