/* copy.h - a second copy of a vault, in another store; the two mend each other.
 *
 * The copy is a vault with the same id and key.  It has packs of its own and is collected and verified
 * by itself; what it lacks of a point is carried over, packs first, then the point's object: whatever
 * stops that, the copy shows no point that cannot be restored from it.  One process writes to it, as
 * with every vault.
 *
 * Beside points a copy has documents: small and sealed, about what the points are of. */
#ifndef VAULT_COPY_H
#define VAULT_COPY_H

#include "vault/vault.h"

/* Make an empty copy of the vault in `to`.  0 also if `to` has a copy of it already; ERR_CONFLICT if it
 * has another vault. */
must_check int vault_copy_begin(struct vault *from, struct object_store *to, struct err *e);

struct vault_copy_opts {
	int64_t bytes_per_s;	/* to send a second at most; 0: no limit */
	const struct vault_progress *progress;	/* bytes sent, of those to send; may be NULL */
};

struct vault_copy_stats {	/* added to */
	int64_t points;
	int64_t packs, chunks;	/* packs sent as they are; chunks sent in packs of their own */
	int64_t bytes;		/* put into the other store */
};

/* Copy the point whose object has this name ("points/…", see vault_point_names()): first the chunks
 * of it that `to` lacks, each read back there, authenticated and hashed, then the point.  1: copied,
 * 0: it was there already, -1.  Interrupted, go on by calling it again: what has arrived is not
 * sent again.  ERR_NOT_FOUND if `from` does not have the point any more; ERR_CORRUPT if what it needs
 * is damaged there. */
must_check int vault_copy_point(struct vault *from, struct vault *to, const char *object,
    const struct vault_copy_opts *opts, struct vault_copy_stats *io_stats, struct err *e);

/* The names of all points' objects, in order of item and name.  The points are not read. */
typedef int vault_name_fn(void *arg, const char *object, struct err *e);
must_check int vault_point_names(struct vault *v, vault_name_fn *fn, void *arg, struct err *e);
#define VAULT_NAME_SIZE 256
/* The name of one. */
must_check int vault_point_object(struct vault *v, const char *item, const char *point,
    char ret[VAULT_NAME_SIZE], struct err *e);
/* vault_point_open() and vault_point_delete() by that name.  Opening fails with ERR_NOT_FOUND, without
 * words, if it is not there; a damaged point is removed too. */
must_check int vault_point_open_object(struct vault *v, const char *object,
    struct vault_point **ret, struct err *e);
must_check int vault_point_delete_object(struct vault *v, const char *object, struct err *e);

/* ---- documents ---- */
/* `key` is any text, unique among the vault's documents; it does not show in the store. */
must_check int vault_document_put(struct vault *v, const char *key, const json_t *doc, struct err *e);
must_check int vault_document_get(struct vault *v, const char *key, json_t **ret, struct err *e); /* 1 0 -1 */
must_check int vault_document_delete(struct vault *v, const char *key, struct err *e); /* absent is fine */
/* Damaged ones are left out. */
typedef int vault_document_fn(void *arg, const char *key, const json_t *doc, struct err *e);
must_check int vault_document_list(struct vault *v, vault_document_fn *fn, void *arg, struct err *e);

/* ---- mending ---- */
/* Where to ask for chunks that cannot be read here; NULL if there is nowhere to ask just now.  The
 * vault that `fn` returns stays open at least as long as `v`.  Any thread. */
typedef struct vault *vault_peer_fn(void *arg);
void vault_set_peer(struct vault *v, vault_peer_fn *fn, void *arg);

struct vault_heal_stats {
	int64_t noted;		/* chunks that cannot be read here, needed or not */
	int64_t healed;		/* of those, stored anew from the other side */
};

/* Store anew, from the peer, what is noted as damaged or missing here.  What the peer cannot read either
 * stays noted; that is no failure.  This process must be the writer, or become it: ERR_BUSY. */
must_check int vault_heal(struct vault *v, struct vault_heal_stats *ret, struct err *e);

/* ---- comparing ---- */
struct vault_compare_stats {
	int64_t points, same;		/* of `a`; with the same maps in `b` */
	int64_t only_a, only_b;		/* points */
	int64_t differing;		/* of the same name, but with other maps */
	int64_t damaged;		/* objects of points that cannot be read */
	int64_t missing_a, missing_b;	/* chunks and map nodes that points need and no pack has */
};
/* As vault_point_fn, for each point that is not the same in both, with the reason in words. */
typedef int vault_compare_fn(void *arg, const char *object, const char *item, const char *point,
    const char *reason, struct err *e);

/* Compare two copies by the hashes in their maps; data is not read.  Missing chunks are noted for
 * vault_heal(). */
must_check int vault_compare(struct vault *a, struct vault *b, const struct vault_progress *progress,
    vault_compare_fn *fn, void *arg, struct vault_compare_stats *ret, struct err *e);

#endif
