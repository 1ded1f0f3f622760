/* archive_move.c - the move job: a recovery point out of the vault into its archive.
 *
 * copy      the point into the archive, then all of it read there     taken back
 * publish   one transaction: the row says so; then out of the vault   taken back while the vault has it
 * collect   what only that point needed in the vault
 *
 * At every moment the vault or the archive has the whole point. */
#include "base/failpoint.h"
#include "base/log.h"
#include "vault/copy.h"
#include "work/archive.h"
#include "work/replicator.h"
#include "work/work.h"

#define TASK "Move recovery point to archive"

struct move {
	struct job *job;
	struct world *world;
	struct resource vault, point;	/* rows; the point's may be empty: gone */
	struct vault *v, *archive;
};

static void move_done(struct move *m)
{
	resource_done(&m->vault);
	resource_done(&m->point);
}
#define auto_move cleanup_with(move_done)

static const char *point_id(const struct move *m)
{
	return jstr(job_args(m->job), "pointId", "");
}

static int load_rows(struct move *m, struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	int found;

	if (db_read_begin(m->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, job_vault(m->job), &m->vault, e);
	if (found <= 0)
		return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "vault '%s' does not exist "
		    "any more", job_vault(m->job));
	found = resource_get(c, point_id(m), &m->point, e);
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "UserErrorRpNotFound",
		    "recovery point '%s' does not exist any more", point_id(m));
	return found < 0 ? -1 : 0;
}

static int begin(struct move *m, struct job *j, struct world *w, struct err *e)
{
	m->job = j;
	m->world = w;
	return load_rows(m, e) != 0 || world_vault(w, &m->vault, &m->v, e) != 0 ||
	    archive_make(w, &m->vault, &m->archive, e) != 0 ? -1 : 0;
}

static int object_of(const struct move *m, char ret[VAULT_NAME_SIZE], struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *item = arena_lower(&a, str_c(m->point.parent));

	return item == NULL ? err_nomem(e) :
	    vault_point_object(m->v, item, m->point.name, ret, e);
}

/* ---- copy ---- */
static bool tick(void *arg, int64_t done, int64_t total)
{
	const struct move *m = arg;

	job_progress(m->job, done, total);
	return job_cancel_asked(m->job);
}

/* Everything that the point needs is read from the archive, also what was there before. */
static int verify(struct move *m, const char *object, struct err *e)
{
	auto_point struct vault_point *p = NULL;
	struct vault_progress progress = { tick, m };

	if (vault_point_open_object(m->archive, object, &p, e) != 0 ||
	    vault_verify_point(p, &progress, e) != 0)
		return err_in(e, "reading recovery point '%s' back from the archive",
		    m->point.name);
	return 0;
}

static int copy(struct job *j, void *world, struct err *e)
{
	auto_move struct move m = { 0 };
	struct vault_progress progress = { tick, &m };
	const struct vault_copy_opts opts = { .progress = &progress };
	struct vault_copy_stats stats = { 0 };
	char object[VAULT_NAME_SIZE];

	if (begin(&m, j, world, e) != 0 || job_task_start(j, TASK, e) != 0 ||
	    object_of(&m, object, e) != 0 ||
	    vault_copy_point(m.v, m.archive, object, &opts, &stats, e) < 0)
		return -1;
	return verify(&m, object, e);
}

/* The archive's goes only if the vault has the point, and only then. */
static int copy_undo(struct job *j, void *world, struct err *e)
{
	auto_move struct move m = { 0 };
	char object[VAULT_NAME_SIZE];
	int here;

	if (begin(&m, j, world, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	here = archive_probe(m.v, &m.point, e);
	if (here <= 0 || archive_has(&m.point))
		return here < 0 ? -1 : 0;
	return object_of(&m, object, e) != 0 ? -1 :
	    vault_point_delete_object(m.archive, object, e);
}

/* ---- publish ---- */
static int put_row(struct move *m, int (*tell)(struct resource *, struct err *), struct err *e)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	if (db_write_begin(m->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, point_id(m), &row, e);
	if (found <= 0)
		return found < 0 ? -1 : err_code(e, ERR_NOT_FOUND, "UserErrorRpNotFound",
		    "recovery point '%s' does not exist any more", point_id(m));
	if (tell(&row, e) != 0 || resource_put(c, &row, clock_now_us(m->world->clock), e) != 0)
		return -1;
	return db_commit(&c, e);
}

static int publish(struct job *j, void *world, struct err *e)
{
	auto_move struct move m = { 0 };
	char object[VAULT_NAME_SIZE];
	int there;

	if (begin(&m, j, world, e) != 0 || object_of(&m, object, e) != 0)
		return -1;
	there = archive_probe(m.archive, &m.point, e);
	if (there <= 0)
		return there < 0 ? -1 : err_set(e, ERR_CORRUPT, "the archive has lost recovery "
		    "point '%s'", m.point.id);
	if (put_row(&m, archive_tell_archived, e) != 0 || failpoint("move/listed", e) != 0 ||
	    vault_point_delete_object(m.v, object, e) != 0 || job_task_end(j, TASK, NULL, e) != 0)
		return -1;
	replicator_wake(world, job_vault(j));
	return 0;
}

static int publish_undo(struct job *j, void *world, struct err *e)
{
	auto_move struct move m = { 0 };
	int here;

	if (begin(&m, j, world, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	here = archive_probe(m.v, &m.point, e);
	if (here > 0 && archive_has(&m.point))
		return put_row(&m, archive_tell_vault, e);
	if (here == 0)
		return err_set(e, ERR_CONFLICT, "recovery point '%s' was moved already, and stays "
		    "in the archive", m.point.name);
	return here < 0 ? -1 : 0;
}

/* ---- collect ---- */
/* The point is moved whether this works or not; the next collection takes what this one leaves. */
static int collect(struct job *j, void *world, struct err *e)
{
	auto_move struct move m = { 0 };
	struct vault_collect_stats stats;

	if (begin(&m, j, world, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	if (vault_collect(m.v, NULL, &stats, e) != 0)
		log_event(LOG_WARN, "collect", "job", job_id(j), "vault", job_vault(j), "reason",
		    e->msg, NULL);
	return 0;
}

static const struct job_step steps[] = { { "copy", copy, copy_undo },
	{ "publish", publish, publish_undo }, { "collect", collect, NULL } };

const struct job_kind move_kind = { "move", steps, ARRAY_LEN(steps), NULL };
