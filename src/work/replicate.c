/* replicate.c - see replicate.h. */
#include "work/replicate.h"

#include <stdio.h>

#include "base/log.h"
#include "work/replica_state.h"

#define MIB (INT64_C(1) << 20)

struct look {
	struct replicate *r;
	struct vault *from, *to;
	struct vault_copy_stats sent;
	struct replicate_stand stand;
	struct err damage;	/* the first point that could not be copied, as the vault has it damaged */
	struct err failure;	/* of reading or writing a point, which others may not share */
	struct replica_state state;
	bool is_behind;		/* a later state of the database wrote the copy: nothing is removed */
	bool is_changing;	/* the count is up, and the copy's is to follow */
};

static struct vault *same(void *arg)
{
	return arg;
}

void replicate_peers(struct vault *a, struct vault *b)
{
	vault_set_peer(a, same, b);
	vault_set_peer(b, same, a);
}

/* Points that are still to come, and those that were tried already. */
static void tell(struct look *l, const struct replica_gap *g, size_t tried, size_t damaged)
{
	int64_t oldest = replica_gap_oldest(g, tried, g->missing.n);
	int64_t older = replica_gap_oldest(g, 0, damaged);

	l->stand.points = g->points;
	l->stand.missing = (int64_t)(g->missing.n - tried + damaged);
	l->stand.oldest_us = older != 0 && (oldest == 0 || older < oldest) ? older : oldest;
	l->stand.bytes = l->sent.bytes;
	l->r->tell(l->r->arg, &l->stand);
}

/* ---- points ---- */
/* Opening it gives ERR_NONE, or the kind of why it cannot be. */
static enum err_kind probe(struct vault *v, const char *object)
{
	auto_point struct vault_point *p = NULL;
	struct err why = { 0 };

	return vault_point_open_object(v, object, &p, &why) == 0 ? ERR_NONE : why.kind;
}

static int drop_damaged(void *arg, const char *object, struct err *e)
{
	struct look *l = arg;

	if (probe(l->to, object) != ERR_CORRUPT || probe(l->from, object) != ERR_NONE)
		return 0;
	log_event(LOG_WARN, "point-damaged", "vault", l->r->vault->id, "side", "copy", "object",
	    object, NULL);
	return vault_point_delete_object(l->to, object, e);
}

/* A point of which the copy has only a damaged object, and which would let no collection pass, is
 * missing from now on.  That costs reading all of them: it is done rarely. */
static int find_damaged(struct look *l, struct err *e)
{
	if (!l->r->is_first && !l->r->must_collect)
		return 0;
	return vault_point_names(l->to, drop_damaged, l, e);
}

/* A point that went meanwhile is no failure.  One that is damaged, or lies where the medium fails, does not
 * stop the others: it would keep them from the copy just when that is needed. */
static int copy_point(struct look *l, const char *object, bool *ret_damaged, struct err *e)
{
	const struct vault_copy_opts opts = { l->r->world->settings->replication_mib * MIB,
		l->r->progress };
	struct err *why;

	*ret_damaged = false;
	if (vault_copy_point(l->from, l->to, object, &opts, &l->sent, e) >= 0)
		return 0;
	l->r->must_collect = true;	/* whatever came of it that far */
	if (e->kind == ERR_NOT_FOUND && probe(l->from, object) == ERR_NOT_FOUND)
		return 0;
	if (e->kind != ERR_CORRUPT && e->kind != ERR_IO)
		return -1;
	why = e->kind == ERR_IO ? &l->failure : &l->damage;
	if (why->kind == ERR_NONE)
		*why = *e;
	*ret_damaged = true;
	return 0;
}

static int copy_points(struct look *l, struct replica_gap *g, struct err *e)
{
	size_t damaged = 0;

	tell(l, g, 0, 0);
	for (size_t i = 0; i < g->missing.n; i++) {
		bool is_damaged;

		if (copy_point(l, g->missing.p[i].object, &is_damaged, e) != 0) {
			tell(l, g, i, damaged);
			return -1;
		}
		if (is_damaged)
			g->missing.p[damaged++] = g->missing.p[i];
		tell(l, g, i + 1, damaged);
	}
	if (l->failure.kind == ERR_NONE)
		return 0;
	/* What such a store lists is not to be relied on: nothing is removed. */
	*e = l->failure;
	return -1;
}

static int drop_surplus(struct look *l, const struct replica_gap *g, struct err *e)
{
	for (size_t i = 0; i < g->surplus.n; i++) {
		l->r->must_collect = true;
		if (vault_point_delete_object(l->to, g->surplus.p[i].object, e) != 0)
			return -1;
	}
	return 0;
}

static int collect(struct look *l, struct err *e)
{
	const struct vault_collect_opts opts = { 70, l->r->progress };
	struct vault_collect_stats stats;

	if (!l->r->must_collect)
		return 0;
	if (vault_collect(l->to, &opts, &stats, e) != 0)
		return err_in(e, "collecting the copy");
	l->r->must_collect = false;
	return 0;
}

