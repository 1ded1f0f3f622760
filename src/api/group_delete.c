/* group_delete.c - a group goes with all that is in it, or not at all. */
#include "api/group.h"

#include "api/compute.h"
#include "api/storage.h"
#include "base/log.h"
#include "job/operation.h"

/* The group's rows, read before anything changes. */
struct content {
	struct resource *row;
	size_t count, cap;
};

static void content_done(struct content *x)
{
	for (size_t i = 0; i < x->count; i++)
		resource_done(&x->row[i]);
	free(x->row);
}

static int keep(void *arg, struct resource *r, struct err *e)
{
	struct content *x = arg;

	if (GROW(x->row, x->count, x->cap, 32, e) != 0)
		return -1;
	x->row[x->count++] = *r;
	*r = (struct resource){ 0 };
	return 0;
}

static int blocked(struct api_call *c, const struct resource *r, const char *why, struct err *e)
{
	return err_code(e, ERR_CONFLICT, "ResourceGroupDeletionBlocked",
	    "Deletion of resource group '%.90s' was refused, as '%.250s' %s", c->param[1], r->id,
	    why);
}

/* 1 if `id` is a resource of another group. */
static int lives_elsewhere(struct api_call *c, struct db_conn *conn, const char *id, struct err *e)
{
	auto_resource struct resource r = { 0 };
	int found = id[0] != '\0' ? resource_get(conn, id, &r, e) : 0;

	return found > 0 ? !str_ieq(str_c(r.group), str_c(c->param[1])) : found;
}

static int check_row(struct api_call *c, struct db_conn *conn, const struct resource *r,
    struct err *e)
{
	bool is_disk = strcmp(r->type, TYPE_DISK) == 0, is_nic = strcmp(r->type, TYPE_NIC) == 0;
	int elsewhere;

	if (strcmp(r->type, TYPE_ITEM) == 0)
		return blocked(
		    c, r, "is a backup item: there are existing resources within the vault.", e);
	if (!is_disk && !is_nic)
		return 0;
	elsewhere = lives_elsewhere(c, conn, r->ref, e);
	if (elsewhere > 0)
		return blocked(
		    c, r, "is in use by a virtual machine of another resource group.", e);
	return elsewhere;
}

static bool is_within(const char *id, const char *outer)
{
	size_t n = strlen(outer);

	return str_istarts(str_c(id), str_c(outer)) && (id[n] == '\0' || id[n] == '/');
}

static int job_uses(void *arg, struct job_row *j, struct err *e)
{
	static const char *const paths[] = { "vaultId", "itemId", "vmId", "target.groupId",
		"target.accountId", "target.vmId", "target.subnetId" };
	const char *id = arg;

	if (is_within(j->vault, id) || is_within(j->item, id))
		return err_set(
		    e, ERR_BUSY, "'%s' is in use by job '%s' (%s)", id, j->id, j->operation);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (is_within(jstr(j->args, paths[i], ""), id))
			return err_set(e, ERR_BUSY, "'%s' is in use by job '%s' (%s)", id, j->id,
			    j->operation);
	return 0;
}

int group_check_jobs(struct api_call *c, struct db_conn *conn, const char *id, struct err *e)
{
	static const char *const running[] = { JOB_IN_PROGRESS, JOB_CANCELLING };
	char *copy = arena_dup(&c->arena, id);

	if (copy == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < ARRAY_LEN(running); i++) {
		struct job_query q = { .status = running[i] };

		if (job_list(conn, &q, job_uses, copy, e) < 0)
			return -1;
	}
	return 0;
}

static int delete_rows(struct api_call *c, struct db_conn *conn, const struct content *all,
    struct err *e)
{
	const char *id = api_group_id(c);

	if (id == NULL)
		return err_nomem(e);
	if (group_check_jobs(c, conn, id, e) != 0)
		return -1;
	for (size_t i = 0; i < all->count; i++)
		if (check_row(c, conn, &all->row[i], e) != 0)
			return -1;
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->row[i].type, TYPE_VM) == 0 &&
		    compute_release(conn, all->row[i].id, NULL, c->now_us, e) != 0)
			return -1;
	return resource_delete_tree(conn, id, e) < 0 ? -1 : 0;
}

/* The rows are gone for good; a file that stays is waste, not an error of the request. */
static void remove_files(struct api_call *c, const struct content *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct resource *r = &all->row[i];
		struct err e = { 0 };
		int done = 0;

		if (strcmp(r->type, TYPE_DISK) == 0)
			disk_remove_file(r);
		else if (strcmp(r->type, TYPE_ACCOUNT) == 0)
			done = storage_remove_dir(c, r, &e);
		else if (strcmp(r->type, TYPE_VAULT) == 0)
			done = world_vault_remove(c->world, r, &e);
		if (done != 0)
			log_event(LOG_WARN, "files-left", "id", r->id, "error", e.msg, NULL);
	}
}

int group_delete(struct api_call *c, struct err *e)
{
	cleanup_with(content_done) struct content all = { 0 };
	struct resource_query q = { .subscription = c->world->subscription, .group = c->param[1] };
	auto_conn struct db_conn *conn = NULL;
	const char *path;
	char op[64];

	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    resource_list(conn, &q, keep, &all, e) < 0 || delete_rows(c, conn, &all, e) != 0 ||
	    operation_create(conn, NULL, "group", "", api_group_id(c), NULL, c->now_us, op,
	    e) != 0 ||
	    operation_finish(conn, op, OP_SUCCEEDED, NULL, NULL, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	remove_files(c, &all);
	path = arena_fmt(&c->arena, "/subscriptions/%s/operationresults/%s", c->world->subscription,
	    op);
	return path == NULL ? err_nomem(e) : api_accepted(c, NULL, path, e);
}
