/* delete.c - the delete job: the item's points, in the vault, its archive and as rows, then the
 * item.
 *
 * A point leaves the vault first and its row goes right after, so that whatever stops the job,
 * at most one row is left without a point, and the next run of the job takes that one too.  The
 * vault's storage settings stay locked. */
#include "base/clock.h"
#include "base/log.h"
#include "work/archive.h"
#include "work/replicator.h"
#include "work/take_point.h"

struct rows {
	json_t *names;		/* of points; owned by who made it */
	bool any_archived;
};

static int add_row(void *arg, struct resource *point, struct err *e)
{
	struct rows *r = arg;

	r->any_archived |= archive_has(point);
	return json_array_append_new(r->names, json_string(point->name)) == 0 ? 0 : err_nomem(e);
}

static int rows_of(struct take *t, struct rows *r, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT, .parent = job_item(t->job) };
	auto_conn struct db_conn *c = NULL;

	if (db_read_begin(t->world->db, &c, e) != 0)
		return -1;
	return resource_list(c, &q, add_row, r, e) < 0 ? -1 : 0;
}

/* A damaged one goes too: it has the name under which it lies in the store. */
static int add_point(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	const char *slash = damage != NULL ? strrchr(point, '/') : NULL;

	(void)item;
	(void)meta;
	if (slash != NULL)
		point = slash + 1;
	return json_array_append_new(arg, json_string(point)) == 0 ? 0 : err_nomem(e);
}

static int drop_row(struct take *t, const char *name, struct err *e)
{
	const char *id = arena_fmt(&t->arena, "%s/recoveryPoints/%s", job_item(t->job), name);
	auto_conn struct db_conn *c = NULL;

	if (id == NULL)
		return err_nomem(e);
	if (db_write_begin(t->world->db, &c, e) != 0 || resource_delete(c, id, e) < 0)
		return -1;
	return db_commit(&c, e);
}

static int drop_all(struct take *t, struct vault *v, struct vault *archive, const char *item,
    const json_t *names, struct err *e)
{
	const json_t *x;
	size_t i;

	json_array_foreach(names, i, x) {
		const char *name = json_string_value(x);

		if (vault_point_delete(v, item, name, e) < 0 ||
		    (archive != NULL && vault_point_delete(archive, item, name, e) < 0) ||
		    drop_row(t, name, e) != 0)
			return err_in(e, "deleting recovery point '%s'", name);
	}
	return 0;
}

/* First those that have rows, by their names, for which they need not be readable; then what
 * else the vault, or its archive, has of the item. */
static int drop_item(struct take *t, const struct rows *rows, struct vault *archive, struct err *e)
{
	auto_json json_t *others = json_array();
	struct vault *v;
	const char *item;

	if (others == NULL)
		return err_nomem(e);
	if (take_open_vault(t, &v, &item, e) != 0 ||
	    drop_all(t, v, archive, item, rows->names, e) != 0 ||
	    vault_point_list(v, item, add_point, others, e) != 0 ||
	    (archive != NULL && vault_point_list(archive, item, add_point, others, e) != 0))
		return -1;
	return drop_all(t, v, archive, item, others, e);
}

/* NULL if there is none.  One that is out of reach matters only if the rows say that it has
 * points. */
static int find_archive(struct job *j, struct world *w, bool any_archived, struct vault **ret,
    struct err *e)
{
	auto_resource struct resource vault = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	*ret = NULL;
	if (db_read_begin(w->db, &c, e) != 0)
		return -1;
	found = resource_get(c, job_vault(j), &vault, e);
	db_rollback(&c);
	if (found > 0)
		found = archive_open(w, &vault, ret, e);
	return found >= 0 || !any_archived ? 0 : -1;
}

static int points(struct job *j, void *world, struct err *e)
{
	auto_json json_t *names = json_array();
	struct rows rows = { .names = names };
	struct vault *archive;
	auto_take struct take t;

	take_init(&t, j, world);
	if (names == NULL)
		return err_nomem(e);
	if (rows_of(&t, &rows, e) != 0 ||
	    find_archive(j, world, rows.any_archived, &archive, e) != 0 ||
	    drop_item(&t, &rows, archive, e) != 0)
		return -1;
	replicator_wake(world, job_vault(j));
	return 0;
}

static int item(struct job *j, void *world, struct err *e)
{
	struct world *w = world;
	auto_conn struct db_conn *c = NULL;

	if (db_write_begin(w->db, &c, e) != 0 || resource_delete_tree(c, job_item(j), e) < 0 ||
	    db_commit(&c, e) != 0)
		return -1;
	replicator_wake(w, job_vault(j));
	return 0;
}

/* Give the space back.  The points are gone whether this works or not, and the next collection
 * takes what this one leaves. */
static int collect(struct job *j, void *world, struct err *e)
{
	struct world *w = world;
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	struct vault_collect_stats stats;
	struct err why = { 0 };
	struct vault *v, *archive;
	int found;

	if (db_read_begin(w->db, &c, e) != 0)
		return -1;
	found = resource_get(c, job_vault(j), &row, e);
	db_rollback(&c);
	if (found <= 0)
		return found;	/* the vault is gone, and all that was in it */
	if (world_vault(w, &row, &v, &why) != 0 || vault_collect(v, NULL, &stats, &why) != 0)
		log_event(LOG_WARN, "collect", "job", job_id(j), "vault", job_vault(j), "reason",
		    why.msg, NULL);
	if (!archive_configured(w->settings, row.location))
		return 0;
	found = archive_open(w, &row, &archive, &why);
	if (found > 0)
		found = vault_collect(archive, NULL, &stats, &why);
	if (found < 0)
		log_event(LOG_WARN, "collect", "job", job_id(j), "archive of", job_vault(j),
		    "reason", why.msg, NULL);
	return 0;
}

static const struct job_step steps[] = { { "points", points, NULL }, { "item", item, NULL },
	{ "collect", collect, NULL } };

const struct job_kind delete_kind = { "delete", steps, ARRAY_LEN(steps), NULL };
