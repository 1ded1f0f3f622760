/* copying.h - a point on its way into another copy of its vault; see copy.h.
 *
 * copy.c walks the point's maps and notes what the other side lacks; copy_send.c sends that.  A map's node
 * that is there says nothing about what is below it: packs travel whole, with nodes that other points
 * need.  Only below the root of a point that the copy has is everything known to be there; so that is
 * what a point is compared with. */
#ifndef VAULT_COPYING_H
#define VAULT_COPYING_H

#include "vault/copy.h"
#include "vault/engine.h"

struct want {			/* a chunk that the other side lacks */
	struct chunk_id id;
	enum record_kind kind;
	struct chunk_place at;	/* where it was seen here */
};

#define WANTS_MAX ((size_t)1 << 20)	/* more is sent in turns, so that memory is bounded */

struct copying {
	struct vault *from, *to;
	const struct vault_copy_opts *opts;
	struct vault_copy_stats *stats;		/* guarded by mu while threads run */
	struct vault_session *session;		/* of `to`: pins what is found and added */
	struct want *wants;			/* owned */
	size_t want_count, want_cap;
	pthread_mutex_t mu;			/* a leaf */
	int64_t sent, total;			/* bytes, for the progress; guarded by mu */
	int64_t due_us;				/* when the next bytes may go; guarded by mu */
	bool is_cancelled;			/* guarded by mu */
};

/* Send all that is wanted, whole packs or single chunks, and forget it.  Everything is in the other
 * side's index then and pinned by the session; it is durable after putter_finish(). */
must_check int copy_send(struct copying *c, struct err *e);

/* Wait until `bytes` may be sent.  ERR_CANCELLED. */
must_check int copy_pace(struct copying *c, int64_t bytes, struct err *e);
/* So many were. */
must_check int copy_tick(struct copying *c, int64_t bytes, struct err *e);

#endif
