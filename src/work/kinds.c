/* kinds.c - every kind of job there is. */
#include "work/work.h"

const struct job_kind *const work_kinds[] = { &backup_kind, &configure_kind, &delete_kind,
	&restore_kind, &move_kind, NULL };
