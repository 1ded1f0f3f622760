/* job.c - rows of the table `job`, as the API sees them.  See job.h. */
#include "job/job.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "job/handle.h"

#define NEVER "0001-01-01T00:00:00"

void job_row_done(struct job_row *r)
{
	free(r->id);
	free(r->kind);
	free(r->vault);
	free(r->item);
	free(r->operation);
	free(r->status);
	free(r->friendly_name);
	free(r->container_name);
	free(r->activity_id);
	free(r->step);
	json_decref(r->args);
	json_decref(r->tasks);
	json_decref(r->bag);
	json_decref(r->internal_bag);
	json_decref(r->errors);
	*r = (struct job_row){ 0 };
}

static json_t *first_tasks(const char *const *tasks)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && tasks != NULL && tasks[i] != NULL; i++) {
		json_t *t = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "taskId", tasks[i], "startTime",
		    NEVER, "endTime", NEVER, "duration", "PT0S", "status", "NotStarted",
		    "taskType", "Normal");

		if (json_array_append_new(list, t) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int dump_or(const json_t *j, const char *otherwise, struct buf *b, struct err *e)
{
	if (j != NULL)
		return jdump(j, b, e);
	buf_adds(b, otherwise);
	return buf_ok(b, e);
}

static int insert(struct db_conn *c, const struct job_spec *s, const char *id, int64_t now_us,
    struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf args = { 0 }, bag = { 0 }, internal = { 0 }, tasks = { 0 };
	auto_json json_t *list = first_tasks(s->tasks);
	const char *vault = arena_lower(&a, str_c(s->vault)), *item = arena_lower(&a, str_c(s->item));

	if (list == NULL || vault == NULL || item == NULL)
		return err_nomem(e);
	if (dump_or(s->args, "{}", &args, e) != 0 || dump_or(s->bag, "{}", &bag, e) != 0 ||
	    dump_or(s->internal_bag, "{}", &internal, e) != 0 || jdump(list, &tasks, e) != 0)
		return -1;
	return db_exec(c, e, "INSERT INTO job (id, kind, vault, vault_key, item, item_key, operation,"
	    " status, friendly_name, container_name, activity_id, cancellable, operation_id,"
	    " operation_ends_with_job, step, undoing, cause_kind, lease_holder, lease_end_us,"
	    " start_us, end_us, done, total, args, state, tasks, bag, internal_bag, errors,"
	    " priority)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, '" JOB_IN_PROGRESS "', $8, $9, $10, $11, $12, $13,"
	    " '', 0, 0, '', 0, $14, 0, 0, 0, $15, '{}', $16, $17, $18, '[]', $19)",
	    "ssssssssssisiissssi",
	    id, s->kind, s->vault != NULL ? s->vault : "", vault, s->item != NULL ? s->item : "",
	    item, s->operation, s->friendly_name != NULL ? s->friendly_name : "",
	    s->container_name != NULL ? s->container_name : "",
	    s->activity_id != NULL ? s->activity_id : "", (int64_t)s->cancellable, s->operation_id,
	    (int64_t)s->operation_ends_with_job, now_us, args.p, tasks.p, bag.p, internal.p,
	    (int64_t)s->priority);
}

int job_submit(struct db_conn *c, const struct job_spec *s, int64_t now_us, char *ret_id,
    struct err *e)
{
	auto_arena struct arena a = { 0 };
	char guid[GUID_SIZE];
	const char *id = s->id != NULL ? arena_lower(&a, str_c(s->id)) : guid_new(guid);

	if (id == NULL)
		return err_nomem(e);
	if (!guid_valid(str_c(id)))
		return err_set(e, ERR_BUG, "submitting a job: '%.80s' is not a GUID", id);
	if (insert(c, s, id, now_us, e) < 0)
		return err_in(e, "submitting %s job '%s'", s->kind, id);
	if (ret_id != NULL)
		memcpy(ret_id, id, GUID_SIZE);
	return 0;
}

static double percent_of(const struct job_row *r)
{
	double percent;

	if (r->end_us != 0)
		return 100.0;
	if (r->total <= 0)
		return 1.0;
	percent = (double)r->done / (double)r->total * 100.0;
	return percent < 1.0 ? 1.0 : percent > 99.0 ? 99.0 : percent;
}

static int read_documents(struct db_stmt *q, unsigned col, struct job_row *r, struct err *e)
{
	json_t **field[] = { &r->args, &r->tasks, &r->bag, &r->internal_bag, &r->errors };

	for (unsigned i = 0; i < ARRAY_LEN(field); i++)
		if (jparse(str_c(db_col_text(q, col + i)), field[i], e) != 0)
			return err_in(e, "reading job '%s'", r->id);
	return 0;
}

int job_row_read(struct db_stmt *q, struct job_row *ret, struct err *e)
{
	auto_job_row struct job_row r = { 0 };
	char **field[] = { &r.id, &r.kind, &r.vault, &r.item, &r.operation, &r.status,
		&r.friendly_name, &r.container_name, &r.activity_id, &r.step };
	unsigned col = 0;

	for (; col < ARRAY_LEN(field); col++)
		if (!job_take_text(q, col, field[col]))
			return err_nomem(e);
	r.cancellable = db_col_int(q, col++) != 0;
	r.start_us = db_col_int(q, col++);
	r.end_us = db_col_int(q, col++);
	r.done = db_col_int(q, col++);
	r.total = db_col_int(q, col++);
	r.percent = percent_of(&r);
	if (read_documents(q, col, &r, e) != 0)
		return -1;
	*ret = r;
	r = (struct job_row){ 0 };
	return 0;
}

/* One row by one lower-cased text. */
static int get_by(struct db_conn *c, const char *sql, const char *text, struct job_row *ret,
    struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	const char *key = arena_lower(&a, str_c(text));
	int rc;

	if (key == NULL)
		return err_nomem(e);
	if (db_prepare(c, sql, &q, e) != 0 || db_bind_text(&q, 1, key, e) != 0)
		return -1;
	rc = db_step(&q, e);
	if (rc > 0 && job_row_read(&q, ret, e) != 0)
		return -1;
	return rc;
}

int job_get(struct db_conn *c, const char *id, struct job_row *ret, struct err *e)
{
	return get_by(c, "SELECT " JOB_ROW_COLUMNS " FROM job WHERE id = $1", id, ret, e);
}

int job_running_on(struct db_conn *c, const char *item, struct job_row *ret, struct err *e)
{
	return get_by(c, "SELECT " JOB_ROW_COLUMNS " FROM job WHERE item_key = $1 AND end_us = 0 AND"
	    " kind IN ('configure', 'delete', 'backup', 'restore') ORDER BY start_us, id LIMIT 1",
	    item, ret, e);
}

char *job_cursor(const struct job_row *r)
{
	char *z;

	return asprintf(&z, "%lld|%s", (long long)r->start_us, r->id) < 0 ? NULL : z;
}

#define LIST_WHERE \
	" AND ($2 IS NULL OR item_key = $2) AND ($3 IS NULL OR lower(status) = $3)" \
	" AND ($4 IS NULL OR lower(operation) = $4) AND ($5 IS NULL OR id = $5)" \
	" AND start_us BETWEEN $6 AND $7 AND (start_us < $8 OR (start_us = $8 AND id < $9))" \
	" ORDER BY start_us DESC, id DESC LIMIT $10"

static const char list_of_vault[] =
	"SELECT " JOB_ROW_COLUMNS " FROM job WHERE vault_key = $1" LIST_WHERE;
static const char list_of_all[] =
	"SELECT " JOB_ROW_COLUMNS " FROM job WHERE $1 IS NULL" LIST_WHERE;

static int bind_texts(struct db_stmt *q, struct arena *a, const struct job_query *f, struct err *e)
{
	const char *text[] = { f->vault, f->item, f->status, f->operation, f->id };

	for (unsigned i = 0; i < ARRAY_LEN(text); i++) {
		const char *key = text[i] != NULL ? arena_lower(a, str_c(text[i])) : NULL;

		if (text[i] != NULL && key == NULL)
			return err_nomem(e);
		if (db_bind_text(q, i + 1, key, e) != 0)
			return -1;
	}
	return 0;
}

static int bind_place(struct db_stmt *q, const struct job_query *f, struct err *e)
{
	long long at = INT64_MAX;
	const char *id = "";
	char *end;

	if (f->after != NULL) {
		at = strtoll(f->after, &end, 10);
		if (end == f->after || *end != '|')
			return err_set(e, ERR_INVALID, "'%.100s' is not a place in this list",
			    f->after);
		id = end + 1;
	}
	if (db_bind_int(q, 6, f->from_us, e) != 0 ||
	    db_bind_int(q, 7, f->to_us != 0 ? f->to_us : INT64_MAX, e) != 0 ||
	    db_bind_int(q, 8, at, e) != 0 || db_bind_text(q, 9, id, e) != 0)
		return -1;
	return db_bind_int(q, 10, f->limit != 0 ? f->limit : INT64_MAX, e);
}

int job_list(struct db_conn *c, const struct job_query *f, job_row_fn *fn, void *arg,
    struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (db_prepare(c, f->vault != NULL ? list_of_vault : list_of_all, &q, e) != 0 ||
	    bind_texts(&q, &a, f, e) != 0 || bind_place(&q, f, e) != 0)
		return -1;
	while ((rc = db_step(&q, e)) > 0) {
		auto_job_row struct job_row r = { 0 };

		if (job_row_read(&q, &r, e) != 0)
			return -1;
		rc = fn(arg, &r, e);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int job_cancel(struct db_conn *c, const char *id, struct err *e)
{
	auto_job_row struct job_row r = { 0 };
	int found = job_get(c, id, &r, e);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "cancelling job '%s': there is no such job", id);
	if (!r.cancellable)
		return err_set(e, ERR_CONFLICT,
		    "Cancellation isn't supported for this job type: '%s' (job '%s')", r.operation, id);
	if (r.end_us != 0)
		return err_set(e, ERR_CONFLICT,
		    "The job isn't in a cancelable state: job '%s' is %s", id, r.status);
	return db_exec(c, e, "UPDATE job SET status = '" JOB_CANCELLING "' WHERE id = $1", "s",
	    r.id) < 0 ? -1 : 0;
}
