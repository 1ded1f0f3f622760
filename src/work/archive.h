/* archive.h - the archive tier: a second place of a region's vaults, for points that are rarely
 * read.
 *
 * ARCHIVE/vaults/ID is a vault of the same id and key as the vault STORE/vaults/ID, with packs of
 * its own: it needs nothing of the vault (docs/decisions/0011).  A point is in the one, in the
 * other, or (rehydrated) in both for a while.  Where it is, its row says:
 *   internal.archive  a point without it is in the vault.
 *       keepUntilUs   until when the vault keeps the point too; 0: it need not
 *       isRehydrated  the vault has it
 *       before        recoveryPointTierDetails before the move
 *   properties.recoveryPointTierDetails  the same for clients */
#ifndef WORK_ARCHIVE_H
#define WORK_ARCHIVE_H

#include "work/world.h"

/* Has the region an archive tier? */
bool archive_configured(const struct settings *s, const char *region);

/* The archive of a vault (borrowed; stays open until the world ends): 1 and *ret, 0 the vault
 * has none yet, -1.  An archive directory that is not there fails: it may be on a file system
 * that is not mounted. */
must_check int archive_open(struct world *w, const struct resource *vault, struct vault **ret,
    struct err *e);
/* The same, made if there is none: 0, -1. */
must_check int archive_make(struct world *w, const struct resource *vault, struct vault **ret,
    struct err *e);
/* Remove the archive of a vault that was deleted.  None is fine. */
must_check int archive_remove(struct world *w, const struct resource *vault, struct err *e);

/* ---- rows of points ---- */
/* Does the row say that the point is in the archive? */
bool archive_has(const struct resource *point);
/* That it is in the archive, and in the vault as well? */
bool archive_is_rehydrated(const struct resource *point);
int64_t archive_keep_until(const struct resource *point);	/* 0: the vault need not keep it */

/* Change what the row says.  A rehydrated point stays in the vault until `until_us`. */
must_check int archive_tell_archived(struct resource *point, struct err *e);
must_check int archive_tell_keep(struct resource *point, int64_t until_us, struct err *e);
must_check int archive_tell_rehydrated(struct resource *point, struct err *e);
must_check int archive_tell_vault(struct resource *point, struct err *e);	/* and nowhere else */

/* ---- points ---- */
/* Does the vault, or archive, `v` have the point, whole as far as its object goes?  1, 0, -1. */
must_check int archive_probe(struct vault *v, const struct resource *point, struct err *e);

/* Take rehydrated points whose time is over out of the vault again; those that a running job may
 * need stay until the next time.  Never touches an archive. */
must_check int archive_expire(struct world *w, struct err *e);

/* The thread that does so, at once and every hour. */
struct archive_keeper;
must_check int archive_keeper_start(struct world *w, struct archive_keeper **ret, struct err *e);
void archive_keeper_stop(struct archive_keeper *k);	/* NULL is fine */

#endif
