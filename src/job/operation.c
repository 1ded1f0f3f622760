/* operation.c - rows of the table `operation`.  See operation.h. */
#include "job/operation.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/codec.h"
#include "job/handle.h"

#define ID_MAX 63

void operation_done(struct operation *o)
{
	free(o->id);
	free(o->kind);
	free(o->vault);
	free(o->scope);
	free(o->status);
	free(o->error_code);
	free(o->error_message);
	free(o->job_id);
	json_decref(o->result);
	*o = (struct operation){ 0 };
}

int operation_create(struct db_conn *c, const char *id, const char *kind, const char *vault,
    const char *scope, const char *job_id, int64_t now_us, char *ret_id, struct err *e)
{
	auto_arena struct arena a = { 0 };
	char guid[GUID_SIZE];
	const char *key;

	if (id == NULL)
		id = guid_new(guid);
	if (strlen(id) > ID_MAX)
		return err_set(e, ERR_BUG, "operation id '%.80s' is too long", id);
	key = arena_lower(&a, str_c(id));
	if (key == NULL)
		return err_nomem(e);
	if (db_exec(c, e, "INSERT INTO operation (key, id, kind, vault, scope, status, start_us,"
	    " end_us, job_id) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)", "ssssssis", key, id,
	    kind, vault, scope, OP_IN_PROGRESS, now_us, job_id) < 0)
		return err_in(e, "creating operation '%s'", id);
	if (ret_id != NULL)
		(void)snprintf(ret_id, ID_MAX + 1, "%s", id);
	return 0;
}

bool job_take_text(struct db_stmt *q, unsigned col, char **ret)
{
	const char *z = db_col_text(q, col);

	*ret = z != NULL ? strdup(z) : NULL;
	return z == NULL || *ret != NULL;
}

static int read_operation(struct db_stmt *q, struct operation *ret, struct err *e)
{
	auto_operation struct operation o = { 0 };
	char **field[] = { &o.id, &o.kind, &o.vault, &o.scope, &o.status, &o.error_code,
		&o.error_message, &o.job_id };
	const char *result;
	unsigned col = 0;

	for (; col < ARRAY_LEN(field); col++)
		if (!job_take_text(q, col, field[col]))
			return err_nomem(e);
	o.start_us = db_col_int(q, col++);
	o.end_us = db_col_int(q, col++);
	result = db_col_text(q, col);
	if (result != NULL && jparse(str_c(result), &o.result, e) != 0)
		return err_in(e, "reading the result of operation '%s'", o.id);
	*ret = o;
	o = (struct operation){ 0 };
	return 1;
}

int operation_get(struct db_conn *c, const char *id, struct operation *ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	const char *key = arena_lower(&a, str_c(id));
	int rc;

	if (key == NULL)
		return err_nomem(e);
	if (db_prepare(c, "SELECT id, kind, vault, scope, status, error_code, error_message, job_id,"
	    " start_us, end_us, result FROM operation WHERE key = $1", &q, e) != 0 ||
	    db_bind_text(&q, 1, key, e) != 0)
		return -1;
	rc = db_step(&q, e);
	return rc <= 0 ? rc : read_operation(&q, ret, e);
}

int operation_finish(struct db_conn *c, const char *id, const char *status,
    const struct err *cause, const json_t *result, int64_t now_us, struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf text = { 0 };
	const char *key = arena_lower(&a, str_c(id)), *code = NULL, *message = NULL;

	if (key == NULL)
		return err_nomem(e);
	if (result != NULL && jdump(result, &text, e) != 0)
		return err_in(e, "writing the result of operation '%s'", id);
	if (cause != NULL) {
		code = job_error_title(cause);
		message = cause->msg;
	}
	/* What is over stays as it was told to clients. */
	if (db_exec(c, e, "UPDATE operation SET status = $2, end_us = $3, error_code = $4,"
	    " error_message = $5, result = $6 WHERE key = $1 AND end_us = 0", "ssisss", key, status,
	    now_us, code, message, text.p) < 0)
		return err_in(e, "finishing operation '%s'", id);
	return 0;
}

int operation_set_job(struct db_conn *c, const char *id, const char *job, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *key = arena_lower(&a, str_c(id));

	if (key == NULL)
		return err_nomem(e);
	return db_exec(c, e, "UPDATE operation SET job_id = $2 WHERE key = $1", "ss", key, job) < 0
	    ? -1 : 0;
}
