/* filter.h - the $filter grammar: key eq 'value' (and key eq 'value')*. */
#ifndef ARM_FILTER_H
#define ARM_FILTER_H

#include "base/arena.h"
#include "base/base.h"

#define ARM_FILTER_MAX 12
struct arm_filter {
	struct {
		const char *key, *value;	/* arena's */
	} clause[ARM_FILTER_MAX];
	unsigned count;
};

/* `text` NULL or blank: no clauses.  `keys`: the allowed ones, NULL-terminated,
 * compared without case; another key or bad grammar is ERR_INVALID with code
 * BMSUserErrorInvalidInput naming it.  An empty value '' drops the clause.
 * A doubled quote '' inside a value is one quote (OData). */
must_check int arm_filter_parse(struct arena *a, const char *text, const char *const *keys,
    struct arm_filter *ret, struct err *e);
const char *arm_filter_get(const struct arm_filter *f, const char *key);	/* NULL if absent */

/* A date value in microseconds: 1 found, 0 absent, -1 not a date. */
must_check int arm_filter_time(const struct arm_filter *f, const char *key, int64_t *ret_us,
    struct err *e);

#endif
