/* template_order.c - what each resource of a template needs, their order, and their documents.  See
 * template_state.h. */
#include "arm/template_state.h"

/* Members of a resource that are the template's own, not the document's. */
static const char *const own[] = { "type", "name", "apiVersion", "dependsOn", "condition", "copy",
	"comments", "metadata", NULL };

static bool is_own(const char *key)
{
	for (const char *const *k = own; *k != NULL; k++)
		if (str_ieq(str_c(*k), str_c(key)))
			return true;
	return false;
}

static int add_need(struct template *t, struct planned *p, struct planned *other, struct err *e)
{
	struct need *need;

	if (other == p)
		return template_wrong(e, "the resource '%.200s' depends on itself", p->shown.id);
	for (need = p->first_need; need != NULL; need = need->next)
		if (need->on == other)
			return 0;
	if (t->needs++ == TEMPLATE_NEEDS_MAX)
		return template_wrong(e, "more than %d dependencies between resources",
		    TEMPLATE_NEEDS_MAX);
	need = arena_alloc(&t->arena, sizeof(*need));
	if (need == NULL)
		return err_nomem(e);
	need->on = other;
	if (p->last_need == NULL)
		p->first_need = need;
	else
		p->last_need->next = need;
	p->last_need = need;
	p->need_count++;
	return 0;
}

/* What template_find() knows, or the name of a copy loop, which is all that it makes. */
static int depend(struct template *t, struct planned *p, const char *name, struct err *e)
{
	struct planned *other = NULL;
	int r = template_find(t, name, &other, e);
	bool found = false;

	if (r != 0)
		return r < 0 ? -1 : add_need(t, p, other, e);
	for (size_t i = 0; i < t->count; i++) {
		struct planned *x = &t->resource[i];

		if (x->loop.name == NULL || !str_ieq(str_c(x->loop.name), str_c(name)))
			continue;
		found = true;
		if (add_need(t, p, x, e) != 0)
			return -1;
	}
	return found ? 0 : template_wrong(e, "the resource '%.200s' is not defined in the template",
	    name);
}

static int read_depends(struct template *t, struct planned *p, struct err *e)
{
	const json_t *list = template_member(p->source, "dependsOn");
	size_t mark = template_enter(t, "dependsOn"), i;
	const char *name;
	json_t *x;

	if (list != NULL && !json_is_array(list))
		return template_wrong(e, "an array is expected");
	json_array_foreach(list, i, x) {
		size_t inner = template_enter_index(t, i);

		if (template_text(t, x, &name, e) != 0 || depend(t, p, name, e) != 0)
			return -1;
		template_leave(t, inner);
	}
	template_leave(t, mark);
	return 0;
}

/* The resource of the template that a first argument names.  A name that cannot be told yet (of a
 * property loop, or of a branch that is not taken) is none. */
static int named(struct template *t, const struct node *arg, struct planned **ret,
    struct err *e)
{
	auto_json json_t *name = NULL;
	size_t mark = strlen(t->path);

	*ret = NULL;
	if (template_node(t, arg, &name, e) != 0) {
		template_leave(t, mark);
		return e->kind == ERR_INVALID ? 0 : -1;
	}
	if (!json_is_string(name))
		return 0;
	return template_find(t, json_string_value(name), ret, e) < 0 ? -1 : 0;
}

/* reference() of another resource of the template makes it needed. */
static int node_refers(struct template *t, struct planned *p, const struct node *n, struct err *e)
{
	struct planned *other;

	for (; n != NULL; n = n->next) {
		if ((n->of != NULL && node_refers(t, p, n->of, e) != 0) ||
		    (n->index != NULL && node_refers(t, p, n->index, e) != 0) ||
		    (n->arg != NULL && node_refers(t, p, n->arg, e) != 0))
			return -1;
		if (n->kind != NODE_CALL || n->arg == NULL ||
		    !str_ieq(str_c(n->text), STR("reference")))
			continue;
		p->refers = true;
		if (named(t, n->arg, &other, e) != 0 ||
		    (other != NULL && add_need(t, p, other, e) != 0))
			return -1;
	}
	return 0;
}

