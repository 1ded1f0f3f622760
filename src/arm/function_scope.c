/* function_scope.c - functions of the template language that ask for the template's own parts, for
 * where it goes, and for resources.  See template_state.h. */
#include "arm/template_state.h"

#include <stdio.h>

#include "arm/id.h"

static int parameter(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const char *name;

	return function_text(args, 0, &name, e) != 0 ? -1 : template_parameter(t, name, ret, e);
}

static int variable(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const char *name;

	return function_text(args, 0, &name, e) != 0 ? -1 : template_variable(t, name, ret, e);
}

static int copy_index(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	const struct loop *loop = t->loop;
	bool is_named = json_is_string(json_array_get(args, 0));
	size_t offset_at = is_named ? 1 : 0;
	const char *name;
	int64_t offset = 0, n;

	if (json_array_size(args) > offset_at && function_int(args, offset_at, &offset, e) != 0)
		return -1;
	if (is_named) {
		if (function_text(args, 0, &name, e) != 0)
			return -1;
		while (loop != NULL && !str_ieq(str_c(loop->name), str_c(name)))
			loop = loop->up;
	}
	if (loop == NULL)
		return template_wrong(
		    e, "there is no copy loop%s around it", is_named ? " of that name" : "");
	if (__builtin_add_overflow(loop->index, offset, &n))
		return function_wrong(offset_at, "a small number", e);
	*ret = json_integer(n);
	return *ret != NULL ? 0 : err_nomem(e);
}

/* The argument that is a type: the first one with a slash. */
static int find_type(const json_t *args, size_t most, size_t *ret, struct err *e)
{
	for (size_t i = 0; i < json_array_size(args) && i <= most; i++) {
		const char *v;

		if (function_text(args, i, &v, e) != 0)
			return -1;
		if (strchr(v, '/') != NULL) {
			*ret = i;
			return 0;
		}
	}
	return template_wrong(e, "a type such as 'Microsoft.Compute/disks' is expected among the "
	    "first %zu arguments", most + 1);
}

/* "/providers/Namespace/type/name..." of a type and the names behind it. */
static int add_names(struct buf *b, const json_t *args, size_t type_at, struct err *e)
{
	const char *type = json_string_value(json_array_get(args, type_at)), *name;
	size_t n = strcspn(type, "/"), at = type_at + 1;

	buf_addf(b, "/providers/%.*s", (int)n, type);
	for (type += n; *type != '\0'; type += 1 + n, at++) {
		if (at == json_array_size(args))
			return template_wrong(
			    e, "there are fewer names than the type has segments");
		if (function_text(args, at, &name, e) != 0)
			return -1;
		n = strcspn(type + 1, "/");
		buf_addf(b, "/%.*s/%s", (int)n, type + 1, name);
	}
	if (at < json_array_size(args))
		return template_wrong(e, "there are more names than the type has segments");
	return buf_ok(b, e);
}

static int answer_id(struct template *t, const struct buf *b, json_t **ret, struct err *e)
{
	struct arm_id id;
	const char *text;

	(void)t;
	if (arm_id_parse(buf_str(b), &id, e) != 0)
		return template_wrong(e, "%.250s", e->msg);
	text = arm_id_canonical(&t->arena, &id);
	*ret = text != NULL ? json_string(text) : NULL;
	return *ret != NULL ? 0 : err_nomem(e);
}

/* ([subscription,] [group,] type, names...) */
static int resource_id(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const char *subscription = t->scope->subscription, *group = t->scope->group;
	size_t type_at = 0;

	if (find_type(args, 2, &type_at, e) != 0)
		return -1;
	if (type_at > 0)
		group = json_string_value(json_array_get(args, type_at - 1));
	if (type_at > 1)
		subscription = json_string_value(json_array_get(args, 0));
	buf_addf(&b, "/subscriptions/%s/resourceGroups/%s", subscription, group);
	return add_names(&b, args, type_at, e) != 0 ? -1 : answer_id(t, &b, ret, e);
}

static int subscription_resource_id(struct template *t, const json_t *args, json_t **ret,
    struct err *e)
{
	auto_buf struct buf b = { 0 };
	size_t type_at = 0;

