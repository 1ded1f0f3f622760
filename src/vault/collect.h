/* collect.h - the parts of a collection: marking and sweeping, strays, compaction. */
#ifndef VAULT_COLLECT_H
#define VAULT_COLLECT_H

#include "vault/engine.h"

struct pack_use {		/* what of a pack is relied on */
	uint32_t live;		/* chunks */
	int64_t live_bytes;	/* of their records */
	bool is_donor;		/* to be rewritten */
};

struct collection {
	struct vault *v;
	const struct vault_collect_opts *opts;
	struct vault_collect_stats *stats;
	struct pack_use *use;	/* [use_count], owned; by number of pack */
	size_t use_count;
	bool merge_small;
};

/* Remove packs that are in the store but that nobody began, notes of damaged chunks that are
 * not there any more, and records about points that are gone. */
must_check int collection_strays(struct collection *c, struct err *e);

/* Move what is live in the donors into new packs and remove the donors. */
must_check int collection_compact(struct collection *c, struct err *e);

must_check int collection_tick(struct collection *c, int64_t done, int64_t total, struct err *e);

#endif