/* ---- mending ---- */
/* Another process may be the writer of the vault just now; there is a next time. */
static int heal(struct look *l, struct vault *v, const char *side, struct err *e)
{
	struct vault_heal_stats stats;
	char healed[24], noted[24];

	if (vault_heal(v, &stats, e) != 0)
		return e->kind == ERR_BUSY ? 0 : -1;
	if (stats.healed == 0)
		return 0;	/* what neither side can read would be told of at every look */
	(void)snprintf(healed, sizeof(healed), "%lld", (long long)stats.healed);
	(void)snprintf(noted, sizeof(noted), "%lld", (long long)stats.noted);
	log_event(LOG_WARN, "mended", "vault", l->r->vault->id, "side", side, "damaged", noted,
	    "mended", healed, NULL);
	return 0;
}

/* ---- the look ---- */
/* A vault is deleted rows first, then its directory and its copy's: one that went while its copy
 * was being made may have left that behind. */
static int check_row(struct replicate *r, struct err *e)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	int found;

	if (db_read_begin(r->world->db, &c, e) != 0)
		return -1;
	found = resource_get(c, r->vault->id, &row, e);
	db_rollback(&c);
	if (found < 0 || (found > 0 && strcmp(jstr(row.body, "internal.store", ""),
	    jstr(r->vault->body, "internal.store", "")) == 0))
		return found < 0 ? -1 : 0;
	if (replica_remove(r->world, r->vault, e) != 0)
		return -1;
	return err_set(e, ERR_NOT_FOUND, "the vault was deleted meanwhile");
}

static int open_copy(struct look *l, struct err *e)
{
	struct replicate *r = l->r;
	int found = r->is_first ? 0 : replica_of(r->world, r->vault, r->to, &l->to, e);

	if (found < 0)
		return -1;
	/* Without its key the second region could not read the copy: that is looked at each time. */
	if (found > 0)
		return replica_mend_key(r->world, r->vault, r->to, e);
	if (replica_make(r->world, r->vault, l->from, r->to, &l->to, e) != 0)
		return -1;
	return check_row(r, e);
}

/* The count goes up before the copy changes, so that no later look takes the change for another
 * database's. */
static int begin_changes(struct look *l, const struct replica_gap *g, struct err *e)
{
	if (replica_state_load(l->r->world, l->r->vault, l->to, &l->state, e) != 0)
		return -1;
	l->is_behind = replica_state_is_behind(&l->state) && g->surplus.n > 0;
	l->is_changing = !l->is_behind && (g->missing.n > 0 || g->surplus.n > 0 ||
	    replica_state_is_behind(&l->state));
	return l->is_changing ? replica_state_begin(l->r->world, l->r->vault, &l->state, e) : 0;
}

static int points(struct look *l, struct err *e)
{
	auto_gap struct replica_gap g = { 0 };

	if (find_damaged(l, e) != 0 ||
	    replica_gap(l->r->world, l->r->vault, l->from, l->to, &g, e) != 0 ||
	    begin_changes(l, &g, e) != 0 || copy_points(l, &g, e) != 0)
		return -1;
	if (l->is_behind)
		return err_set(e, ERR_CONFLICT, "%zu recovery points that only the copy has are kept: a later "
		    "state of this server's database wrote them, so it was put back to an older one. "
		    "Restore from them, then remove the copy's directory: it is made anew",
		    g.surplus.n);
	if (g.is_lost)
		return err_set(e, ERR_CORRUPT, "the vault lists no recovery points, but the database "
		    "does: its copy is left as it is");
	if (replica_documents(l->r->world, l->r->vault, l->to, false, e) != 0 ||
	    drop_surplus(l, &g, e) != 0 ||
	    replica_prune(l->r->world, l->r->vault, l->to, e) != 0)
		return -1;
	return l->is_changing ? replica_state_end(l->to, &l->state, e) : 0;
}

/* The copy's store is full: what the copy has too many goes before its time, or else it would stay for
 * ever.  Without surplus nothing is collected: what has arrived of a point would be sent again. */
static void make_room(struct look *l)
{
	auto_gap struct replica_gap g = { 0 };
	struct err why = { 0 };

	if (l->is_behind)
		return;		/* nor is it known to be too many */
	if (replica_gap(l->r->world, l->r->vault, l->from, l->to, &g, &why) == 0 &&
	    (g.surplus.n == 0 || (drop_surplus(l, &g, &why) == 0 && collect(l, &why) == 0)))
		return;
	if (why.kind != ERR_CANCELLED)
		log_event(LOG_WARN, "no-room-made", "vault", l->r->vault->id, "error", why.msg, NULL);
}

static int send(struct look *l, struct err *e)
{
	if (replica_documents(l->r->world, l->r->vault, l->to, true, e) == 0 && points(l, e) == 0)
		return 0;
	if (e->kind == ERR_NO_SPACE)
		make_room(l);
	return -1;
}

int replicate(struct replicate *r, struct err *e)
{
	struct look l = { .r = r };

	if (world_vault(r->world, r->vault, &l.from, e) != 0 || open_copy(&l, e) != 0)
		return -1;
	replicate_peers(l.from, l.to);
	if (send(&l, e) != 0 || collect(&l, e) != 0 || heal(&l, l.to, "copy", e) != 0 ||
	    heal(&l, l.from, "vault", e) != 0)
		return -1;
	if (l.damage.kind == ERR_NONE)
		return 0;
	*e = l.damage;
	return -1;
}
