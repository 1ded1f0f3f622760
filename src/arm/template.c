/* template.c - opening a template and asking for its parts.  See template.h. */
#include "arm/template_state.h"

#include <stdarg.h>
#include <stdio.h>

int (template_wrong)(struct err *e, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_code(e, ERR_INVALID, "InvalidTemplate", "%s", what);
}

size_t template_enter(struct template *t, const char *key)
{
	size_t n = strlen(t->path);

	(void)snprintf(t->path + n, sizeof(t->path) - n, "%s%s", n > 0 ? "." : "", key);
	return n;
}

size_t template_enter_index(struct template *t, size_t i)
{
	size_t n = strlen(t->path);

	(void)snprintf(t->path + n, sizeof(t->path) - n, "[%zu]", i);
	return n;
}

void template_leave(struct template *t, size_t mark)
{
	t->path[mark] = '\0';
}

json_t *template_member(const json_t *object, const char *name)
{
	json_t *v = json_object_get(object, name);
	const char *key;

	if (v != NULL || !json_is_object(object))
		return v;
	json_object_foreach((json_t *)(uintptr_t)object, key, v)
		if (str_ieq(str_c(key), str_c(name)))
			return v;
	return NULL;
}

/* The message of a failure, with its place in the template. */
static int explain(const struct template *t, struct err *e)
{
	char what[sizeof(e->msg)];

	if (e->kind != ERR_INVALID)
		return -1;
	memcpy(what, e->msg, sizeof(what));
	return err_code(e, ERR_INVALID, e->code,
	    "Deployment template validation failed: '%.200s%s%.250s'", t->path,
	    t->path[0] != '\0' ? ": " : "", what);
}

/* Parts of the language that are not here: better refused than done in another way. */
static int check_unsupported(const json_t *document, struct err *e)
{
	if (json_is_object(jat(document, "resources")))
		return template_wrong(e, "resources: symbolic names (languageVersion 2.0) are not "
		    "supported here");
	if (json_array_size(jat(document, "functions")) > 0)
		return template_wrong(e, "functions: a template's own functions are not supported "
		    "here");
	return 0;
}

static int check_names(const json_t *document, const char *section, size_t most, struct err *e)
{
	json_t *v = NULL;

	if (jget_obj(document, section, &v, e) < 0)
		return template_wrong(e, "%.200s", e->msg);
	if (json_object_size(v) > most)
		return template_wrong(e, "%s: more than %zu", section, most);
	return 0;
}

static int check_sections(struct template *t, struct err *e)
{
	const json_t *d = t->document;
	const char *schema;

	if (!json_is_object(d))
		return template_wrong(e, "the template is not a JSON object");
	if (jneed_str(d, "$schema", &schema, e) != 0)
		return template_wrong(e, "%.200s", e->msg);
	if (strstr(schema, "/deploymentTemplate.json") == NULL)
		return template_wrong(e, "$schema: '%.150s' is not that of a template for a "
		    "resource group", schema);
	if (check_unsupported(d, e) != 0 ||
	    check_names(d, "parameters", TEMPLATE_NAMES_MAX, e) != 0 ||
	    check_names(d, "variables", TEMPLATE_NAMES_MAX, e) != 0 ||
	    check_names(d, "outputs", TEMPLATE_OUTPUTS_MAX, e) != 0)
		return -1;
	if (!json_is_array(jat(d, "resources")))
		return template_wrong(e, "resources: required, and an array");
	return 0;
}

int template_open(const json_t *document, const json_t *parameters,
    const struct template_scope *scope, struct template **ret, struct err *e)
{
	auto_template struct template *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	t->scope = scope;
	t->budget = TEMPLATE_BUDGET;
	t->document = json_incref((json_t *)(uintptr_t)document);
	t->given = json_incref((json_t *)(uintptr_t)parameters);
	t->parameters = json_object();
	t->variables = json_object();
	t->busy = json_object();
	if (t->parameters == NULL || t->variables == NULL || t->busy == NULL)
		return err_nomem(e);
	if (check_sections(t, e) != 0 || template_check_parameters(t, e) != 0 ||
	    template_plan(t, e) != 0)
		return explain(t, e);
	*ret = TAKE(t);
	return 0;
}

void template_free(struct template *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++)
		json_decref(t->resource[i].body);
	free(t->resource);
	json_decref(t->document);
	json_decref(t->given);
	json_decref(t->parameters);
	json_decref(t->variables);
	json_decref(t->busy);
	arena_done(&t->arena);
	free(t);
}

size_t template_count(const struct template *t)
{
	return t->count;
}

const struct template_resource *template_at(const struct template *t, size_t i)
{
	return &t->order[i]->shown;
}

static int output_value(struct template *t, const json_t *declared, json_t **ret, struct err *e)
{
	auto_json json_t *v = NULL;
	const char *type;
	json_t *shown;

	if (!json_is_object(declared) || template_member(declared, "value") == NULL)
		return template_wrong(e, "an object with type and value is expected");
	if (template_text(t, template_member(declared, "type"), &type, e) != 0 ||
	    template_value(t, template_member(declared, "value"), &v, e) != 0 ||
	    template_check_type(type, v, e) != 0)
		return -1;
	shown = json_pack("{s:s,s:O*}", "type", type, "value",
	    template_type_secure(type) ? NULL : v);
	if (shown == NULL)
		return err_nomem(e);
	*ret = shown;
	return 0;
}

/* 1 unless its condition is false. */
static int output_wanted(struct template *t, const json_t *declared, struct err *e)
{
	auto_json json_t *v = NULL;
	const json_t *condition = template_member(declared, "condition");

	if (condition == NULL)
		return 1;
	if (template_value(t, condition, &v, e) != 0)
		return -1;
	return json_is_boolean(v) ? json_is_true(v) :
	    template_wrong(e, "condition: true or false is expected");
}

int template_outputs(struct template *t, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_object();
	json_t *declared = jat(t->document, "outputs"), *x, *v;
	const char *name;
	int wanted;

	if (out == NULL)
		return err_nomem(e);
	t->may_refer = true;
	json_object_foreach(declared, name, x) {
		template_leave(t, 0);
		(void)template_enter(t, "outputs");
		(void)template_enter(t, name);
		wanted = output_wanted(t, x, e);
		if (wanted < 0 || (wanted > 0 && output_value(t, x, &v, e) != 0))
			return explain(t, e);
		if (wanted > 0 && jset(out, name, v, e) != 0)
			return -1;
	}
	*ret = TAKE(out);
	return 0;
}

int template_body(struct template *t, size_t i, json_t **ret, struct err *e)
{
	return template_make_body(t, t->order[i], ret, e) != 0 ? explain(t, e) : 0;
}
