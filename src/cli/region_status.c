/* region_status.c - holdfast region status: how much of each vault is in its paired region. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/region.h"
#include "cli/region_vaults.h"
#include "work/replica_gap.h"

#define MIB ((int64_t)1 << 20)

static const char verb[] = "region status";
static const char help[] =
    "Usage: holdfast region status DIR [--json]\n"
    "\n"
    "Shows, of each vault of the data directory DIR that is copied to a paired region, how many of\n"
    "its recovery points are in the copy and how old the oldest one is that is not; and what copies\n"
    "of another server's vaults DIR has.  The server may run or not.\n"
    "\n"
    "Exits with 3 if a copy lacks something, with 1 if one cannot be read.\n"
    "\n"
    "  --json  the same as a JSON document\n"
    "  --help  this text\n";

struct status {
	struct offline o;
	json_t *vaults, *copies;	/* owned; arrays */
	bool has_failed, is_behind;
};

static void status_done(struct status *s)
{
	json_decref(s->vaults);
	json_decref(s->copies);
	offline_done(&s->o);
}

/* ---- this directory's vaults ---- */
static int measure(struct status *s, const struct resource *vault, const struct region_settings *to,
    json_t *row, struct err *e)
{
	auto_gap struct replica_gap g = { 0 };
	struct vault *from, *copy = NULL;
	struct vault_stat stat = { 0 };
	int64_t oldest, lag, now = clock_now_us(&clock_system);

	if (world_vault(&s->o.world, vault, &from, e) != 0 ||
	    replica_of(&s->o.world, vault, to, &copy, e) < 0 ||
	    replica_gap(&s->o.world, vault, from, copy, &g, e) != 0 ||
	    (copy != NULL && vault_stat(copy, &stat, e) != 0))
		return -1;
	oldest = replica_gap_oldest(&g, 0, g.missing.n);
	lag = oldest != 0 && now > oldest ? (now - oldest) / 1000000 : 0;
	s->is_behind = s->is_behind || g.missing.n > 0 || copy == NULL;
	return json_object_update_new(row, json_pack("{s:b, s:I, s:I, s:I, s:I}", "isCopied",
	    copy != NULL, "points", (json_int_t)g.points, "missing", (json_int_t)g.missing.n,
	    "lagSeconds", (json_int_t)lag, "bytes",
	    (json_int_t)(stat.pack_bytes + stat.point_bytes))) != 0 ? err_nomem(e) : 0;
}

/* What is wrong with one does not hide the others. */
static int fail(struct status *s, json_t *row, const struct err *why, struct err *e)
{
	s->has_failed = true;
	return json_object_set_new(row, "error", json_string(why->msg)) != 0 ? err_nomem(e) : 0;
}

static int add_vault(void *arg, const struct resource *vault, const struct region_settings *to,
    const struct err *no_place, struct err *e)
{
	struct status *s = arg;
	json_t *row = json_pack("{s:s, s:s, s:s, s:s*}", "name", vault->name, "id", vault->id,
	    "region", vault->location, "copyRegion", to != NULL ? to->name : NULL);
	struct err why = { 0 };

	if (json_array_append_new(s->vaults, row) != 0)
		return err_nomem(e);
	if (to == NULL)
		return fail(s, row, no_place, e);
	return measure(s, vault, to, row, &why) == 0 ? 0 : fail(s, row, &why, e);
}

/* ---- copies of others' vaults ---- */
struct points {
	int64_t count, newest_us;
};

static int count_point(void *arg, struct resource *point, struct err *e)
{
	struct points *p = arg;

	(void)e;
	p->count++;
	if (point->sort > p->newest_us)
		p->newest_us = point->sort;
	return 0;
}

struct counting {
	struct vault *copy;
	struct points points;
};

static int count_item(void *arg, struct resource *item, struct err *e)
{
	struct counting *c = arg;

	return replica_points(c->copy, item->id, count_point, &c->points, e);
}

static int describe(const struct replica_info *x, json_t *row, struct err *e)
{
	struct counting c = { .copy = x->vault };
	auto_resource struct resource vault = { 0 };
	struct vault_stat stat;
	char when[TIME_TEXT_MAX];
	int64_t age;

	if (x->vault == NULL) {
		*e = *x->why;
		return -1;
	}
	if (replica_vault(x->vault, &vault, e) < 0 ||
	    replica_items(x->vault, count_item, &c, e) != 0 || vault_stat(x->vault, &stat, e) != 0)
		return -1;
	age = (clock_now_us(&clock_system) - c.points.newest_us) / 1000000;
	return json_object_update_new(row, json_pack("{s:s, s:s, s:s, s:I, s:I, s:s*, s:o*}", "name",
	    vault.name, "id", vault.id, "region", vault.location, "points",
	    (json_int_t)c.points.count, "bytes", (json_int_t)(stat.pack_bytes + stat.point_bytes),
	    "newestPointTime", c.points.count > 0 ? time_iso(c.points.newest_us, when) : NULL,
	    "newestPointAgeSeconds", c.points.count > 0 ? json_integer(age) : NULL)) != 0 ?
	    err_nomem(e) : 0;
}

