/* take_point.c - what the parts of taking a point share, and all of them at once. */
#include "work/take_point.h"

void take_init(struct take *t, struct job *j, struct world *w)
{
	*t = (struct take){ .job = j, .world = w };
	t->plan = json_object_get(job_state(j), "point");
	t->is_pre_restore = jbool(t->plan, "isPreRestore", false);
}

void take_done(struct take *t)
{
	arena_done(&t->arena);
}

int64_t take_bytes(const struct job *j)
{
	/* job_state() only lends the state; nothing is changed here. */
	return jint(job_state((struct job *)(uintptr_t)j), "point.read", 0);
}

const char *take_point_id(struct take *t)
{
	return arena_fmt(&t->arena, "%s/recoveryPoints/%s", job_item(t->job),
	    jstr(t->plan, "name", ""));
}

int take_open_vault(struct take *t, struct vault **ret, const char **ret_item, struct err *e)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	const char *item = arena_lower(&t->arena, str_c(job_item(t->job)));
	int found;

	if (item == NULL)
		return err_nomem(e);
	if (db_read_begin(t->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, job_vault(t->job), &row, e);
	db_rollback(&c);
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "vault '%s' does not exist any more",
		    job_vault(t->job));
	if (found < 0 || world_vault(t->world, &row, ret, e) != 0)
		return -1;
	*ret_item = item;
	return 0;
}

int take_point(struct job *j, struct world *w, struct err *e)
{
	/* The name must last before anything is made under it. */
	if (take_snapshot(j, w, true, e) != 0 || job_save(j, e) != 0 || take_transfer(j, w, e) != 0)
		return -1;
	return take_publish(j, w, e);
}

int take_point_undo(struct job *j, struct world *w, struct err *e)
{
	return take_transfer_undo(j, w, e);
}
