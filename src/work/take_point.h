/* take_point.h - a recovery point of the item's VM as its disks are now.
 *
 * Three parts, each safe to run again after a crash at any point in it:
 *   take_snapshot()   choose: disks, name, time, documents; nothing is made yet
 *   take_transfer()   disk data into the vault; the vault's point object is the commit
 *   take_publish()    one transaction: the point's row, and what the item's row says of it
 * What is chosen is chosen once and kept in the job's state, so that a part that runs again
 * finds what was made before:
 *   "point": {"name","timeUs","expiryTime","isPreRestore","vm","properties","excluded",
 *             "disks":[as in the point's row, with "path","inPlace","allocated","stamp"],
 *             "location","sourceId","read": bytes,"before": what the item's row said}
 *
 * Until published, a point may be taken back; the undo functions find out by themselves how
 * far it got. */
#ifndef WORK_TAKE_POINT_H
#define WORK_TAKE_POINT_H

#include "work/work.h"
#include "work/world.h"

struct take {
	struct job *job;
	struct world *world;
	struct arena arena;
	json_t *plan;		/* the state's "point"; NULL before take_snapshot().  Borrowed */
	bool is_pre_restore;	/* taken by a restore: no tasks, no progress, no "last backup" */
};

/* Reads the job's state; take_done() frees. */
void take_init(struct take *t, struct job *j, struct world *w);
void take_done(struct take *t);
#define auto_take cleanup_with(take_done)

must_check int take_snapshot(struct job *j, struct world *w, bool is_pre_restore, struct err *e);
must_check int take_transfer(struct job *j, struct world *w, struct err *e);
must_check int take_publish(struct job *j, struct world *w, struct err *e);

/* Remove the point from the vault unless it is published. */
must_check int take_transfer_undo(struct job *j, struct world *w, struct err *e);
/* Remove the point's row; the item's row says again what it said before. */
must_check int take_publish_undo(struct job *j, struct world *w, struct err *e);

/* All three parts at once: the point that a restore takes of what it is about to replace. */
must_check int take_point(struct job *j, struct world *w, struct err *e);
/* What take_point() left unfinished; a published point stays, for it is a whole one. */
must_check int take_point_undo(struct job *j, struct world *w, struct err *e);

/* Bytes read from the images. */
int64_t take_bytes(const struct job *j);

/* ---- between the parts ---- */
/* ARM id of the point; arena's, NULL out of memory. */
const char *take_point_id(struct take *t);
/* The vault of the job's item, and the item's text in it. */
must_check int take_open_vault(struct take *t, struct vault **ret, const char **ret_item,
    struct err *e);
/* {"properties","internal"} of the point's row; new reference, NULL out of memory. */
json_t *take_document(const struct take *t);
/* What a GET of the point shows under "properties", of the plan and the item's selection of
 * disks (NULL: all); new reference, NULL out of memory.  `premium` of `attached` disks are. */
json_t *take_properties(const json_t *plan, const json_t *selection, const char *policy_type,
    size_t premium, size_t attached);
/* Members of an item's properties that a backup changes; NULL-terminated. */
extern const char *const take_item_keys[];
/* healthStatus and healthDetails of an item whose VM is there, or is not. */
must_check int take_health(json_t *item_properties, bool is_vm_gone, struct err *e);

#endif