/* 1, 0, -1: is it the copy of a vault that is listed already? */
static int is_own(struct status *s, const struct replica_info *x, struct err *e)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;

	if (x->vault == NULL)
		return 0;
	return db_read_begin(s->o.world.db, &c, e) != 0 ? -1 :
	    resource_get(c, x->vault_id, &row, e);
}

static int add_copy(void *arg, const struct replica_info *x, struct err *e)
{
	struct status *s = arg;
	struct err why = { 0 };
	int own = region_is_here(x->region) ? is_own(s, x, e) : 1;
	json_t *row;

	if (own != 0)
		return own < 0 ? -1 : 0;
	row = json_pack("{s:s, s:s}", "copyRegion", x->region->name, "store", x->store);
	if (json_array_append_new(s->copies, row) != 0)
		return err_nomem(e);
	return describe(x, row, &why) == 0 ? 0 : fail(s, row, &why, e);
}

/* ---- shown ---- */
static void print_vault(const json_t *v)
{
	char age[CLI_AGE_SIZE];

	(void)printf("%-20s %s -> %s  ", jstr(v, "name", ""), jstr(v, "region", ""),
	    jstr(v, "copyRegion", "?"));
	if (jat(v, "error") != NULL)
		(void)printf("cannot be compared: %s\n", jstr(v, "error", ""));
	else if (!jbool(v, "isCopied", false))
		(void)printf("no copy yet of %lld points\n", (long long)jint(v, "points", 0));
	else if (jint(v, "missing", 0) == 0)
		(void)printf("all %lld points, %lld MiB\n", (long long)jint(v, "points", 0),
		    (long long)(jint(v, "bytes", 0) / MIB));
	else
		(void)printf("%lld of %lld points missing, the oldest %s old, %lld MiB\n",
		    (long long)jint(v, "missing", 0), (long long)jint(v, "points", 0),
		    cli_age(jint(v, "lagSeconds", 0), age), (long long)(jint(v, "bytes", 0) / MIB));
}

static void print_copy(const json_t *c)
{
	char age[CLI_AGE_SIZE];

	(void)printf("%-20s %s <- %s  ", jstr(c, "name", jstr(c, "store", "")),
	    jstr(c, "copyRegion", ""), jstr(c, "region", "?"));
	if (jat(c, "error") != NULL)
		(void)printf("cannot be read: %s\n", jstr(c, "error", ""));
	else if (jint(c, "points", 0) == 0)
		(void)puts("no points");
	else
		(void)printf("%lld points, the newest %s old, %lld MiB\n",
		    (long long)jint(c, "points", 0), cli_age(jint(c, "newestPointAgeSeconds", 0), age),
		    (long long)(jint(c, "bytes", 0) / MIB));
}

static void print_text(const struct status *s)
{
	const json_t *x;
	size_t i;

	if (json_array_size(s->vaults) + json_array_size(s->copies) == 0)
		(void)puts("no vault is copied, and there are no copies");
	json_array_foreach(s->vaults, i, x)
		print_vault(x);
	json_array_foreach(s->copies, i, x)
		print_copy(x);
}

static int show(const char *dir, bool as_json)
{
	cleanup_with(status_done) struct status s = { .vaults = json_array(),
		.copies = json_array() };
	struct err e = { 0 };

	if (offline_open(dir, &s.o, &e) != 0 || region_vaults(&s.o, add_vault, &s, &e) != 0 ||
	    replicas_scan(&s.o.world, &e) != 0 || replicas_each(&s.o.world, add_copy, &s, &e) != 0)
		return cli_fail(verb, &e);
	if (!as_json)
		print_text(&s);
	else if (region_print(json_pack("{s:O, s:O}", "vaults", s.vaults, "copies", s.copies),
	    &e) != 0)
		return cli_fail(verb, &e);
	if (s.has_failed || fflush(stdout) != 0)
		return CLI_FAILED;
	return s.is_behind ? CLI_DIFFERS : CLI_OK;
}

int region_cmd_status(int argc, char **argv)
{
	const char *dir = NULL;
	bool as_json = false;
	int r = region_arguments(argc, argv, verb, help, &dir, &as_json);

	return r != CLI_OK || dir == NULL ? r : show(dir, as_json);
}