static int value_refers(struct template *t, struct planned *p, const json_t *v, struct err *e)
{
	const struct node *n;
	const char *key;
	json_t *x;
	size_t i;

	json_array_foreach(v, i, x)
		if (value_refers(t, p, x, e) != 0)
			return -1;
	if (json_is_object(v))
		json_object_foreach((json_t *)(uintptr_t)v, key, x)
			if (value_refers(t, p, x, e) != 0)
				return -1;
	if (!json_is_string(v) || !expression_is(json_string_value(v)))
		return 0;
	return expression_parse(&t->arena, json_string_value(v), &n, e) != 0 ? -1 :
	    node_refers(t, p, n, e);
}

static int make_members(struct template *t, const json_t *source, json_t *out, struct err *e)
{
	const char *key;
	json_t *x, *v;

	json_object_foreach((json_t *)(uintptr_t)source, key, x) {
		size_t mark = template_enter(t, key);

		if (!is_own(key) && (template_value(t, x, &v, e) != 0 || jset(out, key, v, e) != 0))
			return -1;
		template_leave(t, mark);
	}
	return 0;
}

static void go_to(struct template *t, const struct planned *p)
{
	template_leave(t, 0);
	(void)template_enter(t, "resources");
	(void)template_enter_index(t, p->index);
	t->loop = p->loop.name != NULL ? &p->loop : NULL;
}

int template_make_body(struct template *t, struct planned *p, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_object();
	int r;

	if (p->body != NULL) {
		*ret = json_incref(p->body);
		return 0;
	}
	if (out == NULL)
		return err_nomem(e);
	go_to(t, p);
	t->may_refer = true;
	r = make_members(t, p->source, out, e);
	t->may_refer = false;
	t->loop = NULL;
	if (r == 0)
		*ret = TAKE(out);
	return r;
}

/* A document that needs no resource's state is made at once: what is wrong with it shows before
 * anything is made. */
static int look_at(struct template *t, struct planned *p, struct err *e)
{
	go_to(t, p);
	if (read_depends(t, p, e) != 0)
		return -1;
	if (p->shown.skipped) {
		t->loop = NULL;
		return 0;
	}
	/* read for each turn of a loop, also where the document is not made yet */
	if (template_charge(t, p->source, e) != 0 || value_refers(t, p, p->source, e) != 0)
		return -1;
	t->loop = NULL;
	return p->refers ? 0 : template_make_body(t, p, &p->body, e);
}

static int place_one(struct template *t, struct planned *p, size_t *n, struct err *e)
{
	size_t *after, count = 0;

	if (p->state == PLAN_DONE)
		return 0;
	if (p->state == PLAN_BUSY)
		return template_wrong(e, "circular dependency: the resource '%.200s' needs itself",
		    p->shown.id);
	p->state = PLAN_BUSY;
	after = arena_alloc(&t->arena, (p->need_count + 1) * sizeof(*after));
	if (after == NULL)
		return err_nomem(e);
	for (const struct need *need = p->first_need; need != NULL; need = need->next) {
		if (place_one(t, need->on, n, e) != 0)
			return -1;
		after[count++] = need->on->place;
	}
	p->state = PLAN_DONE;
	p->shown.after = after;
	p->shown.after_count = count;
	p->place = *n;
	t->order[(*n)++] = p;
	return 0;
}

int template_order(struct template *t, struct err *e)
{
	size_t n = 0;

	t->order = arena_alloc(&t->arena, (t->count + 1) * sizeof(struct planned *));
	if (t->order == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < t->count; i++)
		if (look_at(t, &t->resource[i], e) != 0)
			return -1;
	template_leave(t, 0);
	for (size_t i = 0; i < t->count; i++)
		if (place_one(t, &t->resource[i], &n, e) != 0)
			return -1;
	return 0;
}
