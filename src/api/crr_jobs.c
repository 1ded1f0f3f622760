/* crr_jobs.c - jobs and operations of restores in the second region. */
#include "api/crr.h"

#include "api/job_list.h"
#include "api/job_render.h"
#include "api/operation_render.h"
#include "api/place.h"
#include "api/secondary.h"

/* The vault that a request's resourceId names becomes the call's: this server's, or one of which
 * it has a copy.  Cross-region restore must be on in it. */
static int find_vault(struct api_call *c, const char *region, struct err *e)
{
	const char *given, *id;
	struct vault *copy;
	struct err missing;
	struct arm_id a;
	int found;

	if (jneed_str(c->body, "resourceId", &given, e) != 0)
		return place_refuse(e);
	if (arm_id_parse(str_c(given), &a, e) != 0 || !arm_id_is(&a, TYPE_VAULT))
		return crr_wrong(e, "resourceId", "'%.250s' is not the id of a Recovery Services "
		    "vault", given);
	id = arm_id_canonical(&c->arena, &a);
	if (id == NULL)
		return err_nomem(e);
	if (api_find(c, id, &c->vault, e) != 0) {
		missing = *e;
		if (missing.kind != ERR_NOT_FOUND)
			return -1;
		found = replica_open(c->world, region, id, &copy, e);
		if (found > 0)
			found = replica_vault(copy, &c->vault, e);
		if (found == 0)
			*e = missing;
		if (found <= 0)
			return -1;
	}
	return secondary_enabled(&c->vault) ? 0 : secondary_refuse(e);
}

int crr_jobs(struct api_call *c, struct err *e)
{
	auto_json json_t *rows = NULL;
	const char *region, *cursor = NULL;
	struct job_query q;
	bool none;

	if (crr_begin(c, &region, e) != 0 || find_vault(c, region, e) != 0 ||
	    job_query_read(c, &q, &none, e) != 0 || api_cursor(c, &q.after, e) != 0)
		return -1;
	if (none)
		return api_list(c, json_array(), NULL, e);
	q.vault = crr_job_text(c, c->vault.id, region);
	if (q.vault == NULL)
		return err_nomem(e);
	if (job_rows(c, &q, ARM_PAGE_SIZE, false, &rows, &cursor, e) != 0)
		return -1;
	return api_list(c, TAKE(rows), cursor, e);
}

int crr_job(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_job_row struct job_row j = { 0 };
	const char *region, *name, *vault;
	int found;

	if (crr_begin(c, &region, e) != 0 || find_vault(c, region, e) != 0)
		return -1;
	if (jneed_str(c->body, "jobName", &name, e) != 0)
		return place_refuse(e);
	vault = crr_job_text(c, c->vault.id, region);
	if (vault == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = job_get(conn, name, &j, e);
	if (found < 0)
		return -1;
	if (found == 0 || !str_ieq(str_c(j.vault), str_c(vault)))
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The job '%.80s' of vault '%.80s' was not found in region '%s'.", name,
		    c->vault.name, region);
	return api_json(c, 200, job_json(job_arm_id(c, &j), &j, c->version, c->now_us, true), e);
}

/* ---- operations ---- */

static int find_operation(struct api_call *c, const char **ret_region, struct operation *ret,
    struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	const char *region, *end;
	int found;

	if (crr_begin(c, &region, e) != 0)
		return -1;
	end = crr_job_text(c, "", region);
	if (end == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = operation_get(conn, c->param[2], &o, e);
	if (found < 0)
		return -1;
	if (found == 0 || strlen(o.vault) < strlen(end) || strcmp(o.id, c->param[2]) != 0 ||
	    strcmp(o.vault + strlen(o.vault) - strlen(end), end) != 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The operation '%.80s' was not found in region '%s'.", c->param[2], region);
	*ret = o;
	o = (struct operation){ 0 };
	*ret_region = region;
	return 0;
}

int crr_operation_status(struct api_call *c, struct err *e)
{
	auto_operation struct operation o = { 0 };
	auto_json json_t *body = NULL;
	const char *region, *id;

	if (find_operation(c, &region, &o, e) != 0)
		return -1;
	id = crr_path(c, region, "backupCrrOperationsStatus", o.id);
	body = operation_json(&o);
	if (id == NULL || body == NULL)
		return err_nomem(e);
	if (jset(body, "id", json_string(id), e) != 0 || (strcmp(o.status, OP_IN_PROGRESS) == 0 &&
	    api_async_headers(c, NULL, NULL, e) != 0))
		return -1;
	return api_json(c, 200, TAKE(body), e);
}

int crr_operation_results(struct api_call *c, struct err *e)
{
	auto_operation struct operation o = { 0 };
	const char *region, *path;
	int r;

	if (find_operation(c, &region, &o, e) != 0)
		return -1;
	path = crr_path(c, region, "backupCrrOperationResults", o.id);
	r = path == NULL ? err_nomem(e) : operation_answer_unfinished(c, &o, path, false, e);
	return r != 0 ? (r < 0 ? -1 : 0) : api_empty(c, 200);
}
