/* job_export.c - see job_export.h. */
#include "api/job_export.h"

#include "api/job_list.h"
#include "api/operation_render.h"
#include "base/codec.h"
#include "crypto/crypto.h"

#define LIFETIME_US (3600LL * 1000000)
#define SECRET_BYTES 32

static json_t *export_result(struct api_call *c, json_t *rows)
{
	uint8_t secret[SECRET_BYTES];
	char text[HEX_SIZE(SECRET_BYTES)];

	random_bytes(secret, sizeof(secret));
	return json_pack("{s:O, s:s, s:I}", "value", rows, "secret",
	    hex_encode(secret, sizeof(secret), text), "untilUs",
	    (json_int_t)(c->now_us + LIFETIME_US));
}

int job_export_post(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *rows = NULL, *result = NULL;
	const char *cursor, *async, *location;
	struct job_query q;
	char op[64];
	bool none;

	if (job_query_read(c, &q, &none, e) != 0)
		return -1;
	if (none)
		rows = json_array();
	else if (job_rows(c, &q, 0, true, &rows, &cursor, e) != 0)
		return -1;
	result = export_result(c, rows);
	if (result == NULL)
		return err_nomem(e);
	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    operation_create(conn, NULL, "export", c->vault.id, c->vault.id, NULL, c->now_us, op,
	    e) != 0 ||
	    operation_finish(conn, op, OP_SUCCEEDED, NULL, result, c->now_us, e) != 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	async = arena_fmt(&c->arena, "%s/backupOperations/%s", c->vault.id, op);
	location = arena_fmt(&c->arena, "%s/backupJobs/operationResults/%s", c->vault.id, op);
	return async == NULL || location == NULL ? err_nomem(e) :
	    api_accepted(c, async, location, e);
}

static int find_export(struct api_call *c, const char *id, struct operation *ret, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;

	if (db_read_begin(c->world->db, &conn, e) != 0 || operation_find(c, conn, id, ret, e) != 0)
		return -1;
	if (strcmp(ret->kind, "export") != 0 || ret->result == NULL)
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The operation '%.80s' is not an export of jobs.", id);
	return 0;
}

int job_export_results(struct api_call *c, struct err *e)
{
	auto_operation struct operation o = { 0 };
	const char *url, *sas;
	char until[TIME_TEXT_MAX];

	if (find_export(c, c->param[3], &o, e) != 0)
		return -1;
	url = arena_fmt(&c->arena, "%s%s/backupJobsExport/%s", c->base_url, c->vault.id, o.id);
	sas = arena_fmt(&c->arena, "?se=%s&sp=r&sig=%s",
	    time_iso_seconds(jint(o.result, "untilUs", 0), until), jstr(o.result, "secret", ""));
	if (url == NULL || sas == NULL)
		return err_nomem(e);
	return api_json(c, 200, json_pack("{s:{s:s, s:s, s:s}, s:s, s:{}}", "operation",
	    "objectType",
	    "ExportJobsOperationResultInfo", "blobUrl", url, "blobSasKey", sas, "statusCode", "OK",
	    "headers"), e);
}

static bool may_read(struct api_call *c, const struct operation *o)
{
	const char *given = arm_query_get(&c->query, "sig"), *own = jstr(o->result, "secret", "");
	size_t n = strlen(own);

	return given != NULL && n == 2 * SECRET_BYTES && strlen(given) == n &&
	    crypto_equal(given, own, n) && c->now_us < jint(o->result, "untilUs", 0);
}

int job_export_file(struct api_call *c, struct err *e)
{
	auto_operation struct operation o = { 0 };
	const char *vault = api_vault_id(c);
	struct err ignored;

	/* Without the signature nothing is told, not even whether there is such an export or vault. */
	if (vault == NULL || api_find(c, vault, &c->vault, &ignored) != 0 ||
	    find_export(c, c->param[3], &o, &ignored) != 0 || !may_read(c, &o))
		return err_code(e, ERR_DENIED, "AuthenticationFailed",
		    "Server failed to authenticate the request. Make sure the signature is the "
		    "one of the export and has not expired.");
	return api_list(c, json_incref(jat(o.result, "value")), NULL, e);
}
