/* replicas.h - the copies that this process has open, each once, and making them: for who keeps
 * copies up to date, or looks after them.  Who only reads has replica.h.
 *
 * A copy is closed when the world ends, like the vault that it is of; what replica_open() lends
 * stays safe to use until then, even if the copy is removed meanwhile. */
#ifndef WORK_REPLICAS_H
#define WORK_REPLICAS_H

#include "work/replica.h"

/* Is the vault one that is copied: geo-redundant, with cross-region restore on? */
bool replica_wanted(const struct resource *vault);

struct replicas;		/* the registry; every vault cache has one.  Any thread */

must_check int replicas_new(struct replicas **ret, struct err *e);
void replicas_free(struct replicas *c);	/* NULL is fine */

/* The copy of `vault`, a row of this server, in `to`: 1 and *ret, 0 there is none, -1.  Its key
 * is taken from the row, so the pair key need not fit. */
must_check int replica_of(struct world *w, const struct resource *vault,
    const struct region_settings *to, struct vault **ret, struct err *e);

/* The same, made if there is none; `replica` and the vault's document are written anew where they
 * are not as they should be. */
must_check int replica_make(struct world *w, const struct resource *vault, struct vault *from,
    const struct region_settings *to, struct vault **ret, struct err *e);

/* Write the object `replica` of a copy that is there anew, if it does not give the vault's key. */
must_check int replica_mend_key(struct world *w, const struct resource *vault,
    const struct region_settings *to, struct err *e);

/* Remove the directory of the copy of a vault that was deleted.  None is fine. */
must_check int replica_remove(struct world *w, const struct resource *vault, struct err *e);

/* Look what copies there are in all stores in reach; at most once a second. */
must_check int replicas_scan(struct world *w, struct err *e);

struct replica_info {		/* borrowed for the call, but for `region` and `vault` */
	const struct region_settings *region;
	const char *store;		/* name of its directory */
	const char *vault_id;
	int64_t made_us;		/* when its object `replica` was written */
	struct vault *vault;		/* NULL: it cannot be read, and says not which vault it is of */
	const struct err *why;		/* of that */
};
/* Each copy that is known and there.  `fn` must not call what is in this part of the header.  A
 * non-zero answer ends it and is returned. */
typedef int replica_fn(void *arg, const struct replica_info *x, struct err *e);
must_check int replicas_each(struct world *w, replica_fn *fn, void *arg, struct err *e);

/* Is the copy in that directory open already? */
bool replicas_get(struct world *w, const struct region_settings *r, const char *store,
    struct vault **ret);
/* Put the open copy `v` (taken over, also on failure) into the registry; *ret is the one that is
 * there then, which may be one that was there before. */
must_check int replicas_add(struct world *w, const struct region_settings *r, const char *store,
    struct vault *v, struct vault **ret, struct err *e);

/* ---- a copy's directory (replica_store.c) ---- */
/* STORE/vaults/ID; arena's. */
must_check int replica_dir(const struct region_settings *r, const char *store, struct arena *a,
    const char **ret, struct err *e);
/* Does a copy lie there?  It has its object `replica` once it is whole. */
bool replica_is_there(const struct region_settings *r, const char *store);
int64_t replica_made_us(const struct region_settings *r, const char *store); /* 0: it does not */
/* Open it under its key, or (NULL) the one that the pair key unwraps. */
must_check int replica_load(const struct world *w, const struct region_settings *r,
    const char *store, const uint8_t *key, struct vault **ret, struct err *e);
/* The key of the copy in that directory.  ERR_DENIED if the pair key does not unwrap it. */
must_check int replica_key(const struct world *w, const struct region_settings *r,
    const char *store, uint8_t ret[32], struct err *e);
/* Write the object `replica`, unless it gives this key already. */
must_check int replica_key_save(const struct world *w, struct object_store *s, const char *store,
    const char *region, const uint8_t key[32], struct err *e);

/* ---- documents ---- */
#define REPLICA_VAULT_DOCUMENT "vault"
/* The document of a row; new reference, NULL out of memory. */
json_t *replica_document(const struct resource *row);
/* A row of a document; *ret must be zeroed.  ERR_CORRUPT if it is none. */
must_check int replica_row(const json_t *doc, struct resource *ret, struct err *e);
/* Write the document, unless it says so already, or (only_new) says something. */
must_check int replica_put(struct vault *v, const char *key, const json_t *doc, bool only_new,
    struct err *e);
/* The documents of the vault and its items as their rows are; only_new: those that are not there
 * yet. */
must_check int replica_documents(struct world *w, const struct resource *vault, struct vault *copy,
    bool only_new, struct err *e);
/* Remove documents of items that have neither a row nor points in the copy. */
must_check int replica_prune(struct world *w, const struct resource *vault, struct vault *copy,
    struct err *e);

#endif
