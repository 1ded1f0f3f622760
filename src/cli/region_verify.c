/* region_verify.c - holdfast region verify: vaults and their copies compared, and mended from
 * each other. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/region.h"
#include "cli/region_vaults.h"
#include "work/replicate.h"

static const char verb[] = "region verify";
static const char help[] =
    "Usage: holdfast region verify DIR [--json]\n"
    "\n"
    "Compares each vault of the data directory DIR that is copied to a paired region with its copy, by\n"
    "the hashes in their maps; data is not read (see 'holdfast vault verify').  What one side has\n"
    "damaged or lost is taken from the other.  While a server runs, which writes to them, that is\n"
    "left to it: it mends what is noted here.\n"
    "\n"
    "Exits with 3 if differences remain, with 1 if something cannot be read.\n"
    "\n"
    "  --json  the same as a JSON document\n"
    "  --help  this text\n";

struct verify {
	struct offline o;
	json_t *vaults;		/* owned; an array */
	bool has_failed, differs;
};

static void verify_done(struct verify *v)
{
	json_decref(v->vaults);
	offline_done(&v->o);
}

/* One vault. */
struct side_by_side {
	struct vault *vault, *copy;
	struct progress bar;
	json_t *findings;	/* borrowed; an array */
	int64_t points;		/* mended */
	bool is_busy;		/* a server writes to one of them */
};

static int note(void *arg, const char *object, const char *item, const char *point,
    const char *reason, struct err *e)
{
	struct side_by_side *s = arg;

	return json_array_append_new(s->findings, json_pack("{s:s, s:s*, s:s*, s:s}", "object",
	    object, "item", item, "point", point, "reason", reason)) != 0 ? err_nomem(e) : 0;
}

static int compare(struct side_by_side *s, struct vault_compare_stats *ret, struct err *e)
{
	int r;

	progress_begin(&s->bar, "comparing");
	(void)json_array_clear(s->findings);
	r = vault_compare(s->vault, s->copy, &s->bar.hook, note, s, ret, e);
	progress_end(&s->bar);
	return r;
}

/* ---- mending ---- */
/* 1 it opens, 0 it is damaged, -1; what is absent is neither. */
static int is_readable(struct vault *v, const char *object, struct err *e)
{
	auto_point struct vault_point *p = NULL;

	if (vault_point_open_object(v, object, &p, e) == 0)
		return 1;
	return e->kind == ERR_CORRUPT ? 0 : -1;
}

static int replace(struct side_by_side *s, struct vault *good, struct vault *bad,
    const char *object, struct err *e)
{
	struct vault_copy_stats sent = { 0 };

	if (vault_point_delete_object(bad, object, e) != 0 ||
	    vault_copy_point(good, bad, object, NULL, &sent, e) < 0)
		return -1;
	s->points++;
	return 0;
}

/* The object of a point that is damaged on one side only. */
static int mend_point(struct side_by_side *s, const char *object, struct err *e)
{
	struct err why = { 0 };
	int here = is_readable(s->vault, object, &why), there = is_readable(s->copy, object, &why);

	if (here == 1 && there == 0)
		return replace(s, s->vault, s->copy, object, e);
	return here == 0 && there == 1 ? replace(s, s->copy, s->vault, object, e) : 0;
}

static int mend_points(struct side_by_side *s, struct err *e)
{
	const json_t *x;
	size_t i;

	json_array_foreach(s->findings, i, x)
		if (mend_point(s, jstr(x, "object", ""), e) != 0)
			return -1;
	return 0;
}

static int mend(struct side_by_side *s, struct vault_heal_stats *vault,
    struct vault_heal_stats *copy, struct err *e)
{
	if (mend_points(s, e) == 0 && vault_heal(s->vault, vault, e) == 0 &&
	    vault_heal(s->copy, copy, e) == 0)
		return 0;
	s->is_busy = e->kind == ERR_BUSY;
	return s->is_busy ? 0 : -1;
}

/* ---- one vault ---- */
static int64_t differences(const struct vault_compare_stats *c)
{
	return c->only_a + c->only_b + c->differing + c->damaged + c->missing_a + c->missing_b;
}

