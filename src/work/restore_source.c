/* restore_source.c - where a restore reads: the vault and its rows, or the vault's copy in a paired
 * region, which needs nothing of the vault. */
#include "work/replica.h"
#include "work/restore.h"

/* The region of the copy; NULL: the vault itself. */
static const char *copy_region(const struct restore *r)
{
	return jstr(job_args(r->job), "source.region", NULL);
}

static int open_copy(const struct restore *r, struct vault **ret, struct err *e)
{
	const char *vault = jstr(job_args(r->job), "vaultId", ""), *region = copy_region(r);
	int found = replica_open(r->world, region, vault, ret, e);

	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "region '%s' has no copy of vault '%s' any more",
		    region, vault);
	return found < 0 ? -1 : 0;
}

int restore_open_vault(struct restore *r, struct vault **ret, struct err *e)
{
	const char *id = jstr(job_args(r->job), "vaultId", "");
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	if (copy_region(r) != NULL)
		return open_copy(r, ret, e);
	if (db_read_begin(r->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, id, &row, e);
	db_rollback(&c);
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "vault '%s' does not exist any more", id);
	return found < 0 ? -1 : world_vault(r->world, &row, ret, e);
}

static int load_row(struct restore *r, const char *id, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	return db_read_begin(r->world->db, &c, e) != 0 ? -1 : resource_get(c, id, &r->point, e);
}

static int load_from_copy(const struct restore *r, const char *id, struct resource *ret,
    struct err *e)
{
	const char *name = strrchr(id, '/');
	struct vault *copy;

	if (open_copy(r, &copy, e) != 0)
		return -1;
	return replica_point(copy, jstr(job_args(r->job), "itemId", ""),
	    name != NULL ? name + 1 : "", ret, e);
}

static int gone(const char *point, struct err *e)
{
	return err_code(e, ERR_NOT_FOUND, "UserErrorRpNotFound",
	    "recovery point '%s' does not exist any more", point);
}

int restore_load_point(struct restore *r, struct err *e)
{
	const char *id = jstr(job_args(r->job), "pointId", "");
	int found = copy_region(r) != NULL ? load_from_copy(r, id, &r->point, e) :
	    load_row(r, id, e);

	if (found == 0)
		return gone(id, e);
	return found < 0 ? -1 : 0;
}

void restore_explain(const struct restore *r, struct err *e)
{
	const char *id = jstr(job_args(r->job), "pointId", "");
	auto_resource struct resource point = { 0 };
	struct err why = { 0 };
	int found;

	if (copy_region(r) == NULL || (e->kind != ERR_NOT_FOUND && e->kind != ERR_CORRUPT))
		return;
	found = load_from_copy(r, id, &point, &why);
	if (found == 0)
		(void)gone(id, e);
	else if (found < 0 && why.kind == ERR_NOT_FOUND)
		*e = why;	/* the whole copy went */
}
