/* resource.h - everything ARM names, as rows: one document per resource.
 *
 * A row's `body` is the resource's document as clients see it, without id,
 * name, type and location ({"properties":{…},"sku":…,"tags":…}), plus a
 * member "internal" that is never shown.  docs/schema.md lists the members
 * per type.  Ids compare without case; the casing given at creation is kept. */
#ifndef MODEL_RESOURCE_H
#define MODEL_RESOURCE_H

#include "base/base.h"
#include "db/db.h"
#include "json/json.h"

/* Canonical type names: use these, never literals. */
#define TYPE_GROUP "Microsoft.Resources/resourceGroups"
#define TYPE_DEPLOYMENT "Microsoft.Resources/deployments"
#define TYPE_DISK "Microsoft.Compute/disks"
#define TYPE_VM "Microsoft.Compute/virtualMachines"
#define TYPE_ACCOUNT "Microsoft.Storage/storageAccounts"
#define TYPE_VNET "Microsoft.Network/virtualNetworks"
#define TYPE_NIC "Microsoft.Network/networkInterfaces"
#define TYPE_NSG "Microsoft.Network/networkSecurityGroups"
#define TYPE_VAULT "Microsoft.RecoveryServices/vaults"
#define TYPE_POLICY "Microsoft.RecoveryServices/vaults/backupPolicies"
#define TYPE_GUARD_PROXY "Microsoft.RecoveryServices/vaults/backupResourceGuardProxies"
#define TYPE_ITEM \
	"Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"
#define TYPE_POINT TYPE_ITEM "/recoveryPoints"

struct resource {
	char *id;		/* "/subscriptions/…", canonical casing */
	char *type;		/* one of TYPE_* */
	char *name;
	char *subscription;
	char *group;		/* resource group's name, "" for none */
	char *location;		/* region, lower case, "" for none */
	char *parent;		/* id of the resource it lives in, "" for none; compared without case */
	char *ref;		/* id of the one resource it belongs to (item: its VM; disk: the VM it
				 * is attached to; nic: its VM), "" for none */
	int64_t sort;		/* order in lists that go newest first: a time in us */
	int64_t version;	/* 1 at creation, +1 per change */
	int64_t created_us, changed_us;
	json_t *body;
};

void resource_done(struct resource *r);	/* zeroed storage is fine */
#define auto_resource cleanup_with(resource_done)

/* Fill a zeroed *ret with copies; `body` is taken over, also on failure.  Subscription, group
 * and name come from the id (which must be in canonical casing). */
must_check int resource_init(struct resource *ret, const char *type, const char *id,
    const char *location, const char *parent, json_t *body, struct err *e);
must_check int resource_set(char **field, const char *value, struct err *e); /* replace a text */

/* 1 found, 0 absent, -1. *ret must be zeroed. `id` in any casing. */
must_check int resource_get(struct db_conn *c, const char *id, struct resource *ret, struct err *e);

/* Insert or replace by id.  Sets version, created_us (kept if it exists) and changed_us.
 * ERR_NOT_FOUND with ParentResourceNotFound if the parent it names is not there (any more). */
must_check int resource_put(struct db_conn *c, struct resource *r, int64_t now_us, struct err *e);

/* 1 removed, 0 was not there, -1. */
must_check int resource_delete(struct db_conn *c, const char *id, struct err *e);

/* The resource and all whose ids continue "<id>/". Number removed, or -1. */
must_check int resource_delete_tree(struct db_conn *c, const char *id, struct err *e);

struct resource_query {		/* NULL: no restriction */
	const char *type, *subscription, *group, *parent, *ref, *location;
	bool newest_first;	/* by sort, then id, descending; else by id */
	int64_t sort_from, sort_to;	/* inclusive; both 0: no restriction */
	const char *after;	/* continuation from resource_cursor(), or NULL */
	unsigned limit;		/* 0: all */
};

/* Non-zero from `fn` stops and is returned.  `fn` may move the resource out (and leave zeros);
 * it must not change resources: collect first, change after. */
typedef int resource_fn(void *arg, struct resource *r, struct err *e);
must_check int resource_list(struct db_conn *c, const struct resource_query *q, resource_fn *fn,
    void *arg, struct err *e);
must_check int resource_count(struct db_conn *c, const struct resource_query *q, int64_t *ret,
    struct err *e);
/* Text from which a list with the same query goes on after `r`; malloc'd, NULL out of memory. */
char *resource_cursor(const struct resource *r);

#endif
