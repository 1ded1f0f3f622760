/* vault_care.c - holdfast vault verify, gc and rebuild. */
#include <stdio.h>

#include "cli/progress.h"
#include "cli/vault.h"
#include "vault/copy.h"
#include "work/catalogue.h"

#define MIB ((int64_t)1 << 20)

/* ---- verify ---- */
struct verifying {
	struct vault_cmd *c;
	struct progress bar;
	unsigned damaged;
};

static int tell(void *arg, const char *item, const char *point, const struct vault_check *k,
    const struct err *damage, struct err *e)
{
	struct verifying *v = arg;
	bool is_bad = damage != NULL || k->damaged > 0;

	progress_end(&v->bar);
	v->damaged += is_bad;
	if (damage != NULL) {
		(void)fprintf(stderr, "holdfast vault verify: %s\n", damage->msg);
		return 0;
	}
	if (is_bad)
		(void)fprintf(stderr, "holdfast vault verify: point '%s': %lld damaged, first: %s\n",
		    point, (long long)k->damaged, k->first);
	if (v->c->args->as_json)
		return vault_cmd_print(json_pack("{s:s, s:s, s:s, s:I, s:I, s:s*}", "point", point,
		    "item", item, "state", is_bad ? "damaged" : "whole", "bytes",
		    (json_int_t)k->covered, "damaged", (json_int_t)k->damaged, "first",
		    k->damaged > 0 ? k->first : NULL), e);
	(void)printf("%s  %lld MiB  %-8s %s\n", point, (long long)(k->covered / MIB),
	    is_bad ? "damaged" : "whole", item);
	(void)fflush(stdout);
	return 0;
}

/* From the other copy, if there is one.  A server that has the vault does it by itself soon. */
static void mend(struct vault_cmd *c)
{
	struct vault_heal_stats s;
	struct err e = { 0 };

	if (vault_heal(c->vault, &s, &e) != 0) {
		if (e.kind != ERR_BUSY)
			(void)cli_fail("vault verify", &e);
		return;
	}
	if (s.healed > 0)
		(void)fprintf(stderr, "holdfast vault verify: %lld of %lld damaged chunks were mended from "
		    "the other copy: verify again\n", (long long)s.healed, (long long)s.noted);
}

int vault_cmd_verify(struct vault_cmd *c)
{
	struct verifying v = { .c = c };
	struct vault_verify_opts opts = { .bytes_per_s = c->args->rate, .resume = c->args->resume,
		.progress = &v.bar.hook };
	struct err e = { 0 };
	int r;

	progress_begin(&v.bar, "verifying");
	r = vault_verify(c->vault, &opts, tell, &v, &e);
	progress_end(&v.bar);
	if (r != 0)
		return cli_fail("vault verify", &e);
	if (v.damaged > 0)
		mend(c);
	return v.damaged == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- expire ---- */
/* *ret is the name of its object. */
static int remove_point(struct vault_cmd *c, const char *name, char ret[VAULT_NAME_SIZE],
    struct err *e)
{
	struct vault_point *p = NULL;
	int r;

	if (strncmp(name, "points/", 7) == 0) {
		(void)snprintf(ret, VAULT_NAME_SIZE, "%s", name);
		return vault_point_delete_damaged(c->vault, name, e);
	}
	if (vault_cmd_point(c, name, &p, e) != 0)
		return -1;
	r = vault_point_object(c->vault, vault_point_item(p), name, ret, e);
	vault_point_close(p);
	return r != 0 || vault_point_delete_object(c->vault, ret, e) != 0 ? -1 : 1;
}

/* The server's list follows: it does not run, and is made anew. */
int vault_cmd_expire(struct vault_cmd *c)
{
	const char *name = c->args->words[1];
	char object[VAULT_NAME_SIZE];
	struct catalogue_stats s;
	struct err e = { 0 };
	int removed = remove_point(c, name, object, &e);

	if (removed == 0)
		(void)err_set(&e, ERR_NOT_FOUND, "the vault has no '%s'", name);
	if (removed <= 0 || catalogue_rebuild(&c->offline->world, c->row, c->hot != NULL ? c->hot :
	    c->vault, object, &s, &e) != 0)
		return cli_fail("vault expire", &e);
	return CLI_OK;
}

/* ---- gc ---- */
static int collect(struct vault_cmd *c, struct vault_collect_stats *ret, struct err *e)
{
	struct vault_collect_opts opts = { .compact_percent = c->args->compact };
	struct progress bar;
	int r;

	progress_begin(&bar, "collecting");
	opts.progress = &bar.hook;
	r = vault_collect(c->vault, &opts, ret, e);
	progress_end(&bar);
	if (r == 0 && ret->missing > 0)
		(void)fprintf(stderr, "holdfast vault: %lld chunks that points need are nowhere: "
		    "'holdfast vault verify' tells which points\n", (long long)ret->missing);
	return r;
}

static json_t *collect_doc(const struct vault_collect_stats *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "points", (json_int_t)s->points,
	    "liveChunks", (json_int_t)s->live_chunks, "liveBytes", (json_int_t)s->live_bytes,
	    "missingChunks", (json_int_t)s->missing, "removedPacks", (json_int_t)s->removed_packs,
	    "compactedPacks", (json_int_t)s->compacted_packs, "freedBytes",
	    (json_int_t)s->freed_bytes, "rewrittenBytes", (json_int_t)s->rewritten_bytes);
}

