/* replica_find.c - the copy of a vault by the vault's ARM id. */
#include "work/replicas.h"

struct search {
	const struct region_settings *region;	/* NULL: any of this server's own */
	const char *vault_id;
	const char *found_region;
	struct vault *found;
	int64_t made_us;
	struct err why;		/* a copy that cannot be read: which vault it is of is not known */
};

static bool is_asked(const struct search *s, const struct replica_info *x)
{
	return s->region != NULL ? s->region == x->region : region_is_here(x->region);
}

static int match(void *arg, const struct replica_info *x, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (!is_asked(s, x))
		return 0;
	if (x->vault == NULL) {
		s->why = *x->why;
		return 0;
	}
	/* A vault that was deleted while its copy was out of reach left that behind, and another one
	 * may have its id since. */
	if (!str_ieq(str_c(x->vault_id), str_c(s->vault_id)) || x->made_us < s->made_us)
		return 0;
	s->found_region = x->region->name;
	s->found = x->vault;
	s->made_us = x->made_us;
	return 0;
}

/* The stores come first: a newer copy may have come.  What cannot be read matters only if nothing is found. */
static int find(struct world *w, struct search *s, struct err *e)
{
	int scanned = replicas_scan(w, &s->why);

	if (replicas_each(w, match, s, e) != 0)
		return -1;
	if (s->found != NULL)
		return 1;
	if (scanned == 0 && s->why.kind == ERR_NONE)
		return 0;
	*e = s->why;
	return -1;
}

int replica_open(struct world *w, const char *region, const char *vault_id, struct vault **ret,
    struct err *e)
{
	struct search s = { .region = settings_region(w->settings, region), .vault_id = vault_id };
	int found;

	if (s.region == NULL)
		return err_set(e, ERR_INVALID, "region '%s' is not configured", region);
	if (s.region->store == NULL)
		return err_set(e, ERR_INVALID, "the store of region '%s' is out of this server's "
		    "reach", s.region->name);
	found = find(w, &s, e);
	if (found > 0)
		*ret = s.found;
	return found;
}

int replica_find(struct world *w, const char *vault_id, const char **ret_region, struct vault **ret,
    struct err *e)
{
	struct search s = { .vault_id = vault_id };
	int found = find(w, &s, e);

	if (found > 0) {
		*ret_region = s.found_region;
		*ret = s.found;
	}
	return found;
}
