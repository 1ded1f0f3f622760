/* deployment_run.c - putting a template's resources.  See deployment.h. */
#include "api/deployment.h"

#include "api/inner.h"
#include "base/clock.h"
#include "base/codec.h"

/* How one resource went. */
struct outcome {
	int status;
	const char *code, *message;	/* of a failure; NULL: it is made */
	int64_t start_us, end_us;
};

static json_t *target_json(const struct template_resource *r)
{
	return json_pack("{s:s,s:s,s:s}", "id", r->id, "resourceType", r->type, "resourceName",
	    r->name);
}

static int record(struct deployment *d, const struct template_resource *r, const struct outcome *o,
    struct err *e)
{
	char op[GUID_SIZE], when[TIME_TEXT_MAX], duration[TIME_TEXT_MAX];
	const char *id = arena_fmt(&d->c->arena, "%s/operations/%s", d->id, guid_new(op));
	json_t *message = o->code == NULL ? NULL :
	    json_pack("{s:{s:s,s:s}}", "error", "code", o->code, "message", o->message);
	json_t *row = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s,s:i,s:o*,s:o}}", "id", id,
	    "operationId", op, "properties", "provisioningOperation", "Create", "provisioningState",
	    o->code == NULL ? "Succeeded" : "Failed", "timestamp", time_iso(o->end_us, when),
	    "duration", time_duration(o->end_us - o->start_us, duration), "statusCode", o->status,
	    "statusMessage", message, "targetResource", target_json(r));

	if (json_array_append_new(d->operations, row) != 0)
		return err_nomem(e);
	if (o->code == NULL && json_array_append_new(d->made, json_pack("{s:s}", "id", r->id)) != 0)
		return err_nomem(e);
	return 0;
}

/* The deployment's error: what the resource's own request said, under the words that clients look
 * for. */
static int fail(struct deployment *d, const struct template_resource *r, const struct outcome *o,
    struct err *e)
{
	const char *text = arena_fmt(&d->c->arena,
	    "At least one resource deployment operation failed. Please list deployment operations "
	    "for details. The resource '%s' failed: %s: %s", r->id, o->code, o->message);

	d->error = json_pack("{s:s,s:s,s:[{s:s,s:s,s:s}]}", "code", "DeploymentFailed", "message",
	    text, "details", "code", o->code, "target", r->id, "message", o->message);
	return d->error != NULL ? 0 : err_nomem(e);
}

/* The document could not be made: the template's fault, shown as the resource's. */
static int take_error(struct api_call *c, const struct err *why, struct outcome *o, struct err *e)
{
	if (why->kind != ERR_INVALID) {
		*e = *why;
		return -1;
	}
	o->status = 400;
	o->code = why->code != NULL ? why->code : "InvalidTemplate";
	o->message = arena_dup(&c->arena, why->msg);
	return o->message != NULL ? 0 : err_nomem(e);
}

static int put_one(struct deployment *d, size_t i, struct outcome *o, struct err *e)
{
	const struct template_resource *r = template_at(d->t, i);
	auto_inner struct inner answer = { 0 };
	auto_json json_t *body = NULL;
	const char *query = arena_fmt(&d->c->arena, "api-version=%s", r->version);
	struct err why = { 0 };

	if (query == NULL)
		return err_nomem(e);
	if (template_body(d->t, i, &body, &why) != 0)
		return take_error(d->c, &why, o, e);
	if (inner_request(d->c, "PUT", r->id, query, body, &answer, e) != 0)
		return -1;
	o->status = answer.status;
	o->code = answer.code;
	o->message = answer.message;
	return 0;
}

static int make_outputs(struct deployment *d, struct err *e)
{
	struct err why = { 0 };

	if (template_outputs(d->t, &d->outputs, &why) == 0)
		return 0;
	if (why.kind != ERR_INVALID) {
		*e = why;
		return -1;
	}
	d->error = json_pack("{s:s,s:s}", "code", "DeploymentOutputEvaluationFailed", "message",
	    why.msg);
	return d->error != NULL ? 0 : err_nomem(e);
}

int deployment_run(struct deployment *d, struct err *e)
{
	const struct clock *clock = d->c->world->clock;

	d->operations = json_array();
	d->made = json_array();
	if (d->operations == NULL || d->made == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < template_count(d->t) && d->error == NULL; i++) {
		const struct template_resource *r = template_at(d->t, i);
		struct outcome o = { .start_us = clock_now_us(clock) };

		if (r->skipped)
			continue;
		if (put_one(d, i, &o, e) != 0)
			return -1;
		o.end_us = clock_now_us(clock);
		if (record(d, r, &o, e) != 0 || (o.code != NULL && fail(d, r, &o, e) != 0))
			return -1;
	}
	if (d->error == NULL && make_outputs(d, e) != 0)
		return -1;
	d->end_us = clock_now_us(clock);
	return 0;
}
