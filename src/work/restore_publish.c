/* restore_publish.c - what was restored becomes visible, in one transaction. */
#include "base/clock.h"
#include "work/restore.h"

static const char *task_of(enum restore_type type)
{
	switch (type) {
	case RESTORE_TO_ORIGINAL:
		return "Update the virtual machine";
	case RESTORE_TO_ALTERNATE:
		return "Create the restored virtual machine";
	default:
		return NULL;
	}
}

static int put_disks(struct restore *r, struct db_conn *c, struct err *e)
{
	json_t *disk;
	size_t i;

	if (r->is_unmanaged)
		return 0;	/* blobs are visible as such */
	json_array_foreach(r->disks, i, disk)
		if (restore_put_disk(r, c, disk, NULL, e) != 0)
			return -1;
	return 0;
}

static int publish_in(struct restore *r, struct db_conn *c, struct err *e)
{
	int done = restore_published(r, c, e);

	/* Before a crash; since then the resources may have been changed, which stays. */
	if (done != 0)
		return done < 0 ? -1 : 0;
	switch (r->type) {
	case RESTORE_TO_ORIGINAL:
		return restore_swap(r, c, e);
	case RESTORE_TO_ALTERNATE:
		return restore_new_vm(r, c, e);
	default:
		return put_disks(r, c, e);
	}
}

int restore_publish(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };
	auto_conn struct db_conn *c = NULL;
	const char *task;

	if (restore_init(&r, j, world, e) != 0 || restore_load_point(&r, e) != 0)
		return -1;
	task = task_of(r.type);
	if ((task != NULL && job_task_start(j, task, e) != 0) ||
	    db_write_begin(r.world->db, &c, e) != 0 || publish_in(&r, c, e) != 0 ||
	    db_commit(&c, e) != 0)
		return -1;
	return task != NULL ? job_task_end(j, task, NULL, e) : 0;
}

static int undo_in(struct restore *r, struct db_conn *c, struct err *e)
{
	switch (r->type) {
	case RESTORE_TO_ORIGINAL:
		return restore_swap_undo(r, c, e);
	case RESTORE_TO_ALTERNATE:
		return restore_new_vm_undo(r, c, e);
	default:
		return restore_drop_disks(r, c, e);
	}
}

int restore_publish_undo(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };
	auto_conn struct db_conn *c = NULL;

	if (restore_init(&r, j, world, e) != 0 || db_write_begin(r.world->db, &c, e) != 0 ||
	    undo_in(&r, c, e) != 0)
		return -1;
	return db_commit(&c, e);
}
