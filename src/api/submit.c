/* submit.c - see submit.h. */
#include "api/submit.h"

#include "base/codec.h"
#include "job/operation.h"

static int accepted(struct api_call *c, const struct submission *s, const char *item,
    const char *op,
    struct err *e)
{
	const char *base = s->under_vault ? c->vault.id : item;
	const char *status = s->under_vault ? "backupOperations" : "operationsStatus";
	const char *results = s->under_vault ? "backupOperationResults" : "operationResults";
	const char *async = arena_fmt(&c->arena, "%s/%s/%s", base, status, op);
	const char *location = arena_fmt(&c->arena, "%s/%s/%s", base, results, op);

	return async == NULL || location == NULL ? err_nomem(e) :
	    api_accepted(c, async, location, e);
}

void submit_names(struct api_call *c, const struct resource *item, struct job_spec *ret)
{
	ret->friendly_name = jstr(item->body, "properties.friendlyName", item->name);
	/* "VM;iaasvmcontainerv2;rg;vm" without its first word */
	ret->container_name = item->name + strcspn(item->name, ";") + 1;
	ret->activity_id = c->client_request_id;
}

int submit(struct api_call *c, struct db_conn **conn, const struct resource *item,
    struct submission *s, struct err *e)
{
	char job[GUID_SIZE], op[64];
	struct job_spec *spec = &s->job;

	(void)guid_new(job);
	spec->id = job;
	spec->vault = c->vault.id;
	spec->item = item->id;
	submit_names(c, item, spec);
	if (operation_create(*conn, s->same_id ? job : NULL, s->op_kind, c->vault.id, item->id, job,
	    c->now_us, op, e) != 0)
		return -1;
	spec->operation_id = op;
	if (job_submit(*conn, spec, c->now_us, NULL, e) != 0 || db_commit(conn, e) != 0)
		return -1;
	job_engine_wake(c->world->engine);
	return accepted(c, s, item->id, op, e);
}
