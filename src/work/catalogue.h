/* catalogue.h - the rows about a vault's recovery points, made anew from the vault: it is the truth. */
#ifndef WORK_CATALOGUE_H
#define WORK_CATALOGUE_H

#include "work/world.h"

struct catalogue_stats {
	int64_t points;		/* in the vault and in its archive, each */
	int64_t added, removed;	/* rows */
	int64_t kept;		/* rows of points that only the vault's copy in the paired region has, or that
				 * are in an archive which is not there */
	int64_t homeless;	/* points of items that have no row: no row is made for them */
	int64_t damaged;	/* points that cannot be read */
};

/* The row of a point as its sealed document tells it; *ret must be zeroed. */
must_check int catalogue_point(const json_t *meta, const char *point, const char *location,
    struct resource *ret, struct err *e);

/* No job of the vault may run meanwhile.  What the vault lost and its copy has keeps its row, as
 * without one it would be removed from the copy; but not the point whose object has the name `expired`
 * (NULL: none).  Points in the vault's archive have rows like others; one that is in both is rehydrated.
 * Fails if the copy's store or the archive is out of reach. */
must_check int catalogue_rebuild(struct world *w, const struct resource *vault_row, struct vault *v,
    const char *expired, struct catalogue_stats *ret, struct err *e);

#endif