	if (find_type(args, 1, &type_at, e) != 0)
		return -1;
	buf_addf(&b, "/subscriptions/%s", type_at > 0 ?
	    json_string_value(json_array_get(args, 0)) : t->scope->subscription);
	return add_names(&b, args, type_at, e) != 0 ? -1 : answer_id(t, &b, ret, e);
}

static int scope_value(json_t *v, json_t **ret, struct err *e)
{
	if (v == NULL)
		return template_wrong(e, "there is none here");
	*ret = json_incref(v);
	return 0;
}

static int resource_group(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)args;
	return scope_value(t->scope->group_json, ret, e);
}

static int subscription(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)args;
	return scope_value(t->scope->subscription_json, ret, e);
}

static int deployment(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	(void)args;
	return scope_value(t->scope->deployment_json, ret, e);
}

/* (name or id [, version] [, 'Full']): a resource's properties, or all of it. */
static int reference(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	auto_json json_t *whole = NULL;
	struct planned *own = NULL;
	const char *name, *version = NULL, *full = "";
	json_t *v;

	if (function_text(args, 0, &name, e) != 0 ||
	    (json_array_size(args) > 1 && function_text(args, 1, &version, e) != 0) ||
	    (json_array_size(args) > 2 && function_text(args, 2, &full, e) != 0))
		return -1;
	if (!t->may_refer || t->scope->get == NULL)
		return template_wrong(
		    e, "it may be used in the properties of resources and in outputs only");
	if (template_find(t, name, &own, e) < 0)
		return -1;
	if (own == NULL && name[0] != '/')
		return template_wrong(
		    e, "the resource '%.200s' is not defined in the template", name);
	if (version == NULL && own != NULL)
		version = own->shown.version;
	if (own != NULL)
		name = own->shown.id;
	if (t->scope->get(t->scope->arg, name, version, &whole, e) != 0)
		return -1;
	v = str_ieq(str_c(full), STR("Full")) ? whole : template_member(whole, "properties");
	*ret = v != NULL ? json_incref(v) : json_object();
	return *ret != NULL ? 0 : err_nomem(e);
}

/* 64 bits of the arguments' bytes (FNV-1a, then the end of MurmurHash3).  Not Azure's values, which
 * are not published; like them, the same for the same arguments. */
static int hash(const json_t *args, uint64_t seed, uint64_t *ret, struct err *e)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
	const char *p;

	for (size_t i = 0; i < json_array_size(args); i++) {
		if (function_text(args, i, &p, e) != 0)
			return -1;
		do {
			h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
		} while (*p++ != '\0');
	}
	h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	*ret = h ^ (h >> 33);
	return 0;
}

static int unique_string(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char text[14] = "";
	uint64_t h;

	(void)t;
	if (hash(args, 0, &h, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(text) - 1; i++, h >>= 5)
		text[i] = digits[h & 31];
	*ret = json_string(text);
	return *ret != NULL ? 0 : err_nomem(e);
}

/* A name-based GUID (version 5 of RFC 9562 in its looks). */
static int guid(struct template *t, const json_t *args, json_t **ret, struct err *e)
{
	uint64_t high, low;
	char text[40];

	(void)t;
	if (hash(args, 1, &high, e) != 0 || hash(args, 2, &low, e) != 0)
		return -1;
	high = (high & ~UINT64_C(0xf000)) | 0x5000;
	low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
	(void)snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
	    (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
	    (unsigned long long)(low & UINT64_C(0xffffffffffff)));
	*ret = json_string(text);
	return *ret != NULL ? 0 : err_nomem(e);
}

const struct function scope_functions[] = {
	{ "parameters", 1, 1, parameter },
	{ "variables", 1, 1, variable },
	{ "copyIndex", 0, 2, copy_index },
	{ "resourceId", 2, -1, resource_id },
	{ "subscriptionResourceId", 2, -1, subscription_resource_id },
	{ "resourceGroup", 0, 0, resource_group },
	{ "subscription", 0, 0, subscription },
	{ "deployment", 0, 0, deployment },
	{ "reference", 1, 3, reference },
	{ "uniqueString", 1, -1, unique_string },
	{ "guid", 1, -1, guid },
	{ 0 },
};
