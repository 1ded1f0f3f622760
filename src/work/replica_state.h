/* replica_state.h - how far a copy and the database have come together.
 *
 * Both count the looks that changed the copy: the database in a fact, first, the copy in the document
 * "state", after it.  A copy that has counted further than the database was written by a later state
 * of it: the server was put back to a backup of itself, or this is an old clone of it.  What such a database
 * does not know of is not therefore gone. */
#ifndef WORK_REPLICA_STATE_H
#define WORK_REPLICA_STATE_H

#include "vault/copy.h"
#include "work/world.h"

#define REPLICA_STATE_DOCUMENT "state"

struct replica_state {
	int64_t here, there;	/* counts of the database and of the copy */
};

must_check int replica_state_load(struct world *w, const struct resource *vault, struct vault *copy,
    struct replica_state *ret, struct err *e);

static inline bool replica_state_is_behind(const struct replica_state *s)
{
	return s->there > s->here;
}

/* The copy is about to be changed; and it has been.  `s` is advanced. */
must_check int replica_state_begin(struct world *w, const struct resource *vault,
    struct replica_state *s, struct err *e);
must_check int replica_state_end(struct vault *copy, const struct replica_state *s, struct err *e);

#endif
