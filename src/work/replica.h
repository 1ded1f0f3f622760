/* replica.h - copies of vaults in the paired region: where they lie, and what they say.
 *
 * A vault of region A whose cross-region restore is on is copied into the store of A's pair, under the
 * same directory name: PAIR'S STORE/vaults/ID.  Beside the vault's own objects a copy has
 *   replica      a JSON text in the clear: {"version":1,"region":A,"wrappedKey":hex}.  The vault's key is
 *                wrapped under the pair key (keys/pair.key, the same on both regions' servers) with
 *                the store's ID as label
 *   documents/…    vault_document_put(): the row of the vault under the key "vault", and of each item under its
 *                lower-cased ARM id: {"id","type","location","parent","ref","body"}, body with "internal"
 * so that the second region needs nothing of the first.  All that is shown of a second region is read from
 * its copy, whether or not the first is in the same process. */
#ifndef WORK_REPLICA_H
#define WORK_REPLICA_H

#include "model/resource.h"
#include "vault/copy.h"
#include "work/world.h"

/* The copy of the vault `vault_id` (ARM id, any casing) in `region`, whose store this server must have:
 * 1 and *ret (borrowed; stays open until the world ends), 0 there is none, -1. */
must_check int replica_open(struct world *w, const char *region, const char *vault_id,
    struct vault **ret, struct err *e);

/* The same, in whatever region of this server has one; *ret_region (borrowed from the settings). */
must_check int replica_find(struct world *w, const char *vault_id, const char **ret_region,
    struct vault **ret, struct err *e);

/* Rows as the copy has them, in the form that resource_get() gives; *ret must be zeroed.  1, 0, -1. */
must_check int replica_vault(struct vault *v, struct resource *ret, struct err *e);
must_check int replica_item(struct vault *v, const char *item_id, struct resource *ret,
    struct err *e);
/* `name` is the recovery point's.  The row is made of the point's own sealed document. */
must_check int replica_point(struct vault *v, const char *item_id, const char *name,
    struct resource *ret, struct err *e);

/* In order of ids; `fn` as in resource_list(). */
must_check int replica_items(struct vault *v, resource_fn *fn, void *arg, struct err *e);
/* Newest first. */
must_check int replica_points(struct vault *v, const char *item_id, resource_fn *fn, void *arg,
    struct err *e);

#endif
