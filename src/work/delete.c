/* delete.c - the delete job: the item's points, in the vault and as rows, then the item.
 *
 * A point leaves the vault first and its row goes right after, so that whatever stops the job,
 * at most one row is left without a point, and the next run of the job takes that one too.  The
 * vault's storage settings stay locked. */
#include "base/clock.h"
#include "base/log.h"
#include "work/replicator.h"
#include "work/take_point.h"

static int add_row(void *arg, struct resource *point, struct err *e)
{
	return json_array_append_new(arg, json_string(point->name)) == 0 ? 0 : err_nomem(e);
}

static int rows_of(struct take *t, json_t *names, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT, .parent = job_item(t->job) };
	auto_conn struct db_conn *c = NULL;

	if (db_read_begin(t->world->db, &c, e) != 0)
		return -1;
	return resource_list(c, &q, add_row, names, e) < 0 ? -1 : 0;
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

static int drop_all(struct take *t, struct vault *v, const char *item, const json_t *names,
    struct err *e)
{
	const json_t *x;
	size_t i;

	json_array_foreach(names, i, x) {
		const char *name = json_string_value(x);

		if (vault_point_delete(v, item, name, e) < 0 || drop_row(t, name, e) != 0)
			return err_in(e, "deleting recovery point '%s'", name);
	}
	return 0;
}

/* First those that have rows, by their names, for which they need not be readable; then what
 * else the vault has of the item. */
static int points(struct job *j, void *world, struct err *e)
{
	auto_take struct take t;
	auto_json json_t *names = json_array(), *others = json_array();
	struct vault *v;
	const char *item;

	take_init(&t, j, world);
	if (names == NULL || others == NULL)
		return err_nomem(e);
	if (rows_of(&t, names, e) != 0 || take_open_vault(&t, &v, &item, e) != 0 ||
	    drop_all(&t, v, item, names, e) != 0 ||
	    vault_point_list(v, item, add_point, others, e) != 0)
		return -1;
	if (drop_all(&t, v, item, others, e) != 0)
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
	struct vault *v;
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
	return 0;
}

static const struct job_step steps[] = { { "points", points, NULL }, { "item", item, NULL },
	{ "collect", collect, NULL } };

const struct job_kind delete_kind = { "delete", steps, ARRAY_LEN(steps), NULL };