static int look(struct verify *v, const struct resource *vault, const struct region_settings *to,
    json_t *row, struct err *e)
{
	struct side_by_side s = { .findings = jat(row, "findings") };
	struct vault_heal_stats in_vault = { 0 }, in_copy = { 0 };
	struct vault_compare_stats c;
	int found;

	if (world_vault(&v->o.world, vault, &s.vault, e) != 0)
		return -1;
	found = replica_of(&v->o.world, vault, to, &s.copy, e);
	if (found <= 0) {
		v->differs = v->differs || found == 0;
		return found < 0 ? -1 : note(&s, "", NULL, NULL, "there is no copy yet", e);
	}
	replicate_peers(s.vault, s.copy);
	if (compare(&s, &c, e) != 0)
		return -1;
	/* also what was noted before, by 'vault verify' say */
	if (mend(&s, &in_vault, &in_copy, e) != 0 ||
	    (differences(&c) > 0 && compare(&s, &c, e) != 0))
		return -1;
	v->differs = v->differs || differences(&c) > 0;
	return json_object_update_new(row, json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "points",
	    (json_int_t)c.points, "same", (json_int_t)c.same, "mendedPoints", (json_int_t)s.points,
	    "mendedChunks", (json_int_t)in_vault.healed, "mendedChunksInCopy",
	    (json_int_t)in_copy.healed, "isBusy", (int)s.is_busy)) != 0 ? err_nomem(e) : 0;
}

static int add_vault(void *arg, const struct resource *vault, const struct region_settings *to,
    const struct err *no_place, struct err *e)
{
	struct verify *v = arg;
	json_t *row = json_pack("{s:s, s:s, s:s, s:s*, s:[]}", "name", vault->name, "id", vault->id,
	    "region", vault->location, "copyRegion", to != NULL ? to->name : NULL, "findings");
	struct err why = *no_place;

	if (json_array_append_new(v->vaults, row) != 0)
		return err_nomem(e);
	if (to != NULL && look(v, vault, to, row, &why) == 0)
		return 0;
	v->has_failed = true;
	return json_object_set_new(row, "error", json_string(why.msg)) != 0 ? err_nomem(e) : 0;
}

/* ---- shown ---- */
static void print_vault(const json_t *v)
{
	long long points = jint(v, "mendedPoints", 0), chunks = jint(v, "mendedChunks", 0);
	long long in_copy = jint(v, "mendedChunksInCopy", 0);
	const json_t *x;
	size_t i;

	(void)printf("%-20s %s -> %s  ", jstr(v, "name", ""), jstr(v, "region", ""),
	    jstr(v, "copyRegion", "?"));
	if (jat(v, "error") != NULL)
		(void)printf("cannot be compared: %s\n", jstr(v, "error", ""));
	else
		(void)printf("%lld of %lld points are the same\n", (long long)jint(v, "same", 0),
		    (long long)jint(v, "points", 0));
	if (points + chunks + in_copy > 0)
		(void)printf("  mended: %lld points, %lld chunks of the vault, %lld of the copy\n",
		    points, chunks, in_copy);
	json_array_foreach(jat(v, "findings"), i, x)
		(void)printf("  %s%s%s\n", jstr(x, "point", jstr(x, "object", "")),
		    jstr(x, "object", "")[0] != '\0' ? ": " : "", jstr(x, "reason", ""));
	if (jbool(v, "isBusy", false))
		(void)puts("  a server writes to them, and mends what was noted");
}

static int show(const char *dir, bool as_json)
{
	cleanup_with(verify_done) struct verify v = { .vaults = json_array() };
	struct err e = { 0 };
	const json_t *x;
	size_t i;

	if (offline_open(dir, &v.o, &e) != 0 || region_vaults(&v.o, add_vault, &v, &e) != 0)
		return cli_fail(verb, &e);
	if (as_json && region_print(json_pack("{s:O}", "vaults", v.vaults), &e) != 0)
		return cli_fail(verb, &e);
	if (!as_json && json_array_size(v.vaults) == 0)
		(void)puts("no vault is copied");
	json_array_foreach(v.vaults, i, x)
		if (!as_json)
			print_vault(x);
	if (v.has_failed || fflush(stdout) != 0)
		return CLI_FAILED;
	return v.differs ? CLI_DIFFERS : CLI_OK;
}

int region_cmd_verify(int argc, char **argv)
{
	const char *dir = NULL;
	bool as_json = false;
	int r = region_arguments(argc, argv, verb, help, &dir, &as_json);

	return r != CLI_OK || dir == NULL ? r : show(dir, as_json);
}
