/* vault_open.c - which vault a verb works with: one of this data directory, or a copy of one; and where
 * either asks for chunks that cannot be read. */
#include "cli/vault.h"

#include "work/archive.h"
#include "work/replicas.h"

struct search {
	const char *name;	/* an id, or its last part */
	const struct region_settings *region;
	const char *store;	/* arena's */
	struct vault *vault;
	struct arena *arena;
	unsigned count;
	struct err why;		/* of a copy that cannot be read */
};

static int match(void *arg, const struct replica_info *x, struct err *e)
{
	struct search *s = arg;
	const char *slash = x->vault_id != NULL ? strrchr(x->vault_id, '/') : NULL;

	if (x->vault == NULL)
		s->why = *x->why;
	if (x->vault == NULL || slash == NULL || (!str_ieq(str_c(x->vault_id), str_c(s->name)) &&
	    !str_ieq(str_c(slash + 1), str_c(s->name))))
		return 0;
	s->count++;
	s->region = x->region;
	s->vault = x->vault;
	s->store = arena_dup(s->arena, x->store);
	return s->store == NULL ? err_nomem(e) : 0;
}

static int open_copy(struct vault_cmd *c, const char *name, struct err *e)
{
	struct search s = { .name = name, .arena = &c->arena };
	int found;

	if (replicas_scan(&c->offline->world, e) != 0 ||
	    replicas_each(&c->offline->world, match, &s, e) != 0)
		return -1;
	if (s.count == 0 && s.why.kind != ERR_NONE) {
		*e = s.why;
		return -1;
	}
	if (s.count != 1)
		return err_set(e, s.count == 0 ? ERR_NOT_FOUND : ERR_INVALID, s.count == 0 ?
		    "no vault is called '%s', nor is there a copy of one" :
		    "there are copies of several vaults called '%s': give the resource id", name);
	resource_done(c->row);
	*c->row = (struct resource){ 0 };
	found = replica_vault(s.vault, c->row, e);
	if (found <= 0)
		return found < 0 ? -1 : err_set(e, ERR_CORRUPT, "the copy does not say what it is of");
	c->vault = s.vault;
	c->copy_region = s.region;
	c->copy_store = s.store;
	return 0;
}

/* ---- the other one of the two ---- */
static struct vault *find_peer(struct vault_cmd *c)
{
	const struct region_settings *to;
	auto_resource struct resource row = { 0 };
	struct world *w = &c->offline->world;
	struct vault *v = NULL;
	struct err ignored;

	if (c->hot != NULL)
		return c->hot;
	if (c->copy_region == NULL)
		return replica_wanted(c->row) &&
		    settings_copy_region(w->settings, c->row->location, &to, &ignored) == 0 &&
		    replica_of(w, c->row, to, &v, &ignored) > 0 ? v : NULL;
	return offline_vault(c->offline, c->row->id, &row, &ignored) == 0 &&
	    world_vault(w, &row, &v, &ignored) == 0 ? v : NULL;
}

static int open_archive(struct vault_cmd *c, struct err *e)
{
	struct world *w = &c->offline->world;
	int found;

	if (world_vault(w, c->row, &c->hot, e) != 0)
		return -1;
	found = archive_open(w, c->row, &c->vault, e);
	if (found != 0)
		return found < 0 ? -1 : 0;
	return err_set(e, ERR_NOT_FOUND, "vault '%s' has no archive: none of its "
	    "recovery points was moved to the archive tier", c->row->name);
}

static struct vault *peer(void *arg)
{
	struct vault_cmd *c = arg;

	pthread_mutex_lock(&c->peer_mu);
	if (!c->has_looked)
		c->peer = find_peer(c);
	c->has_looked = true;
	pthread_mutex_unlock(&c->peer_mu);
	return c->peer;
}

int vault_cmd_open(struct vault_cmd *c, bool opens, struct err *e)
{
	const char *name = c->args->words[0];
	int r = offline_vault(c->offline, name, c->row, e);

	if (r != 0 && e->kind != ERR_NOT_FOUND)
		return -1;
	if (c->args->is_archive && (r != 0 || c->args->is_copy))
		return r != 0 ? -1 : err_set(e, ERR_INVALID, "--archive and --copy exclude each "
		    "other: copies have no archive");
	if (r != 0 || c->args->is_copy)
		r = open_copy(c, r == 0 ? c->row->id : name, e);
	else if (opens && c->args->is_archive)
		r = open_archive(c, e);
	else if (opens)
		r = world_vault(&c->offline->world, c->row, &c->vault, e);
	if (r == 0 && c->vault != NULL)
		vault_set_peer(c->vault, peer, c);
	return r;
}
