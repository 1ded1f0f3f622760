/* deployment_open.c - from a request to an open template.  See deployment.h. */
#include "api/deployment.h"

#include "api/fields.h"
#include "api/inner.h"
#include "api/route.h"

void deployment_done(struct deployment *d)
{
	template_free(d->t);
	json_decref(d->document);
	json_decref(d->parameters);
	json_decref(d->group);
	json_decref(d->subscription);
	json_decref(d->self);
	json_decref(d->operations);
	json_decref(d->made);
	json_decref(d->outputs);
	json_decref(d->error);
}

const char *deployment_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/providers/" TYPE_DEPLOYMENT "/%s", api_group_id(c),
	    c->param[2]);
}

static int check_mode(const json_t *body, struct err *e)
{
	const char *mode;

	if (jneed_str(body, "properties.mode", &mode, e) != 0)
		return -1;
	if (str_ieq(str_c(mode), STR("Complete")))
		return err_code(e, ERR_INVALID, "InvalidDeploymentMode",
		    "properties.mode: Complete, which deletes what the template does not name, is "
		    "not supported here; use Incremental");
	if (!str_ieq(str_c(mode), STR("Incremental")))
		return err_code(e, ERR_INVALID, "InvalidDeploymentMode",
		    "properties.mode: '%.40s' is not Incremental", mode);
	if (jat(body, "properties.onErrorDeployment") != NULL)
		return err_code(e, ERR_INVALID, "InvalidRequestContent",
		    "properties.onErrorDeployment: going back to an earlier deployment is not "
		    "supported here");
	return 0;
}

/* One of the two members: the document itself, or a link to it. */
static int take_one(struct api_call *c, const char *inline_name, const char *link_name,
    json_t **ret, struct err *e)
{
	const char *inline_path = arena_fmt(&c->arena, "properties.%s", inline_name);
	const char *link_path = arena_fmt(&c->arena, "properties.%s", link_name);
	json_t *given = NULL, *link = NULL;

	if (inline_path == NULL || link_path == NULL)
		return err_nomem(e);
	if (jget_obj(c->body, inline_path, &given, e) < 0 ||
	    jget_obj(c->body, link_path, &link, e) < 0)
		return -1;
	if (given != NULL && link != NULL)
		return err_code(e, ERR_INVALID, "InvalidRequestContent",
		    "properties: %s and %s are given, one is allowed", inline_name, link_name);
	if (link != NULL)
		return deployment_fetch(c, link, link_name, ret, e);
	*ret = json_incref(given);
	return 0;
}

/* A file of parameters has them under "parameters". */
static int take_parameters(struct deployment *d, struct err *e)
{
	json_t *inner;

	if (take_one(d->c, "parameters", "parametersLink", &d->parameters, e) != 0)
		return -1;
	if (jat(d->c->body, "properties.parametersLink") == NULL)
		return 0;
	inner = json_incref(jat(d->parameters, "parameters"));
	json_decref(d->parameters);
	d->parameters = inner;
	return 0;
}

static json_t *subscription_json(struct api_call *c)
{
	const char *id = arena_fmt(&c->arena, "/subscriptions/%s", c->world->subscription);

	return json_pack("{s:s,s:s,s:s,s:s}", "id", id, "subscriptionId", c->world->subscription,
	    "tenantId", c->world->tenant, "displayName", "holdfast");
}

/* reference(): the caller's own GET. */
static int get(void *arg, const char *id, const char *version, json_t **ret, struct err *e)
{
	struct deployment *d = arg;
	auto_inner struct inner answer = { 0 };
	const char *query;

	if (!str_istarts(str_c(id), STR("/subscriptions/")))
		return err_code(e, ERR_INVALID, "InvalidTemplate", "'%.200s' is no resource's id",
		    id);
	if (d->lookups++ == DEPLOYMENT_LOOKUPS_MAX)
		return err_code(e, ERR_INVALID, "InvalidTemplate",
		    "the template looks at resources more than %d times", DEPLOYMENT_LOOKUPS_MAX);
	if (version == NULL)
		return err_code(e, ERR_INVALID, "InvalidTemplate",
		    "an api-version is needed for '%.200s', which is not in the template", id);
	query = arena_fmt(&d->c->arena, "api-version=%s", version);
	if (query == NULL)
		return err_nomem(e);
	if (inner_request(d->c, "GET", id, query, NULL, &answer, e) != 0)
		return -1;
	if (!inner_ok(&answer))
		return err_code(e, ERR_INVALID, "InvalidTemplate", "'%.200s': %.30s: %.150s", id,
		    answer.code, answer.message);
	return jparse(buf_str(&answer.body), ret, e);
}

