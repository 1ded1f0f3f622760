/* template_value.c - working out values: expressions, and what they are inside.  See
 * template_state.h.
 *
 * Small templates can describe huge values (every variable the one before it, twice), so each
 * answer of a function is charged by its whole size. */
#include "arm/template_state.h"

#define DEPTH_MAX 100	/* values inside each other: variables of variables, lists of lists */

/* Size in bytes and members, or -1 if it is more than `most` or too deep. */
static int64_t size_of(const json_t *v, int64_t most, unsigned depth)
{
	int64_t n = 1 + (int64_t)json_string_length(v), inner;
	const char *key;
	json_t *x;
	size_t i;

	if (depth == DEPTH_MAX)
		return -1;
	json_array_foreach(v, i, x) {
		inner = n <= most ? size_of(x, most - n, depth + 1) : -1;
		if (inner < 0)
			return -1;
		n += inner;
	}
	if (json_is_object(v))
		json_object_foreach((json_t *)(uintptr_t)v, key, x) {
			n += (int64_t)strlen(key);
			inner = n <= most ? size_of(x, most - n, depth + 1) : -1;
			if (inner < 0)
				return -1;
			n += inner;
		}
	return n <= most ? n : -1;
}

static int spend(struct template *t, int64_t n, struct err *e)
{
	if (n < 0 || n > t->budget)
		return template_wrong(e, "the template is too large once its expressions are "
		    "worked out");
	t->budget -= n;
	return 0;
}

int template_charge(struct template *t, const json_t *v, struct err *e)
{
	return spend(t, size_of(v, t->budget, 0), e);
}

static int call_function(struct template *t, const struct function *f, const json_t *args,
    json_t **ret, struct err *e)
{
	auto_json json_t *v = NULL;
	size_t n = json_array_size(args);

	if (n < (size_t)f->least || (f->most >= 0 && n > (size_t)f->most))
		return template_wrong(e, "%zu arguments are too %s", n,
		    n < (size_t)f->least ? "few" : "many");
	if (f->fn(t, args, &v, e) != 0 || template_charge(t, v, e) != 0)
		return -1;
	*ret = TAKE(v);
	return 0;
}

static int read_arguments(struct template *t, const struct node *n, json_t *args, struct err *e)
{
	json_t *v;

	for (const struct node *a = n->arg; a != NULL; a = a->next)
		if (template_node(t, a, &v, e) != 0)
			return -1;
		else if (json_array_append_new(args, v) != 0)
			return err_nomem(e);
	return 0;
}

/* if() works out only the value that it answers. */
static int call_if(struct template *t, const struct node *n, json_t **ret, struct err *e)
{
	auto_json json_t *v = NULL;
	const struct node *first = n->arg != NULL ? n->arg->next : NULL;

	if (first == NULL || first->next == NULL || first->next->next != NULL)
		return template_wrong(e, "function 'if': three arguments are expected");
	if (template_node(t, n->arg, &v, e) != 0)
		return -1;
	if (!json_is_boolean(v))
		return template_wrong(e, "function 'if': argument 1: true or false is expected");
	return template_node(t, json_is_true(v) ? first : first->next, ret, e);
}

static int call(struct template *t, const struct node *n, json_t **ret, struct err *e)
{
	auto_json json_t *args = json_array();
	const struct function *f = function_find(n->text);

	if (args == NULL)
		return err_nomem(e);
	if (str_ieq(str_c(n->text), STR("if")))
		return call_if(t, n, ret, e);
	if (f == NULL)
		return template_wrong(e, "function '%.60s' is not known", n->text);
	if (read_arguments(t, n, args, e) != 0)
		return -1;
	return call_function(t, f, args, ret, e) != 0 ? err_in(e, "function '%s'", f->name) : 0;
}

static int member(struct template *t, const struct node *n, json_t **ret, struct err *e)
{
	auto_json json_t *of = NULL;
	json_t *v;

	if (template_node(t, n->of, &of, e) != 0)
		return -1;
	v = template_member(of, n->text);
	if (v == NULL)
		return template_wrong(e, "there is no property '%.100s' in that value", n->text);
	*ret = json_incref(v);
	return 0;
}

