/* template_parameter.c - declared parameters and the values given to them.  See
 * template_state.h. */
#include "arm/template_state.h"

static const struct type {
	const char *name;
	bool secure;
	json_type json;
} types[] = {
	{ "string", false, JSON_STRING }, { "securestring", true, JSON_STRING },
	{ "int", false, JSON_INTEGER }, { "bool", false, JSON_TRUE },
	{ "object", false, JSON_OBJECT }, { "secureobject", true, JSON_OBJECT },
	{ "array", false, JSON_ARRAY },
};

static const struct type *type_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ieq(str_c(types[i].name), str_c(name)))
			return &types[i];
	return NULL;
}

bool template_type_secure(const char *type)
{
	const struct type *known = type_named(type);

	return known != NULL && known->secure;
}

int template_check_type(const char *type, const json_t *v, struct err *e)
{
	const struct type *known = type_named(type);

	if (known == NULL)
		return template_wrong(e, "type: '%.60s' is not one of string, securestring, int, "
		    "bool, object, secureObject and array", type);
	if (known->json == JSON_TRUE ? !json_is_boolean(v) : json_typeof(v) != known->json)
		return template_wrong(e, "the value is not of the declared type '%s'", known->name);
	return 0;
}

static int check_allowed(const json_t *declared, const json_t *v, struct err *e)
{
	const json_t *allowed = template_member(declared, "allowedValues");
	json_t *x;
	size_t i;

	if (allowed == NULL)
		return 0;
	json_array_foreach(allowed, i, x)
		if (json_equal(x, v) || (json_is_string(x) && json_is_string(v) &&
		    str_ieq(str_c(json_string_value(x)), str_c(json_string_value(v)))))
			return 0;
	return template_wrong(e, "the value is not one of allowedValues");
}

/* Length of texts and lists, or the number itself. */
static int check_range(const json_t *declared, const char *least, const char *most, int64_t n,
    struct err *e)
{
	const json_t *low = template_member(declared, least);
	const json_t *high = template_member(declared, most);

	if ((low != NULL && !json_is_integer(low)) || (high != NULL && !json_is_integer(high)))
		return template_wrong(e, "%s and %s are numbers", least, most);
	if (low != NULL && n < json_integer_value(low))
		return template_wrong(e, "%lld is less than %s %lld", (long long)n, least,
		    (long long)json_integer_value(low));
	if (high != NULL && n > json_integer_value(high))
		return template_wrong(e, "%lld is more than %s %lld", (long long)n, most,
		    (long long)json_integer_value(high));
	return 0;
}

static int check_value(const json_t *declared, const json_t *v, struct err *e)
{
	const char *type = jstr(declared, "type", "");

	if (template_check_type(type, v, e) != 0 || check_allowed(declared, v, e) != 0)
		return -1;
	if (json_is_integer(v))
		return check_range(declared, "minValue", "maxValue", json_integer_value(v), e);
	if (json_is_string(v) || json_is_array(v))
		return check_range(declared, "minLength", "maxLength", json_is_string(v) ?
		    (int64_t)json_string_length(v) : (int64_t)json_array_size(v), e);
	return 0;
}

/* What the request gives: taken as it is, expressions are not worked out in it. */
static int given_value(const struct template *t, const char *name, json_t **ret, struct err *e)
{
	json_t *given = template_member(t->given, name), *v;

	if (given == NULL)
		return 0;
	v = template_member(given, "value");
	if (v == NULL && template_member(given, "reference") != NULL)
		return template_wrong(e, "a reference to a key vault is not supported here; give "
		    "the value");
	if (v == NULL)
		return template_wrong(e, "an object with a value is expected");
	*ret = json_incref(v);
	return 1;
}

static int find_value(struct template *t, const char *name, const json_t *declared, json_t **ret,
    struct err *e)
{
	const json_t *preset = template_member(declared, "defaultValue");
	int got = given_value(t, name, ret, e);

	if (got != 0)
		return got < 0 ? -1 : 0;
	if (preset == NULL)
		return template_wrong(
		    e, "the value for the template parameter '%.60s' is not provided", name);
	return template_value(t, preset, ret, e);
}

int template_parameter(struct template *t, const char *name, json_t **ret, struct err *e)
{
	const json_t *declared = template_member(jat(t->document, "parameters"), name);
	auto_json json_t *v = NULL;
	json_t *made = template_member(t->parameters, name);
	char place[sizeof(t->path)];
	int r;

	if (made != NULL) {
		*ret = json_incref(made);
		return 0;
	}
	if (declared == NULL)
		return template_wrong(e, "the parameter '%.60s' is not declared", name);
	if (template_member(t->busy, name) != NULL)
		return template_wrong(e, "the parameter '%.60s' depends on itself", name);
	memcpy(place, t->path, sizeof(place));
	template_leave(t, 0);
	(void)template_enter(t, "parameters");
	(void)template_enter(t, name);
	r = jset(t->busy, name, json_true(), e) != 0 || find_value(t, name, declared, &v, e) != 0 ||
	    check_value(declared, v, e) != 0 ? -1 : jset(t->parameters, name, json_incref(v), e);
	(void)json_object_del(t->busy, name);
	if (r != 0)
		return -1;
	memcpy(t->path, place, sizeof(place));
	*ret = TAKE(v);
	return 0;
}

int template_check_parameters(struct template *t, struct err *e)
{
	json_t *declared = jat(t->document, "parameters"), *x, *v;
	const char *name;

	json_object_foreach(t->given, name, x)
		if (template_member(declared, name) == NULL)
			return template_wrong(e, "the template parameter '%.60s' is given, but not "
			    "declared", name);
	json_object_foreach(declared, name, x) {
		if (!json_is_object(x))
			return template_wrong(e, "the parameter '%.60s' is not an object", name);
		if (template_parameter(t, name, &v, e) != 0)
			return -1;
		json_decref(v);
	}
	return 0;
}

json_t *template_parameters(const struct template *t)
{
	auto_json json_t *out = json_object();
	json_t *declared = jat(t->document, "parameters"), *v;
	const char *name;

	json_object_foreach(t->parameters, name, v) {
		const char *type = jstr(template_member(declared, name), "type", "");
		json_t *shown = json_pack("{s:s,s:O*}", "type", type, "value",
		    template_type_secure(type) ? NULL : v);

		if (json_object_set_new(out, name, shown) != 0)
			return NULL;
	}
	return TAKE(out);
}
