/* restore_rehydrate.c - the point of a restore back from the archive into the vault, where it stays
 * as long as the request says.
 *
 * The row says first that the vault is to keep the point, so that nobody takes it out again
 * meanwhile. Nothing is undone: the point may stay, and goes by itself when its time is over. */
#include "vault/copy.h"
#include "work/archive.h"
#include "work/restore.h"

#define TASK "Rehydrate recovery point"

/* As long as asked for from the first run of the step on, which its state remembers. */
static int choose_until(struct restore *r, int64_t *ret, struct err *e)
{
	*ret = jint(r->state, "keepUntilUs", 0);
	if (*ret != 0)
		return 0;
	*ret = clock_now_us(r->world->clock) + jint(r->target, "rehydration.durationUs", 0);
	return jset(r->state, "keepUntilUs", json_integer(*ret), e) != 0 ? -1 : job_save(r->job, e);
}

/* The row as it is now, in a write transaction; `tell` changes it. */
static int change_row(struct restore *r, int64_t until_us, bool is_there, struct err *e)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	if (db_write_begin(r->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, r->point.id, &row, e);
	if (found == 0 || (found > 0 && !archive_has(&row)))
		return err_code(e, ERR_NOT_FOUND, "UserErrorRpNotFound",
		    "recovery point '%s' is not in the archive any more", r->point.id);
	if (found < 0)
		return -1;
	if (archive_keep_until(&row) > until_us)
		until_us = archive_keep_until(&row);
	if (archive_tell_keep(&row, until_us, e) != 0 ||
	    (is_there && archive_tell_rehydrated(&row, e) != 0) ||
	    resource_put(c, &row, clock_now_us(r->world->clock), e) != 0)
		return -1;
	return db_commit(&c, e);
}

static bool tick(void *arg, int64_t done, int64_t total)
{
	struct job *j = arg;

	job_progress(j, done, total);
	return job_cancel_asked(j);
}

static int open_archive(struct restore *r, struct vault **ret, struct err *e)
{
	const char *id = jstr(job_args(r->job), "vaultId", "");
	auto_resource struct resource vault = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	if (db_read_begin(r->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, id, &vault, e);
	db_rollback(&c);
	if (found > 0)
		found = archive_open(r->world, &vault, ret, e);
	if (found < 0)
		return -1;
	return found > 0 ? 0 : err_set(e, ERR_NOT_FOUND, "vault '%s' has no archive any more", id);
}

static int copy_back(struct restore *r, struct err *e)
{
	struct vault_progress progress = { tick, r->job };
	const struct vault_copy_opts opts = { .progress = &progress };
	const char *item = arena_lower(&r->arena, str_c(r->point.parent));
	struct vault_copy_stats stats = { 0 };
	char object[VAULT_NAME_SIZE];
	struct vault *from, *to;

	if (item == NULL)
		return err_nomem(e);
	if (restore_open_vault(r, &to, e) != 0 || open_archive(r, &from, e) != 0 ||
	    vault_point_object(to, item, r->point.name, object, e) != 0 ||
	    vault_copy_point(from, to, object, &opts, &stats, e) < 0)
		return err_in(e, "rehydrating recovery point '%s'", r->point.name);
	return 0;
}

int restore_rehydrate(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };
	int64_t until_us;

	if (restore_init(&r, j, world, e) != 0)
		return -1;
	if (jat(r.target, "rehydration") == NULL)
		return 0;
	if (restore_load_point(&r, e) != 0 || job_task_start(j, TASK, e) != 0 ||
	    choose_until(&r, &until_us, e) != 0 || change_row(&r, until_us, false, e) != 0 ||
	    copy_back(&r, e) != 0 || change_row(&r, until_us, true, e) != 0)
		return -1;
	return job_task_end(j, TASK, NULL, e);
}
