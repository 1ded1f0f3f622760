/* replicator_state.h - inside src/work: the replicator and the vaults that it looks after. */
#ifndef WORK_REPLICATOR_STATE_H
#define WORK_REPLICATOR_STATE_H

#include "work/replicate.h"
#include "work/replicator.h"

/* A vault that is copied. */
struct target {
	struct target *next;
	char *vault_id;			/* owned; ARM id */
	const struct region_settings *to;
	int64_t due_us;			/* monotonic; when to look next.  Guarded by mu, like all up to
					 * the thread's own */
	bool is_woken;			/* since the last look began */
	bool is_known;			/* `status` says something */
	int64_t oldest_us;		/* time of the oldest missing point; 0: none */
	struct replication_status status;
	/* the thread's own */
	int64_t sent_before;		/* bytes, by looks that are over */
	unsigned failed;		/* looks in a row */
	bool was_seen, must_collect;	/* see struct replicate */
};

struct replicator {
	struct world *world;
	pthread_t thread;
	pthread_mutex_t mu;		/* a leaf */
	pthread_cond_t changed;
	struct target *targets;		/* the thread alone changes the list, under mu */
	bool must_list;			/* guarded by mu, like all below */
	bool stop;
};

/* The thread: which vaults there are now.  What it knows of one that stays is kept. */
must_check int replicator_list(struct replicator *r, struct err *e);
/* Look at the vault, and note what came of it and when to look next. */
void replicator_look(struct replicator *r, struct target *t);
void replicator_free_target(struct target *t);

#endif
