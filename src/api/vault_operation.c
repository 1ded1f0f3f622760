/* vault_operation.c - see vault_operation.h. */
#include "api/vault_operation.h"

#include "api/operation_render.h"
#include "api/vault_render.h"
#include "base/codec.h"

int vault_operation_add(struct api_call *c, struct db_conn *conn, const struct resource *vault,
    struct vault_operation *ret, struct err *e)
{
	auto_buf struct buf id = { 0 };
	char guid[GUID_SIZE];
	const char *plain = arena_fmt(&c->arena, "%s;%s",
	    jstr(vault->body, "internal.numericId", "0"), guid_new(guid));
	struct vault_operation op;

	if (plain == NULL)
		return err_nomem(e);
	base64_encode(&id, plain, strlen(plain));
	if (buf_ok(&id, e) != 0)
		return -1;
	op.status_path = arena_fmt(&c->arena, "%s/operationStatus/%s", vault->id, id.p);
	op.results_path = arena_fmt(&c->arena, "%s/operationResults/%s", vault->id, id.p);
	if (op.status_path == NULL || op.results_path == NULL)
		return err_nomem(e);
	if (operation_create(conn, id.p, "vault", vault->id, vault->id, NULL, c->now_us, NULL,
	    e) != 0 || operation_finish(conn, id.p, OP_SUCCEEDED, NULL, NULL, c->now_us, e) != 0)
		return -1;
	*ret = op;
	return 0;
}

int vault_operation_status(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	const char *path;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[3], &o, e) != 0)
		return -1;
	path = arena_fmt(&c->arena, "%s/operationStatus/%s", c->vault.id, o.id);
	if (path == NULL)
		return err_nomem(e);
	return api_json(c, 200, json_pack("{s:s, s:s, s:s}", "id", path, "name", o.id, "status",
	    o.status), e);
}

int vault_operation_results(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_operation struct operation o = { 0 };
	auto_json json_t *body = NULL;
	const char *path;
	int r;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    operation_find(c, conn, c->param[3], &o, e) != 0)
		return -1;
	path = arena_fmt(&c->arena, "%s/operationResults/%s", c->vault.id, o.id);
	r = path == NULL ? err_nomem(e) : operation_answer_unfinished(c, &o, path, false, e);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (vault_render(conn, &c->vault, "Succeeded", &body, e) != 0)
		return -1;
	return api_json(c, 200, TAKE(body), e);
}
