/* template_variable.c - variables, and loops that make lists.  See template_state.h. */
#include "arm/template_state.h"

#include <stdio.h>

int template_loop(struct template *t, const json_t *copy, const char **ret_name,
    int64_t *ret_count, struct err *e)
{
	auto_json json_t *count = NULL;
	const char *name;

	if (!json_is_object(copy) || template_member(copy, "count") == NULL)
		return template_wrong(e, "copy: an object with name and count is expected");
	if (template_text(t, template_member(copy, "name"), &name, e) != 0 ||
	    template_value(t, template_member(copy, "count"), &count, e) != 0)
		return err_in(e, "copy");
	if (!json_is_integer(count) || json_integer_value(count) < 0 ||
	    json_integer_value(count) > TEMPLATE_RESOURCES_MAX)
		return template_wrong(e, "copy.count: a number from 0 to %d is expected",
		    TEMPLATE_RESOURCES_MAX);
	*ret_name = name;
	*ret_count = json_integer_value(count);
	return 0;
}

int template_run_loop(struct template *t, const json_t *copy, json_t *out, struct err *e)
{
	auto_json json_t *list = json_array();
	const json_t *input = template_member(copy, "input");
	struct loop loop = { .up = t->loop };
	int64_t count;
	json_t *made;

	if (list == NULL)
		return err_nomem(e);
	if (template_loop(t, copy, &loop.name, &count, e) != 0)
		return -1;
	if (input == NULL)
		return template_wrong(e, "copy.input: required, but missing");
	for (; loop.index < count; loop.index++) {
		t->loop = &loop;
		if (template_value(t, input, &made, e) != 0) {
			t->loop = loop.up;
			return err_in(
			    e, "copy '%.60s', element %lld", loop.name, (long long)loop.index);
		}
		t->loop = loop.up;
		if (json_array_append_new(list, made) != 0)
			return err_nomem(e);
	}
	if (template_charge(t, list, e) != 0)
		return -1;
	return jset(out, loop.name, TAKE(list), e);
}

/* The loop that makes the variable, among those of variables.copy; NULL if none does. */
static const json_t *loop_named(const json_t *variables, const char *name)
{
	const json_t *loops = jat(variables, "copy");
	json_t *x;
	size_t i;

	json_array_foreach(loops, i, x)
		if (str_ieq(str_c(jstr(x, "name", "")), str_c(name)))
			return x;
	return NULL;
}

static int make(struct template *t, const char *name, struct err *e)
{
	const json_t *variables = jat(t->document, "variables");
	const json_t *loop = loop_named(variables, name);
	const json_t *source = template_member(variables, name);
	json_t *v;

	if (loop != NULL)
		return template_run_loop(t, loop, t->variables, e);
	if (source == NULL)
		return template_wrong(e, "the variable '%.60s' is not defined", name);
	return template_value(t, source, &v, e) != 0 ? -1 : jset(t->variables, name, v, e);
}

int template_variable(struct template *t, const char *name, json_t **ret, struct err *e)
{
	char place[sizeof(t->path)], key[140];
	const struct loop *loop = t->loop;
	json_t *made = template_member(t->variables, name);
	int r;

	if (made != NULL) {
		*ret = json_incref(made);
		return 0;
	}
	(void)snprintf(key, sizeof(key), "variable %.120s", name);
	if (template_member(t->busy, key) != NULL)
		return template_wrong(e, "the variable '%.60s' depends on itself", name);
	memcpy(place, t->path, sizeof(place));
	template_leave(t, 0);
	(void)template_enter(t, "variables");
	(void)template_enter(t, name);
	t->loop = NULL;
	r = jset(t->busy, key, json_true(), e) != 0 ? -1 : make(t, name, e);
	t->loop = loop;
	(void)json_object_del(t->busy, key);
	if (r != 0)
		return -1;
	memcpy(t->path, place, sizeof(place));
	*ret = json_incref(template_member(t->variables, name));
	return 0;
}

int template_check_variables(struct template *t, struct err *e)
{
	json_t *all = jat(t->document, "variables"), *x, *v;
	const char *name;
	size_t i;

	json_object_foreach(all, name, x) {
		if (strcmp(name, "copy") == 0 && json_is_array(x))
			continue;
		if (template_variable(t, name, &v, e) != 0)
			return -1;
		json_decref(v);
	}
	json_array_foreach(jat(all, "copy"), i, x) {
		if (template_variable(t, jstr(x, "name", ""), &v, e) != 0)
			return -1;
		json_decref(v);
	}
	return 0;
}