static int fill_scope(struct deployment *d, struct err *e)
{
	auto_resource struct resource group = { 0 };
	struct api_call *c = d->c;

	if (api_find(c, api_group_id(c), &group, e) != 0)
		return -1;
	d->group = api_resource_json(&group);
	d->subscription = subscription_json(c);
	d->self = json_pack("{s:s,s:{s:s}}", "name", c->param[2], "properties", "mode",
	    "Incremental");
	if (d->group == NULL || d->subscription == NULL || d->self == NULL)
		return err_nomem(e);
	d->scope = (struct template_scope){ .subscription = c->world->subscription,
		.group = c->param[1], .subscription_json = d->subscription, .group_json = d->group,
		.deployment_json = d->self, .get = get, .arg = d };
	return 0;
}

static int not_here(const struct template_resource *r, const char *why, struct err *e)
{
	return err_code(e, ERR_INVALID, "InvalidTemplate",
	    "Deployment template validation failed: 'the resource '%.250s' of type '%.80s' %s'",
	    r->id, r->type, why);
}

/* There is a PUT for it, which is done when it answers. */
static int check_resource(const struct template_resource *r, struct err *e)
{
	struct http_req req = { .method = "PUT", .path = str_c(r->id) };
	struct api_call k = { .http = &req };
	char allow[64];
	int found;

	if (str_ieq(str_c(r->type), STR(TYPE_DEPLOYMENT)))
		return not_here(r, "is a deployment: nested ones are not supported here", e);
	if (str_ieq(str_c(r->type), STR(TYPE_ITEM)))
		return not_here(r, "is not made by templates here; protect it by its own PUT", e);
	found = arm_path_split(&k.arena, req.path, &k.path, e) != 0 ? -2 :
	    route_find(api_tables, &k, allow, sizeof(allow));
	arena_done(&k.arena);
	if (found == -2)
		return -1;
	if (found <= 0)
		return not_here(r, "is not served here", e);
	return arm_version_check(r->version,
	    (k.route->flags & API_RS) != 0 ? ARM_RECOVERY_SERVICES : ARM_OTHER, r->type, e);
}

/* az puts a template's text into its request as it is in the file, under a name without quotes. */
static int read_body(struct api_call *c, struct err *e)
{
	if (jparse_relaxed(c->http->body, &c->body, e) != 0)
		return err_http(e, ERR_INVALID, 400, "InvalidRequestContent",
		    "The request content was invalid and could not be deserialized: '%.300s'.",
		    e->msg);
	if (!json_is_object(c->body))
		return err_http(e, ERR_INVALID, 400, "InvalidRequestContent",
		    "The request content was invalid: a JSON object is required.");
	return 0;
}

int deployment_open(struct api_call *c, struct deployment *ret, struct err *e)
{
	json_t *tags;

	ret->c = c;
	ret->id = deployment_id(c);
	if (ret->id == NULL)
		return err_nomem(e);
	if (!fields_name_valid(c->param[2], 64, "-._()"))
		return err_code(e, ERR_INVALID, "InvalidDeploymentName",
		    "deployment name '%.80s' is invalid: 1 to 64 letters, digits, '-', '.', '_', "
		    "'(' and ')'", c->param[2]);
	if (read_body(c, e) != 0 || fields_tags(c->body, &tags, e) < 0 ||
	    check_mode(c->body, e) != 0 ||
	    take_one(c, "template", "templateLink", &ret->document, e) != 0 ||
	    take_parameters(ret, e) != 0)
		return -1;
	if (ret->document == NULL)
		return err_code(e, ERR_INVALID, "InvalidRequestContent",
		    "properties: template or templateLink is required");
	if (fill_scope(ret, e) != 0 ||
	    template_open(ret->document, ret->parameters, &ret->scope, &ret->t, e) != 0)
		return -1;
	for (size_t i = 0; i < template_count(ret->t); i++)
		if (check_resource(template_at(ret->t, i), e) != 0)
			return -1;
	return 0;
}
