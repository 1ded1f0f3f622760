/* replicate.h - inside src/work: one look at a vault and its copy, which brings the copy up to
 * date. */
#ifndef WORK_REPLICATE_H
#define WORK_REPLICATE_H

#include "work/replica_gap.h"

/* Where it stands; told before anything is sent, after each point, and at the end. */
struct replicate_stand {
	int64_t points, missing;
	int64_t oldest_us;	/* time of the oldest missing point; 0: none */
	int64_t bytes;		/* sent in this look */
};

struct replicate {
	struct world *world;
	const struct resource *vault;
	const struct region_settings *to;
	bool is_first;		/* in this process: `replica` is checked too */
	bool must_collect;	/* in and out: the copy has garbage */
	const struct vault_progress *progress;	/* cancels */
	void (*tell)(void *arg, const struct replicate_stand *s);
	void *arg;
};

/* 0: nothing is missing now.  -1: something is, or could not be done; what could be done is. */
must_check int replicate(struct replicate *r, struct err *e);

/* The two ask each other for chunks that they cannot read. */
void replicate_peers(struct vault *a, struct vault *b);

#endif
