/* vault_show.c - holdfast vault ls, stat and diff. */
#include <stdio.h>

#include "base/codec.h"
#include "cli/vault.h"

#define MIB ((int64_t)1 << 20)

/* ---- which point is meant ---- */
struct search {
	const char *item, *point;
	char *found;		/* owned: its item */
	unsigned count;
};

static int match(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct search *s = arg;

	(void)meta;
	if (damage != NULL || strcmp(point, s->point) != 0 ||
	    (s->item != NULL && strcmp(item, s->item) != 0))
		return 0;
	if (s->count++ > 0)
		return 0;
	s->found = strdup(item);
	return s->found == NULL ? err_nomem(e) : 0;
}

int vault_cmd_point(struct vault_cmd *c, const char *name, struct vault_point **ret, struct err *e)
{
	struct search s = { .item = c->args->item, .point = name };
	int r = vault_point_list(c->vault, NULL, match, &s, e);

	if (r == 0 && s.count == 0)
		r = err_set(e, ERR_NOT_FOUND, "the vault has no point '%s'%s%s", name,
		    s.item != NULL ? " of item " : "", s.item != NULL ? s.item : "");
	else if (r == 0 && s.count > 1)
		r = err_set(e, ERR_INVALID, "%u items have a point '%s': say which with --item", s.count,
		    name);
	if (r == 0)
		r = vault_point_open(c->vault, s.found, name, ret, e);
	free(s.found);
	return r;
}

/* ---- ls ---- */
struct listing {
	struct vault_cmd *c;
	unsigned damaged;
};

static const char *state_of(const struct vault_check *k, int found)
{
	if (found == 0)
		return "unverified";
	if (k->damaged > 0)
		return "damaged";
	return k->is_complete ? "whole" : "unverified";
}

static json_t *check_doc(const struct vault_check *k)
{
	char at[TIME_TEXT_MAX];

	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:s*}", "at", time_iso_seconds(k->at_us, at),
	    "complete", k->is_complete, "coveredBytes", (json_int_t)k->covered, "totalBytes",
	    (json_int_t)k->total, "damaged", (json_int_t)k->damaged, "first",
	    k->first[0] != '\0' ? k->first : NULL);
}

static int list_one(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct listing *l = arg;
	struct vault_check k;
	int found;

	if (damage != NULL) {
		l->damaged++;
		(void)fprintf(stderr, "holdfast vault ls: %s\n", damage->msg);
		return 0;
	}
	found = vault_check_get(l->c->vault, item, point, &k, e);
	if (found < 0)
		return -1;
	if (l->c->args->as_json)
		return vault_cmd_print(json_pack("{s:s, s:s, s:O?, s:O?, s:s, s:o*}", "point", point,
		    "item", item, "time", jat(meta, "properties.recoveryPointTime"), "disks",
		    jat(meta, "internal.disks"), "state", state_of(&k, found), "verified",
		    found > 0 ? check_doc(&k) : NULL), e);
	(void)printf("%s  %.19sZ  %-10s %s\n", point, jstr(meta, "properties.recoveryPointTime", "?"),
	    state_of(&k, found), item);
	return 0;
}

int vault_cmd_ls(struct vault_cmd *c)
{
	struct listing l = { .c = c };
	struct err e = { 0 };

	if (vault_point_list(c->vault, NULL, list_one, &l, &e) != 0)
		return cli_fail("vault ls", &e);
	return l.damaged == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- stat ---- */
int vault_cmd_stat(struct vault_cmd *c)
{
	char id[HEX_SIZE(16)];
	struct vault_stat s;
	struct err e = { 0 };

	if (vault_stat(c->vault, &s, &e) != 0)
		return cli_fail("vault stat", &e);
	(void)hex_encode(s.id, sizeof(s.id), id);
	if (c->args->as_json)
		return vault_cmd_print(json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		    "s:I}", "id", id, "formatVersion", (int)s.version, "chunkSize",
		    (json_int_t)s.chunk_size, "points", (json_int_t)s.points, "pointBytes",
		    (json_int_t)s.point_bytes, "packs", (json_int_t)s.packs, "packBytes",
		    (json_int_t)s.pack_bytes, "chunks", (json_int_t)s.chunks, "chunkBytes",
		    (json_int_t)s.chunk_bytes, "duplicates", (json_int_t)s.duplicates, "badChunks",
		    (json_int_t)s.bad_chunks, "badTables", (json_int_t)s.bad_tables), &e) != 0 ?
		    cli_fail("vault stat", &e) : CLI_OK;
	(void)printf("id          %s, format version %u, chunks of %zu KiB\n"
	    "points      %lld\n"
	    "packs       %lld, %lld MiB\n"
	    "chunks      %lld, %lld MiB; %lld more are copies of these\n"
	    "damage      %lld chunks, %lld tables of packs\n",
	    id, s.version, s.chunk_size >> 10, (long long)s.points, (long long)s.packs,
	    (long long)(s.pack_bytes / MIB), (long long)s.chunks, (long long)(s.chunk_bytes / MIB),
	    (long long)s.duplicates, (long long)s.bad_chunks, (long long)s.bad_tables);
	return CLI_OK;
}

/* ---- diff ---- */
struct comparing {
	struct vault_cmd *c;
	const char *disk;
	int64_t bytes, count;
};

static int tell_extent(void *arg, const struct extent *x, struct err *e)
{
	struct comparing *d = arg;

	d->bytes += x->length;
	d->count++;
	if (d->c->args->as_json)
		return vault_cmd_print(json_pack("{s:s, s:I, s:I}", "disk", d->disk, "offset",
		    (json_int_t)x->offset, "length", (json_int_t)x->length), e);
	(void)printf("%s %lld %lld\n", d->disk, (long long)x->offset, (long long)x->length);
	return 0;
}

static int diff_disks(struct vault_cmd *c, struct vault_point *a, struct vault_point *b,
    struct err *e)
{
	const char *name, *only = c->args->disk;

	if (only != NULL && vault_point_disk_size(b, only) < 0)
		return err_set(e, ERR_NOT_FOUND, "point '%s' has no disk '%s'", c->args->words[2], only);
	for (size_t i = 0; (name = vault_point_disk_name(b, i)) != NULL; i++) {
		struct comparing d = { .c = c, .disk = name };

		if (only != NULL && strcmp(only, name) != 0)
			continue;
		if (vault_diff(a, b, name, tell_extent, &d, e) != 0)
			return -1;
		(void)fprintf(stderr, "%s: %lld bytes in %lld places\n", name, (long long)d.bytes,
		    (long long)d.count);
	}
	return 0;
}

int vault_cmd_diff(struct vault_cmd *c)
{
	auto_point struct vault_point *a = NULL, *b = NULL;
	struct err e = { 0 };

	if (vault_cmd_point(c, c->args->words[1], &a, &e) != 0 ||
	    vault_cmd_point(c, c->args->words[2], &b, &e) != 0 || diff_disks(c, a, b, &e) != 0)
		return cli_fail("vault diff", &e);
	return CLI_OK;
}
