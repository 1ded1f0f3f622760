/* vault_put.c - PUT and PATCH of a vault.
 *
 * A new vault is three things: a store, its row, the rows of the policies that
 * every vault owns.  The store is made first and the rows in one transaction
 * after it, so that a crash leaves at most a store that nobody knows. */
#include "api/vault.h"

#include "api/fields.h"
#include "api/policy_preset.h"
#include "api/vault_apply.h"
#include "api/vault_operation.h"
#include "api/vault_render.h"
#include "base/log.h"
#include "work/replicator.h"

static int check_name(const char *name, struct err *e)
{
	if (fields_name_valid(name, 50, "-") && strlen(name) >= 2)
		return 0;
	return err_code(e, ERR_INVALID, "InvalidResourceName",
	    "vault name '%.100s': 2 to 50 letters, digits, '-' and '_' are allowed, the first no "
	    "'-'", name);
}

static int store_rows(struct api_call *c, struct db_conn **conn, struct resource *vault,
    struct vault_operation *op, json_t **ret, struct err *e)
{
	const char *state = strcmp(c->version, "2016-06-01") == 0 ? "Succeeded" : "Provisioning";

	if (resource_put(*conn, vault, c->now_us, e) != 0 ||
	    policy_presets_add(*conn, vault, c->now_us, e) != 0 ||
	    vault_operation_add(c, *conn, vault, op, e) != 0 ||
	    vault_render(*conn, vault, state, ret, e) != 0)
		return -1;
	return db_commit(conn, e);
}

static void remove_store(struct api_call *c, const struct resource *vault)
{
	struct err e = { 0 };

	if (world_vault_remove(c->world, vault, &e) != 0)
		log_event(LOG_WARN, "files-left", "id", vault->id, "error", e.msg, NULL);
}

static int create(struct api_call *c, struct db_conn **conn, const char *id, const char *location,
    struct err *e)
{
	auto_resource struct resource vault = { 0 };
	auto_json json_t *body = NULL;
	struct vault_operation op;

	if (check_name(c->param[2], e) != 0 ||
	    resource_init(&vault, TYPE_VAULT, id, location, api_group_id(c), vault_document_new(),
	    e) != 0 || vault_apply(c, *conn, &vault, true, e) != 0 ||
	    world_vault_create(c->world, location, vault.body, e) != 0)
		return -1;
	if (store_rows(c, conn, &vault, &op, &body, e) != 0) {
		remove_store(c, &vault);
		return -1;
	}
	replicator_wake(c->world, vault.id);
	if (strcmp(c->version, "2016-06-01") != 0 &&
	    api_async_headers(c, op.status_path, NULL, e) != 0)
		return -1;
	return api_json(c, 201, TAKE(body), e);
}

static int update(struct api_call *c, struct db_conn **conn, struct resource *vault,
    const char *location, struct err *e)
{
	auto_json json_t *body = NULL;

	if (fields_same_location(vault, location, e) != 0 ||
	    vault_apply(c, *conn, vault, true, e) != 0 ||
	    resource_put(*conn, vault, c->now_us, e) != 0 ||
	    vault_render(*conn, vault, "Succeeded", &body, e) != 0 || db_commit(conn, e) != 0)
		return -1;
	replicator_wake(c->world, vault->id);
	return api_json(c, 200, TAKE(body), e);
}

int vault_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	const char *id = api_vault_id(c), *location;
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (fields_location(c, &location, e) != 0 || db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &vault, e);
	if (found < 0 || vault_check_match(c, found > 0 ? &vault : NULL, e) != 0)
		return -1;
	return found > 0 ? update(c, &conn, &vault, location, e) :
	    create(c, &conn, id, location, e);
}

int vault_patch(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	struct vault_operation op;

	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, c->vault.id, &vault, e) != 0 ||
	    vault_check_match(c, &vault, e) != 0 || vault_apply(c, conn, &vault, false, e) != 0 ||
	    resource_put(conn, &vault, c->now_us, e) != 0 ||
	    vault_operation_add(c, conn, &vault, &op, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	replicator_wake(c->world, vault.id);
	return api_accepted(c, op.status_path, op.results_path, e);
}
