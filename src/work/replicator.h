/* replicator.h - the thread that keeps copies in paired regions up to date.
 *
 * It looks after every vault of a region of this server that has cross-region restore on and is
 * GeoRedundant: packs, then points, then documents; points that are gone from the vault and from the
 * database are removed from the copy, which is then collected; what either side noted as damaged is
 * mended from the other.  It wakes when told, and every replication_interval seconds. */
#ifndef WORK_REPLICATOR_H
#define WORK_REPLICATOR_H

#include "work/world.h"

struct replicator;

must_check int replicator_start(struct world *w, struct replicator **ret, struct err *e);
void replicator_stop(struct replicator *r);	/* NULL is fine; ends a transfer within a second */

/* Something changed in the vault (NULL: anywhere): a point came or went, an item's row changed.  Quick, any
 * thread; without a replicator (w->replicator NULL) it does nothing. */
void replicator_wake(struct world *w, const char *vault_id);

/* Where a vault's copy stands. */
struct replication_status {
	char region[48];		/* where the copy is */
	int64_t points, missing;	/* of the vault; of those, not in the copy yet */
	int64_t lag_us;			/* now less the time of the oldest missing point; 0: none missing */
	int64_t last_success_us;	/* what the vault had then is in the copy: when the last look that
					 * went well began; 0: never */
	int64_t bytes_sent;		/* since the server started */
	int64_t failures;		/* since the server started */
	bool is_active;			/* a transfer is under way */
	char last_error[512];		/* "" if the last look went well */
};

/* 1, 0: the vault is not replicated (or not looked at yet), -1. */
must_check int replicator_status(struct world *w, const char *vault_id,
    struct replication_status *ret, struct err *e);

#endif
