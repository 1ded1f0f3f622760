/* deployment_put.c - making and validating deployments, and their documents.  See deployment.h. */
#include "api/deployment.h"

#include "api/fields.h"
#include "api/in_flight.h"
#include "base/clock.h"
#include "job/operation.h"

static json_t *part(const struct template_resource *r)
{
	return json_pack("{s:s,s:s,s:s}", "id", r->id, "resourceType", r->type, "resourceName",
	    r->name);
}

static json_t *dependencies(const struct deployment *d)
{
	auto_json json_t *out = json_array();

	for (size_t i = 0; i < template_count(d->t); i++) {
		const struct template_resource *r = template_at(d->t, i);
		auto_json json_t *on = json_array(), *row = part(r);

		if (r->after_count == 0)
			continue;
		for (size_t k = 0; k < r->after_count; k++)
			if (json_array_append_new(on, part(template_at(d->t, r->after[k]))) != 0)
				return NULL;
		if (json_object_set(row, "dependsOn", on) != 0 || json_array_append(out, row) != 0)
			return NULL;
	}
	return TAKE(out);
}

/* A short text that is the same for the same template. */
static const char *template_hash(const struct deployment *d)
{
	auto_buf struct buf text = { 0 };
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	struct err e;

	if (jdump(d->document, &text, &e) != 0)
		return NULL;
	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	return arena_fmt(&d->c->arena, "%llu", (unsigned long long)h);
}

/* The link as it is kept and shown: a query may be a shared access signature. */
static json_t *shown_link(const struct deployment *d)
{
	json_t *link = json_copy(jat(d->c->body, "properties.templateLink"));
	const char *uri = jstr(link, "uri", "");

	if (link == NULL)
		return NULL;
	(void)json_object_del(link, "queryString");
	if (uri[strcspn(uri, "?")] == '?' &&
	    json_object_set_new(link, "uri", json_stringn(uri, strcspn(uri, "?"))) != 0)
		(void)json_object_del(link, "uri");
	return link;
}

json_t *deployment_properties(const struct deployment *d, const char *state)
{
	struct api_call *c = d->c;
	int64_t end_us = d->end_us != 0 ? d->end_us : c->now_us;
	char when[TIME_TEXT_MAX], duration[TIME_TEXT_MAX];

	return json_pack("{s:s,s:o*,s:o,s:s,s:s,s:s,s:s,s:s,s:[],s:o,s:O*,s:O*,s:O*}",
	    "templateHash", template_hash(d), "templateLink",
	    shown_link(d), "parameters", template_parameters(d->t),
	    "mode", "Incremental", "provisioningState", state, "timestamp", time_iso(end_us, when),
	    "duration", time_duration(end_us - c->now_us, duration), "correlationId", c->request_id,
	    "providers", "dependencies", dependencies(d), "outputs", d->outputs, "outputResources",
	    d->made, "error", d->error);
}

/* The row and the operation that the answer's header names, both finished. */
static int store(struct deployment *d, struct resource *ret, bool *ret_new, char op[64],
    struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource old = { 0 };
	const char *state = d->error == NULL ? OP_SUCCEEDED : OP_FAILED;
	struct api_call *c = d->c;
	json_t *tags = NULL, *body;
	int found;

	if (fields_tags(c->body, &tags, e) < 0 || db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, d->id, &old, e);
	body = json_pack("{s:O*,s:o,s:{s:O}}", "tags", tags, "properties",
	    deployment_properties(d, state), "internal", "operations", d->operations);
	if (found < 0 || resource_init(ret, TYPE_DEPLOYMENT, found > 0 ? old.id : d->id, "",
	    api_group_id(c), body, e) != 0 || resource_put(conn, ret, d->end_us, e) != 0 ||
	    operation_create(conn, NULL, "deployment", "", ret->id, NULL, c->now_us, op, e) != 0 ||
	    operation_finish(conn, op, state, NULL, d->error, d->end_us, e) != 0)
		return -1;
	*ret_new = found == 0;
	return db_commit(&conn, e);
}

/* As in Azure, one at a time of a name. */
static int run_alone(struct deployment *d, struct err *e)
{
	struct in_flight *all = d->c->api->deployments;
	int r = in_flight_enter(all, d->id, e);

	if (r < 0)
		return -1;
	if (r == 0)
		return err_code(e, ERR_CONFLICT, "DeploymentActive",
		    "Unable to edit or replace deployment '%.80s': a previous deployment of that name is "
		    "still active.", d->c->param[2]);
	r = deployment_run(d, e);
	in_flight_leave(all, d->id);
	return r;
}

int deployment_put(struct api_call *c, struct err *e)
{
	auto_deployment struct deployment d = { 0 };
	auto_resource struct resource r = { 0 };
	const char *path;
	char op[64];
	bool is_new;

	if (deployment_open(c, &d, e) != 0 || run_alone(&d, e) != 0 ||
	    store(&d, &r, &is_new, op, e) != 0)
		return -1;
	path = arena_fmt(&c->arena, "%s/operationStatuses/%s", r.id, op);
	if (path == NULL)
		return err_nomem(e);
	if (api_async_headers(c, path, NULL, e) != 0)
		return -1;
	return api_json(c, is_new ? 201 : 200, api_resource_json(&r), e);
}

int deployment_validate(struct api_call *c, struct err *e)
{
	auto_deployment struct deployment d = { 0 };
	auto_json json_t *resources = json_array(), *props = NULL;

	if (deployment_open(c, &d, e) != 0)
		return -1;
	for (size_t i = 0; i < template_count(d.t); i++)
		if (!template_at(d.t, i)->skipped && json_array_append_new(resources,
		    json_pack("{s:s}", "id", template_at(d.t, i)->id)) != 0)
			return err_nomem(e);
	props = deployment_properties(&d, OP_SUCCEEDED);
	if (props == NULL || json_object_set(props, "validatedResources", resources) != 0)
		return err_nomem(e);
	return api_json(c, 200, json_pack("{s:s,s:s,s:s,s:O}", "id", d.id, "name", c->param[2],
	    "type", TYPE_DEPLOYMENT, "properties", props), e);
}