static int element(struct template *t, const struct node *n, json_t **ret, struct err *e)
{
	auto_json json_t *of = NULL, *index = NULL;
	json_t *v = NULL;

	if (template_node(t, n->of, &of, e) != 0 || template_node(t, n->index, &index, e) != 0)
		return -1;
	if (json_is_array(of) && json_is_integer(index) && json_integer_value(index) >= 0)
		v = json_array_get(of, (size_t)json_integer_value(index));
	else if (json_is_string(index))
		v = template_member(of, json_string_value(index));
	if (v == NULL && json_is_string(index))
		return template_wrong(e, "there is no property '%.100s' in that value",
		    json_string_value(index));
	if (v == NULL)
		return template_wrong(e, "the index %lld is not in that value",
		    (long long)json_integer_value(index));
	*ret = json_incref(v);
	return 0;
}

int template_node(struct template *t, const struct node *n, json_t **ret, struct err *e)
{
	int r;

	if (t->depth == DEPTH_MAX)
		return template_wrong(e, "values are nested too deeply");
	t->depth++;
	switch (n->kind) {
	case NODE_CALL:
		r = call(t, n, ret, e);
		break;
	case NODE_MEMBER:
		r = member(t, n, ret, e);
		break;
	case NODE_INDEX:
		r = element(t, n, ret, e);
		break;
	default:
		*ret = n->kind == NODE_TEXT ? json_string(n->text) : json_integer(n->number);
		r = *ret != NULL ? 0 : err_nomem(e);
	}
	t->depth--;
	return r;
}

static int text_value(struct template *t, const json_t *v, json_t **ret, struct err *e)
{
	const char *text = json_string_value(v);
	const struct node *n;

	if (expression_is(text))
		return expression_parse(&t->arena, text, &n, e) != 0 ? -1 :
		    template_node(t, n, ret, e);
	*ret = json_string(text[0] == '[' && text[1] == '[' ? text + 1 : text);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int array_value(struct template *t, const json_t *v, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_array();
	json_t *x, *made;
	size_t i, mark;

	if (out == NULL)
		return err_nomem(e);
	json_array_foreach(v, i, x) {
		mark = template_enter_index(t, i);
		if (template_value(t, x, &made, e) != 0)
			return -1;
		if (json_array_append_new(out, made) != 0)
			return err_nomem(e);
		template_leave(t, mark);
	}
	*ret = TAKE(out);
	return 0;
}

static int object_value(struct template *t, const json_t *v, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_object();
	const char *key;
	json_t *x, *made, *copy;
	size_t i, mark;

	if (out == NULL)
		return err_nomem(e);
	json_object_foreach((json_t *)(uintptr_t)v, key, x) {
		mark = template_enter(t, key);
		if (strcmp(key, "copy") == 0 && json_is_array(x)) {
			json_array_foreach(x, i, copy)
				if (template_run_loop(t, copy, out, e) != 0)
					return -1;
		} else if (template_value(t, x, &made, e) != 0 || jset(out, key, made, e) != 0) {
			return -1;
		}
		template_leave(t, mark);
	}
	*ret = TAKE(out);
	return 0;
}

int template_value(struct template *t, const json_t *v, json_t **ret, struct err *e)
{
	int r;

	if (t->depth == DEPTH_MAX)
		return template_wrong(e, "values are nested too deeply");
	if (spend(t, 1 + (int64_t)json_string_length(v), e) != 0) /* loops go over it again */
		return -1;
	t->depth++;
	if (json_is_string(v))
		r = text_value(t, v, ret, e);
	else if (json_is_array(v))
		r = array_value(t, v, ret, e);
	else if (json_is_object(v))
		r = object_value(t, v, ret, e);
	else
		r = (*ret = json_copy((json_t *)(uintptr_t)v)) != NULL ? 0 : err_nomem(e);
	t->depth--;
	return r;
}

int template_text(struct template *t, const json_t *v, const char **ret, struct err *e)
{
	auto_json json_t *made = NULL;
	const char *text;

	if (v == NULL)
		return template_wrong(e, "required, but missing");
	if (template_value(t, v, &made, e) != 0)
		return -1;
	if (!json_is_string(made))
		return template_wrong(e, "a string is expected");
	text = arena_dup(&t->arena, json_string_value(made));
	if (text == NULL)
		return err_nomem(e);
	*ret = text;
	return 0;
}
