/* job_list.c - see job_list.h. */
#include "api/job_list.h"

#include "api/crr.h"
#include "api/item.h"
#include "api/job_render.h"

const char *job_arm_id(struct api_call *c, const struct job_row *j)
{
	const char *region = jstr(j->args, "source.region", NULL);

	return region != NULL ? crr_path(c, region, "backupJobs", j->id) :
	    arena_fmt(&c->arena, "%s/backupJobs/%s", c->vault.id, j->id);
}

int job_find(struct api_call *c, struct db_conn *conn, const char *id, struct job_row *ret,
    struct err *e)
{
	auto_job_row struct job_row j = { 0 };
	int r = job_get(conn, id, &j, e);

	if (r < 0)
		return -1;
	if (r == 0 || !arm_id_same(str_c(j.vault), str_c(c->vault.id)))
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The job '%.80s' was not found in vault '%.80s'.", id, c->vault.name);
	*ret = j;
	j = (struct job_row){ 0 };
	return 0;
}

int job_query_read(struct api_call *c, struct job_query *ret, bool *ret_none, struct err *e)
{
	static const char *const keys[] = { "status", "backupManagementType", "operation", "jobId",
		"startTime", "endTime", NULL };
	struct job_query q = { .vault = c->vault.id };
	struct arm_filter f;
	const char *kind;

	if (arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &f, e) != 0 ||
	    arm_filter_time(&f, "startTime", &q.from_us, e) < 0 ||
	    arm_filter_time(&f, "endTime", &q.to_us, e) < 0)
		return -1;
	q.status = arm_filter_get(&f, "status");
	q.operation = arm_filter_get(&f, "operation");
	q.id = arm_filter_get(&f, "jobId");
	kind = arm_filter_get(&f, "backupManagementType");
	*ret_none = kind != NULL && !str_ieq(str_c(kind), STR(IAAS_MANAGEMENT));
	*ret = q;
	return 0;
}

struct listing {
	struct api_call *c;
	json_t *rows;
	size_t max;
	bool full;
	const char *cursor, *last;
};

static int add_row(void *arg, struct job_row *j, struct err *e)
{
	struct listing *l = arg;
	auto_free char *cursor = NULL;

	if (l->max != 0 && json_array_size(l->rows) == l->max) {
		l->cursor = l->last;
		return 1;
	}
	if (json_array_append_new(l->rows, job_json(job_arm_id(l->c, j), j, l->c->version,
	    l->c->now_us, l->full)) != 0)
		return err_nomem(e);
	if (json_array_size(l->rows) != l->max)
		return 0;
	cursor = job_cursor(j);
	l->last = arena_dup(&l->c->arena, cursor);
	return l->last == NULL ? err_nomem(e) : 0;
}

int job_rows(struct api_call *c, const struct job_query *q, size_t max, bool full, json_t **ret,
    const char **ret_cursor, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *rows = json_array();
	struct listing l = { .c = c, .rows = rows, .max = max, .full = full };

	if (rows == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0 || job_list(conn, q, add_row, &l, e) < 0)
		return -1;
	*ret = TAKE(rows);
	*ret_cursor = l.cursor;
	return 0;
}
