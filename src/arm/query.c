/* query.c - query strings.  See id.h. */
#include "arm/id.h"

#include "arm/text.h"

static int add_pair(struct arena *a, struct str raw, struct arm_query *q, struct err *e)
{
	const char *eq = memchr(raw.p, '=', raw.n);
	size_t key_n = eq != NULL ? (size_t)(eq - raw.p) : raw.n;
	struct str key = { raw.p, key_n };
	struct str value = eq != NULL ? (struct str){ eq + 1, raw.n - key_n - 1 } : STR("");
	char *k, *v;

	if (q->count == ARM_QUERY_MAX)
		return err_code(e, ERR_INVALID, "BadRequest",
		    "the query has more than %d parameters", ARM_QUERY_MAX);
	if (text_decode(a, key, true, "query", &k, e) != 0 ||
	    text_decode(a, value, true, "query", &v, e) != 0)
		return -1;
	q->pair[q->count].key = k;
	q->pair[q->count++].value = v;
	return 0;
}

int arm_query_parse(struct arena *a, struct str raw, struct arm_query *ret, struct err *e)
{
	struct arm_query q = { 0 };
	size_t start = 0;

	for (size_t i = 0; i <= raw.n; i++) {
		if (i < raw.n && raw.p[i] != '&')
			continue;
		if (i > start && add_pair(a, (struct str){ raw.p + start, i - start }, &q, e) != 0)
			return -1;
		start = i + 1;
	}
	*ret = q;
	return 0;
}

const char *arm_query_get(const struct arm_query *q, const char *key)
{
	for (unsigned i = 0; i < q->count; i++)
		if (str_ieq(str_c(q->pair[i].key), str_c(key)))
			return q->pair[i].value;
	return NULL;
}