int vault_cmd_gc(struct vault_cmd *c)
{
	struct vault_collect_stats s;
	struct err e = { 0 };

	if (collect(c, &s, &e) != 0 ||
	    (c->args->as_json && vault_cmd_print(collect_doc(&s), &e) != 0))
		return cli_fail("vault gc", &e);
	if (!c->args->as_json)
		(void)printf("%lld points need %lld chunks of %lld MiB\n"
		    "%lld packs removed, %lld rewritten: %lld MiB freed, %lld MiB written\n",
		    (long long)s.points, (long long)s.live_chunks, (long long)(s.live_bytes / MIB),
		    (long long)s.removed_packs, (long long)s.compacted_packs,
		    (long long)(s.freed_bytes / MIB), (long long)(s.rewritten_bytes / MIB));
	return CLI_OK;
}

/* ---- rebuild ---- */
static void print_rebuilt(const struct catalogue_stats *s)
{
	(void)printf("%lld points: %lld added to the server's list, %lld removed from it\n",
	    (long long)s->points, (long long)s->added, (long long)s->removed);
	if (s->kept > 0)
		(void)fprintf(stderr, "holdfast vault rebuild: %lld points are in the vault's copy "
		    "only, or in an archive that is not there: they stay in the list\n", (long long)s->kept);
	if (s->homeless > 0)
		(void)fprintf(stderr, "holdfast vault rebuild: %lld points are of items that the server "
		    "does not know; 'holdfast vault restore' reads them\n", (long long)s->homeless);
}

int vault_cmd_rebuild(struct vault_cmd *c)
{
	struct vault_collect_stats collected = { 0 };
	struct catalogue_stats s;
	struct err e = { 0 };

	if (c->hot != NULL)
		c->vault = c->hot;	/* the list is of both */
	if (catalogue_rebuild(&c->offline->world, c->row, c->vault, NULL, &s, &e) != 0)
		return cli_fail("vault rebuild", &e);
	/* Only a collection rewrites packs whose tables are damaged; it needs every point whole. */
	if (s.damaged == 0 && collect(c, &collected, &e) != 0)
		return cli_fail("vault rebuild", &e);
	if (!c->args->as_json)
		print_rebuilt(&s);
	else if (vault_cmd_print(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "points",
	    (json_int_t)s.points, "rowsAdded", (json_int_t)s.added, "rowsRemoved",
	    (json_int_t)s.removed, "rowsKept", (json_int_t)s.kept, "withoutItem", (json_int_t)s.homeless, "damaged",
	    (json_int_t)s.damaged, "collected", collect_doc(&collected)), &e) != 0)
		return cli_fail("vault rebuild", &e);
	return s.damaged == 0 ? CLI_OK : CLI_FAILED;
}
