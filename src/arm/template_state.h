/* template_state.h - an open template, for the files that make one up: template.c (parts),
 * template_parameter.c, template_variable.c, template_plan.c and template_order.c (resources),
 * template_value.c (values), function*.c (what expressions may call). */
#ifndef ARM_TEMPLATE_STATE_H
#define ARM_TEMPLATE_STATE_H

#include "arm/expression.h"
#include "arm/template.h"
#include "base/arena.h"
#include "base/buf.h"

/* A copy loop that runs around what is looked at. */
struct loop {
	const char *name;
	int64_t index;
	const struct loop *up;
};

/* One of the resources that another depends on. */
struct need {
	struct planned *on;
	struct need *next;
};

struct planned {
	struct template_resource shown;
	const json_t *source;
	size_t index;			/* of the source among the template's resources */
	struct loop loop;	/* name NULL: in none */
	bool refers;		/* its document needs reference() */
	json_t *body;		/* made already unless it refers */
	struct need *first_need, *last_need;
	size_t need_count, place;
	enum { PLAN_NEW, PLAN_BUSY, PLAN_DONE } state;
};

struct template {
	struct arena arena;
	const struct template_scope *scope;
	json_t *document, *given;	/* owned */
	json_t *parameters;		/* values by name */
	json_t *variables;		/* values by name, as far as asked for */
	json_t *busy; /* parameters and variables that are being worked out */
	struct planned *resource;
	size_t count, cap;
	size_t needs;			/* of all resources */
	struct planned **order;
	const struct loop *loop;	/* innermost */
	bool may_refer;			/* reference() is allowed here */
	unsigned depth;
	int64_t budget;
	char path[256];			/* of what is looked at; stays at what failed */
};

/* ERR_INVALID, InvalidTemplate; -1. */
int template_wrong(struct err *e, const char *fmt, ...) printf_like(2, 3);
#define template_wrong(...) ((void)template_wrong(__VA_ARGS__), -1)

/* Go to a member or element of where we are, and back to a place that was left. */
size_t template_enter(struct template *t, const char *key);
size_t template_enter_index(struct template *t, size_t i);
void template_leave(struct template *t, size_t mark);

/* A member by name, any casing; NULL if there is none. Borrowed. */
json_t *template_member(const json_t *object, const char *name);

/* ---- template_value.c ---- */

/* `v` with all expressions in it worked out and its property loops run.  New reference. */
must_check int template_value(struct template *t, const json_t *v, json_t **ret, struct err *e);
must_check int template_node(struct template *t, const struct node *n, json_t **ret,
    struct err *e);
/* The same for a text that must come out as one; the arena's. */
must_check int template_text(struct template *t, const json_t *v, const char **ret, struct err *e);
/* Take the whole size of `v` from what the template may still make. */
must_check int template_charge(struct template *t, const json_t *v, struct err *e);

/* ---- template_parameter.c ---- */
must_check int template_check_parameters(struct template *t, struct err *e);
must_check int template_parameter(struct template *t, const char *name, json_t **ret,
    struct err *e);
/* Is `v` of the declared type ("string", any casing)? */
must_check int template_check_type(const char *type, const json_t *v, struct err *e);
bool template_type_secure(const char *type);

/* ---- template_variable.c ---- */
must_check int template_check_variables(struct template *t, struct err *e);
must_check int template_variable(struct template *t, const char *name, json_t **ret,
    struct err *e);
/* How often a loop {"name","count"} runs, and its name. */
must_check int template_loop(struct template *t, const json_t *copy, const char **ret_name,
    int64_t *ret_count, struct err *e);
/* Run the property loop {"name","count","input"} into a member of `out`. */
must_check int template_run_loop(struct template *t, const json_t *copy, json_t *out,
    struct err *e);

/* ---- template_plan.c, template_order.c ---- */
must_check int template_plan(struct template *t, struct err *e);
must_check int template_order(struct template *t, struct err *e);
must_check int template_make_body(struct template *t, struct planned *p, json_t **ret,
    struct err *e);
/* The template's resource that a name, "Namespace/type/name" or an id means: 1; 0 if there is none,
 * *ret is then NULL; -1 if there are several. */
must_check int template_find(struct template *t, const char *name, struct planned **ret,
    struct err *e);

/* ---- function.c ---- */

/* A function works on its arguments, an array; the result is a new reference. */
typedef int function_fn(struct template *t, const json_t *args, json_t **ret, struct err *e);
struct function {
	const char *name;
	int least, most;	/* arguments; most -1: any number */
	function_fn *fn;
};
extern const struct function text_functions[], list_functions[], logic_functions[],
    scope_functions[];	/* end with name NULL */
const struct function *function_find(const char *name);

/* Arguments by place, counted from 0; errors count from 1. */
must_check int function_text(const json_t *args, size_t i, const char **ret, struct err *e);
must_check int function_int(const json_t *args, size_t i, int64_t *ret, struct err *e);
must_check int function_bool(const json_t *args, size_t i, bool *ret, struct err *e);
int function_wrong(size_t i, const char *want, struct err *e);

/* A value as string() shows it, appended. */
must_check int function_show(const json_t *v, struct buf *ret, struct err *e);

#endif
