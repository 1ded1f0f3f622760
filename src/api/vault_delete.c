/* vault_delete.c - DELETE of a vault: only of an empty one. */
#include "api/vault.h"

#include "api/group.h"
#include "api/item.h"
#include "api/vault_operation.h"
#include "api/vault_render.h"
#include "api/vault_security.h"
#include "base/buf.h"
#include "base/log.h"

#define NAMES_MAX 120	/* bytes of item names that fit an error */

struct contents {
	struct buf names;	/* "vm1, vm2" */
	unsigned items, soft_deleted;
};

static int add_item(void *arg, struct resource *item, struct err *e)
{
	struct contents *x = arg;

	(void)e;
	x->items++;
	if (item_soft_deleted(item))
		x->soft_deleted++;
	if (x->names.n > NAMES_MAX)
		return 0;
	if (x->items > 1)
		buf_adds(&x->names, ", ");
	buf_addf(&x->names, "%.60s", jstr(item->body, "properties.friendlyName", item->name));
	return 0;
}

static int refuse(const struct resource *vault, const struct contents *x, struct err *e)
{
	const char *more = x->names.n > NAMES_MAX ? ", …" : "";

	if (x->soft_deleted == x->items)
		return err_http(e, ERR_CONFLICT, 400, "ServiceResourceNotEmptyWithBackendMessage",
		    "Recovery Services vault cannot be deleted as there are backup items in soft "
		    "deleted state in the vault. The soft deleted items are permanently deleted "
		    "after %lld days of delete operation. The registered items are : %s%s\nPlease "
		    "ensure all containers have been unregistered from the vault and all private "
		    "endpoints associated with the vault have been deleted, and retry operation.",
		    (long long)vault_soft_delete_days(vault), x->names.p, more);
	/* Clients look for "existing resources within the vault". */
	return err_http(e, ERR_CONFLICT, 400, "BMSUserErrorVaultDeletionNotAllowed",
	    "Vault cannot be deleted as there are existing resources within the vault.\r\nThe "
	    "registered items are : %s%s\r\nPlease ensure that protection of all of them is "
	    "stopped and their backup data deleted, then retry.", x->names.p, more);
}

static int check_empty(struct db_conn *conn, const struct resource *vault, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .parent = vault->id };
	struct contents x = { 0 };
	int r = resource_list(conn, &q, add_item, &x, e);

	if (r == 0 && x.items > 0)
		r = x.names.failed ? err_nomem(e) : refuse(vault, &x, e);
	buf_done(&x.names);
	return r;
}

int vault_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	bool accepted = arm_version_at_least(c->version, "2024-02-01");
	struct vault_operation op;
	struct err left = { 0 };
	int found = api_delete_begin(c, api_vault_id(c), &conn, &vault, e);

	if (found <= 0)
		return found;
	if (vault_check_match(c, &vault, e) != 0 || check_empty(conn, &vault, e) != 0 || group_check_jobs(c, conn, vault.id, e) != 0 ||
	    vault_operation_add(c, conn, &vault, &op, e) != 0 ||
	    resource_delete_tree(conn, vault.id, e) < 0 || db_commit(&conn, e) != 0)
		return -1;
	/* The rows first: what a crash leaves then is a store that nobody knows. */
	if (world_vault_remove(c->world, &vault, &left) != 0)
		log_event(LOG_WARN, "files-left", "id", vault.id, "error", left.msg, NULL);
	return accepted ? api_accepted(c, op.status_path, op.results_path, e) : api_empty(c, 200);
}
