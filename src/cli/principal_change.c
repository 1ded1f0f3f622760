/* principal_change.c - holdfast principal rotate and remove. */
#include <stdio.h>

#include "cli/env.h"
#include "cli/principal.h"
#include "cli/record.h"
#include "crypto/crypto.h"

/* Is it the administrator of DIR/admin.env, by whose secret other verbs call the server? */
static int is_admin(const struct principal_cmd *c, const struct principal *who, bool *ret,
    struct admin_env *ret_env, struct err *e)
{
	*ret = false;
	if (admin_env_load(c->offline->settings->dir, ret_env, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	*ret = str_ieq(str_c(ret_env->client_id), str_c(who->client_id));
	return 0;
}

static int rotate(struct principal_cmd *c, struct principal *who, struct credentials *list,
    struct buf *secret, struct err *e)
{
	auto_conn struct db_conn *db = NULL;
	struct credential k = { 0 };

	if (db_write_begin(c->offline->world.db, &db, e) != 0 ||
	    principal_find(db, c->args->name, who, e) != 0 ||
	    principal_credential(c, who->client_id, &k, secret, e) != 0 ||
	    credential_add(db, &k, e) != 0 ||
	    credentials_expire(db, who->client_id, k.kind, k.id,
	    c->now_us + c->args->overlap_days * DAY_US, e) != 0 ||
	    credentials_load(db, who->client_id, list, e) != 0)
		return -1;
	return principal_commit(c, &db, "holdfast/principals/credentials/write", who, k.id, e);
}

/* The old secret is good for the overlap, so the file may come after the database. */
static int keep_for_admin(const struct principal_cmd *c, const struct principal *who,
    const struct buf *secret, struct err *e)
{
	auto_admin_env struct admin_env env = { 0 };
	bool is_his = false;

	if (secret->n == 0)
		return 0;
	if (is_admin(c, who, &is_his, &env, e) != 0)
		return -1;
	if (!is_his)
		return 0;
	free(env.client_secret);
	env.client_secret = strdup(secret->p);
	return env.client_secret == NULL ? err_nomem(e) :
	    admin_env_write(c->offline->settings->dir, &env, e);
}

int principal_commit(const struct principal_cmd *c, struct db_conn **db, const char *action,
    const struct principal *who, const char *credential, struct err *e)
{
	const struct world *w = &c->offline->world;
	auto_arena struct arena a = { 0 };
	const char *scope = arena_fmt(&a, "/subscriptions/%s", w->subscription);

	if (scope == NULL)
		return err_nomem(e);
	if (db_commit(db, e) != 0)
		return -1;
	return record_end(c->audit_fd, action, scope, json_pack("{s:s, s:s, s:s*}", "principalId",
	    who->object_id, "name", who->name, "credential", credential), e);
}

int principal_cmd_rotate(struct principal_cmd *c)
{
	auto_credentials struct credentials list = { 0 };
	auto_buf struct buf secret = { 0 };
	struct principal who = { 0 };
	struct err e = { 0 };
	int r = rotate(c, &who, &list, &secret, &e);

	if (r == 0)
		r = principal_print(c, &who, &list, &secret, &e);
	if (r == 0)
		r = keep_for_admin(c, &who, &secret, &e);
	crypto_wipe(secret.p, secret.cap);
	return r != 0 ? cli_fail("principal rotate", &e) : CLI_OK;
}

static int remove_credential(const struct principal_cmd *c, struct db_conn *db,
    const struct principal *who, struct err *e)
{
	int found = credential_delete(db, who->client_id, c->args->credential, e);

	return found != 0 ? found : err_set(e, ERR_NOT_FOUND,
	    "principal '%s' has no credential '%.60s'", who->name, c->args->credential);
}

static int remove_principal(const struct principal_cmd *c, struct db_conn *db,
    const struct principal *who, struct err *e)
{
	auto_admin_env struct admin_env env = { 0 };
	bool is_his = false;

	if (is_admin(c, who, &is_his, &env, e) != 0)
		return -1;
	if (is_his)
		return err_set(e, ERR_INVALID, "'%s' is the administrator of '%s/admin.env', who "
		    "cannot be removed", who->name, c->offline->settings->dir);
	return principal_delete(db, who->client_id, e);
}

int principal_cmd_remove(struct principal_cmd *c)
{
	auto_conn struct db_conn *db = NULL;
	const char *credential = c->args->credential;
	struct principal who;
	struct err e = { 0 };

	if (db_write_begin(c->offline->world.db, &db, &e) != 0 ||
	    principal_find(db, c->args->name, &who, &e) != 0 ||
	    (credential != NULL ? remove_credential(c, db, &who, &e) :
	    remove_principal(c, db, &who, &e)) < 0 || principal_commit(c, &db, credential != NULL ?
	    "holdfast/principals/credentials/delete" : "holdfast/principals/delete", &who, credential,
	    &e) != 0)
		return cli_fail("principal remove", &e);
	return CLI_OK;
}
