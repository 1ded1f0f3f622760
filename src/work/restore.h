/* restore.h - inside src/work: what the steps of a restore share.
 *
 * Everything that is chosen (names, paths, GUIDs) is chosen once, by the first
 * step, and kept in the job's state:
 *   {"stamp","tag","container","part","hex","vmGuid",
 *    "disks":[{"source","lun","name","id"?,"path"?,"size","data","durable","complete",
 *              "sku","osType"?,"tags","zones"?}],
 *    "config":{"name","template"}?}
 * so that a step that runs again after a crash finds what it made before. */
#ifndef WORK_RESTORE_H
#define WORK_RESTORE_H

#include "work/work.h"
#include "work/world.h"

enum restore_type { RESTORE_TO_DISKS, RESTORE_TO_ORIGINAL, RESTORE_TO_ALTERNATE };

struct restore {
	struct job *job;
	struct world *world;
	struct arena arena;
	enum restore_type type;
	bool is_unmanaged;	/* fixed VHD blobs instead of disk resources */
	const json_t *target;	/* args.target; borrowed, like all JSON here */
	json_t *state, *disks;	/* disks: NULL before the first step is through */
	struct resource point;	/* the recovery point's row, after restore_load_point() */
};

must_check int restore_init(struct restore *r, struct job *j, void *world, struct err *e);
void restore_done(struct restore *r);
#define auto_restore cleanup_with(restore_done)

must_check int restore_load_point(struct restore *r, struct err *e);
/* The vault, or the copy of it, that has the point; borrowed from the world. */
must_check int restore_open_vault(struct restore *r, struct vault **ret, struct err *e);
/* Something that was read could not be found: if that is because the point was removed meanwhile, as
 * the vault's own region may do with a copy any time, *e says so. */
void restore_explain(const struct restore *r, struct err *e);
/* The storage account's directory. */
must_check int restore_account_dir(struct restore *r, const char **ret, struct err *e);
/* https URL of a blob of the restore's container; arena's. */
must_check int restore_blob_url(struct restore *r, const char *blob, const char **ret,
    struct err *e);
const char *restore_container(const struct restore *r);
/* The VM's document when the point was taken: {id, name, location, body}. */
const json_t *restore_source_vm(const struct restore *r);
/* Member of `list` (objects with "lun") for a data disk's LUN; NULL if none.  Borrowed. */
json_t *restore_by_lun(const json_t *list, int64_t lun);
/* "ReadWrite" and so on, as the VM had it for that disk. */
const char *restore_caching(const struct restore *r, const json_t *disk);

/* ---- rows (restore_rows.c) ---- */
/* The row of a restored disk, attached to `vm` (NULL: to none).  Fine if it is there already;
 * ERR_CONFLICT if another disk has its name. */
must_check int restore_put_disk(struct restore *r, struct db_conn *c, const json_t *disk,
    const char *vm, struct err *e);
/* Remove the rows of the restored disks.  ERR_CONFLICT if one was attached elsewhere since. */
must_check int restore_drop_disks(struct restore *r, struct db_conn *c, struct err *e);
/* Zones of a restored disk or VM: those asked for ("NoZone": none), else those of the document
 * `source`.  Borrowed; NULL for none. */
json_t *restore_zones(const struct restore *r, const json_t *source);
/* A VM's storageProfile entry for a restored disk; new reference, NULL out of memory. */
json_t *restore_profile_entry(const struct restore *r, const json_t *disk);
/* Attach the disk `id` to `vm`, or to none ("").  A disk that is gone is fine. */
must_check int restore_set_owner(struct db_conn *c, const char *id, const char *vm, int64_t now_us,
    struct err *e);
/* Was the publishing transaction committed before?  1, 0, -1. */
must_check int restore_published(struct restore *r, struct db_conn *c, struct err *e);
/* Does a disk row with the path of `disk` exist?  1, 0, -1. */
must_check int restore_disk_in_use(struct db_conn *c, const json_t *disk, struct err *e);

/* ---- the steps ---- */
int restore_prepare(struct job *j, void *world, struct err *e);
int restore_rehydrate(struct job *j, void *world, struct err *e);
int restore_point_first(struct job *j, void *world, struct err *e);
int restore_point_first_undo(struct job *j, void *world, struct err *e);
int restore_transfer(struct job *j, void *world, struct err *e);
int restore_transfer_undo(struct job *j, void *world, struct err *e);
int restore_config(struct job *j, void *world, struct err *e);
int restore_config_undo(struct job *j, void *world, struct err *e);
int restore_publish(struct job *j, void *world, struct err *e);
int restore_publish_undo(struct job *j, void *world, struct err *e);

/* Inside one transaction: the new VM of an alternate location (restore_alternate.c), the
 * exchanged disks of the original one (restore_original.c). */
must_check int restore_new_vm(struct restore *r, struct db_conn *c, struct err *e);
must_check int restore_new_vm_undo(struct restore *r, struct db_conn *c, struct err *e);
must_check int restore_swap(struct restore *r, struct db_conn *c, struct err *e);
must_check int restore_swap_undo(struct restore *r, struct db_conn *c, struct err *e);
/* Forget how the VM was before, once the restore has gone well. */
must_check int restore_swap_settle(struct restore *r, struct db_conn *c, struct err *e);

#endif
