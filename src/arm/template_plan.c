/* template_plan.c - a template's resources: types, names and ids, loops and conditions.  See
 * template_state.h. */
#include "arm/template_state.h"

#include "arm/id.h"

/* Members that say something which is not done here. */
static const char *const unsupported[] = { "resources", "scope", "resourceGroup", "subscriptionId",
	"existing", NULL };

/* A member of the resource as text. */
static int part(struct template *t, const json_t *source, const char *key, const char **ret,
    struct err *e)
{
	size_t mark = template_enter(t, key);

	if (template_text(t, template_member(source, key), ret, e) != 0)
		return -1;
	template_leave(t, mark);
	return 0;
}

static unsigned segments(const char *text)
{
	unsigned n = 1;

	for (; *text != '\0'; text++)
		n += *text == '/';
	return n;
}

/* Ids are read without their empty segments, so one would make another type of this one. */
static bool has_empty_segment(const char *text)
{
	return text[0] == '\0' || text[0] == '/' || text[strlen(text) - 1] == '/' ||
	    strstr(text, "//") != NULL;
}

/* ".../providers/Namespace/type/name/subtype/subname" of type and name. */
static int make_id(struct template *t, struct template_resource *r, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const char *type = r->type + strcspn(r->type, "/"), *name = r->name;
	struct arm_id id;

	if (has_empty_segment(r->type) || has_empty_segment(r->name))
		return template_wrong(e, "type '%.100s' or name '%.100s' has an empty segment",
		    r->type, r->name);
	if (segments(r->type) != segments(r->name) + 1)
		return template_wrong(e, "name '%.100s' has not as many segments as type '%.100s' "
		    "asks for", r->name, r->type);
	buf_addf(&b, "/subscriptions/%s/resourceGroups/%s/providers/%.*s", t->scope->subscription,
	    t->scope->group, (int)(type - r->type), r->type);
	while (*type != '\0') {
		size_t type_n = strcspn(type + 1, "/"), name_n = strcspn(name, "/");

		buf_addf(&b, "/%.*s/%.*s", (int)type_n, type + 1, (int)name_n, name);
		type += 1 + type_n;
		name += name_n + (name[name_n] == '/');
	}
	if (buf_ok(&b, e) != 0)
		return -1;
	if (arm_id_parse(buf_str(&b), &id, e) != 0)
		return template_wrong(e, "%.250s", e->msg);
	r->id = arm_id_canonical(&t->arena, &id);
	return r->id != NULL ? 0 : err_nomem(e);
}

static int read_condition(struct template *t, const json_t *source, bool *ret_skipped,
    struct err *e)
{
	auto_json json_t *v = NULL;
	const json_t *condition = template_member(source, "condition");

	if (condition == NULL)
		return 0;
	if (template_value(t, condition, &v, e) != 0)
		return err_in(e, "condition");
	if (!json_is_boolean(v))
		return template_wrong(e, "condition: true or false is expected");
	*ret_skipped = !json_is_true(v);
	return 0;
}

static int add_one(struct template *t, const json_t *source, size_t index, const struct loop *loop,
    struct err *e)
{
	struct planned p = { .source = source, .index = index, .loop = *loop };
	struct template_resource *r = &p.shown;

	if (t->count == TEMPLATE_RESOURCES_MAX)
		return template_wrong(e, "more than %d resources", TEMPLATE_RESOURCES_MAX);
	if (part(t, source, "type", &r->type, e) != 0 ||
	    part(t, source, "name", &r->name, e) != 0 ||
	    part(t, source, "apiVersion", &r->version, e) != 0 || make_id(t, r, e) != 0 ||
	    read_condition(t, source, &r->skipped, e) != 0)
		return -1;
	for (size_t i = 0; i < t->count; i++)
		if (arm_id_same(str_c(t->resource[i].shown.id), str_c(r->id)))
			return template_wrong(e, "the resource '%.200s' is defined twice", r->id);
	if (GROW(t->resource, t->count, t->cap, 8, e) != 0)
		return -1;
	t->resource[t->count++] = p;
	return 0;
}

/* The resource, as often as its copy loop says. */
static int add_all(struct template *t, const json_t *source, size_t index, struct err *e)
{
	struct loop loop = { 0 };
	const json_t *copy = template_member(source, "copy");
	int64_t count = 1;

	if (!json_is_object(source))
		return template_wrong(e, "an object is expected");
	for (const char *const *k = unsupported; *k != NULL; k++)
		if (template_member(source, *k) != NULL)
			return template_wrong(e, "'%s' of a resource is not supported here", *k);
	if (copy != NULL && template_loop(t, copy, &loop.name, &count, e) != 0)
		return -1;
	for (; loop.index < count; loop.index++) {
		t->loop = copy != NULL ? &loop : NULL;
		if (add_one(t, source, index, &loop, e) != 0) {
			t->loop = NULL;
			return -1;
		}
		t->loop = NULL;
	}
	return 0;
}

/* "name", "Namespace/type/name" or the whole id. */
static bool is_named(const struct template_resource *r, const char *name)
{
	if (name[0] == '/')
		return arm_id_same(str_c(r->id), str_c(name));
	return str_ieq(str_c(r->name), str_c(name)) ||
	    str_ieq(str_c(strstr(r->id, "/providers/") + strlen("/providers/")), str_c(name));
}

int template_find(struct template *t, const char *name, struct planned **ret, struct err *e)
{
	struct planned *found = NULL;

	t->budget -= (int64_t)t->count / 8;	/* the search costs, too */
	for (size_t i = 0; i < t->count; i++) {
		if (!is_named(&t->resource[i].shown, name))
			continue;
		if (found != NULL)
			return template_wrong(e, "'%.200s' names more than one resource of the "
			    "template; use resourceId()", name);
		found = &t->resource[i];
	}
	*ret = found;
	return found != NULL;
}

int template_plan(struct template *t, struct err *e)
{
	json_t *list = jat(t->document, "resources"), *x;
	size_t i;

	template_leave(t, 0);
	if (template_check_variables(t, e) != 0)
		return -1;
	(void)template_enter(t, "resources");
	json_array_foreach(list, i, x) {
		size_t mark = template_enter_index(t, i);

		if (add_all(t, x, i, e) != 0)
			return -1;
		template_leave(t, mark);
	}
	return template_order(t, e);
}
