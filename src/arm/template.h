/* template.h - ARM deployment templates: what is to be made, in which order, with which documents.
 * Source: learn.microsoft.com "Template structure and syntax" and "ARM template functions".
 *
 * A template is opened with the values of its parameters.  That checks all of it that does not
 * ask for a resource's state, and puts its resources in order; reference() is looked up when a
 * document is made.  Depends on JSON only.  Errors are ERR_INVALID with the code InvalidTemplate;
 * they name the place in the template and the function.  One thread at a time. */
#ifndef ARM_TEMPLATE_H
#define ARM_TEMPLATE_H

#include "base/base.h"
#include "json/json.h"

#define TEMPLATE_RESOURCES_MAX 800	/* as in Azure; also the most that one copy loop makes */
#define TEMPLATE_NAMES_MAX 256		/* parameters; variables */
#define TEMPLATE_OUTPUTS_MAX 64
#define TEMPLATE_NEEDS_MAX 10000	/* dependencies of all resources: each is listed in answers */
#define TEMPLATE_BUDGET (16 << 20)	/* bytes and members of all that functions answer */

/* The resource `id` as its GET shows it, in `version` (NULL: not said).  New reference. */
typedef int template_get_fn(void *arg, const char *id, const char *version, json_t **ret,
    struct err *e);

/* What functions know of where the template goes.  All borrowed while the template is open. */
struct template_scope {
	const char *subscription, *group;	/* GUID and name */
	json_t *subscription_json, *group_json, *deployment_json; /* subscription(), … answer */
	template_get_fn *get;
	void *arg;
};

struct template_resource {
	const char *id, *type, *name, *version;
	bool skipped;		/* its condition is false */
	const size_t *after;	/* places in the order of those it depends on */
	size_t after_count;
};

struct template;
must_check int template_open(const json_t *document, const json_t *parameters,
    const struct template_scope *scope, struct template **ret, struct err *e);
void template_free(struct template *t);	/* NULL is fine */
static inline void template_free_p(struct template **t)
{
	template_free(*t);
}
#define auto_template cleanup_with(template_free_p)

/* Resources in an order in which they can be made. */
size_t template_count(const struct template *t);
const struct template_resource *template_at(const struct template *t, size_t i);

/* The document of a PUT: the resource without type, name, apiVersion and what else is the
 * template's own.  New reference. */
must_check int template_body(struct template *t, size_t i, json_t **ret, struct err *e);

/* {"name":{"type","value"}} once all resources are there.  New reference. */
must_check int template_outputs(struct template *t, json_t **ret, struct err *e);

/* {"name":{"type","value"}}, without the values of secure ones.  New reference, NULL out of
 * memory. */
json_t *template_parameters(const struct template *t);

#endif
