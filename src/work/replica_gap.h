/* replica_gap.h - which points a copy lacks, and which it has too many. */
#ifndef WORK_REPLICA_GAP_H
#define WORK_REPLICA_GAP_H

#include "work/replicas.h"

struct gap_point {
	char object[VAULT_NAME_SIZE];
	int64_t time_us;	/* of the recovery point; 0: nobody says */
};

struct gap_list {		/* in order of objects' names */
	struct gap_point *p;	/* owned */
	size_t n, cap;
};

struct replica_gap {
	int64_t points;			/* of the vault */
	struct gap_list missing;	/* in the vault, not in the copy */
	/* In the copy, but neither in the vault nor a row; of an item that has a row only if the vault
	 * has other points of it: all of them at once are more likely lost than deleted. */
	struct gap_list surplus;
	/* A point whose row says that it is in the archive, and which is there, counts as one without a row. */
	bool is_lost;			/* the vault lists no points, but there are rows of some */
};

/* `to` NULL: no copy yet, all points are missing.  *ret must be zeroed. */
must_check int replica_gap(struct world *w, const struct resource *vault, struct vault *from,
    struct vault *to, struct replica_gap *ret, struct err *e);
void replica_gap_done(struct replica_gap *g);
#define auto_gap cleanup_with(replica_gap_done)

/* The time of the oldest of the missing points number `from` up to `to`; 0 if there is none. */
int64_t replica_gap_oldest(const struct replica_gap *g, size_t from, size_t to);

#endif
