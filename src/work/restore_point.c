/* restore_point.c - what is about to be replaced becomes a recovery point first. */
#include "work/restore.h"
#include "work/take_point.h"

int restore_point_first(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };

	if (restore_init(&r, j, world, e) != 0)
		return -1;
	if (r.type != RESTORE_TO_ORIGINAL)
		return 0;
	return take_point(j, world, e) == 0 ? 0 : err_in(e, "taking a recovery point first");
}

int restore_point_first_undo(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };

	if (restore_init(&r, j, world, e) != 0)
		return -1;
	return r.type == RESTORE_TO_ORIGINAL ? take_point_undo(j, world, e) : 0;
}
