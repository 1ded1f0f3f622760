/* check.c - see check.h. */
#include "vault/check.h"

#include <stdio.h>

#include "vault/sealed.h"

#define CHECK_MAX ((size_t)64 << 10)

static const struct sealed_kind check_kind = { "HFCHECK", "holdfast check", "check" };

/* "points/…" to "checks/…" */
static void check_name(const char *point_object, char out[POINT_NAME_SIZE])
{
	(void)snprintf(out, POINT_NAME_SIZE, "checks/%s", point_object + strlen("points/"));
}

bool check_parse(struct str text, struct vault_check *ret)
{
	auto_json json_t *doc = NULL;
	struct vault_check c = { 0 };
	struct err ignored;
	int64_t disk;

	if (jparse(text, &doc, &ignored) != 0)
		return false;
	c.round_us = jint(doc, "round", 0);
	c.at_us = jint(doc, "at", 0);
	c.is_complete = jbool(doc, "complete", false);
	c.covered = jint(doc, "covered", 0);
	c.total = jint(doc, "total", 0);
	c.damaged = jint(doc, "damaged", 0);
	disk = jint(doc, "disk", 0);
	c.offset = jint(doc, "offset", 0);
	(void)snprintf(c.first, sizeof(c.first), "%.255s", jstr(doc, "first", ""));
	if (c.round_us < 0 || c.at_us < 0 || c.covered < 0 || c.covered > c.total || c.damaged < 0 ||
	    c.offset < 0 || disk < 0 || disk > POINT_DISKS_MAX)
		return false;
	c.disk = (size_t)disk;
	*ret = c;
	return true;
}

int check_load(struct vault *v, const char *point_object, struct vault_check *ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	char name[POINT_NAME_SIZE];
	struct str plain;

	check_name(point_object, name);
	if (sealed_get(v, &check_kind, name, CHECK_MAX, &b, &plain, e) != 0)
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_CORRUPT ? 0 : -1;
	return check_parse(plain, ret) ? 1 : 0;
}

int check_save(struct vault *v, const char *point_object, const struct vault_check *c,
    struct err *e)
{
	auto_json json_t *doc = json_pack("{s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:s}",
	    "round", (json_int_t)c->round_us, "at", (json_int_t)c->at_us, "complete", c->is_complete,
	    "covered", (json_int_t)c->covered, "total", (json_int_t)c->total, "damaged",
	    (json_int_t)c->damaged, "disk", (json_int_t)c->disk, "offset", (json_int_t)c->offset,
	    "first", c->first);
	auto_buf struct buf plain = { 0 }, out = { 0 };
	char name[POINT_NAME_SIZE];

	if (doc == NULL)
		return err_nomem(e);
	check_name(point_object, name);
	if (jdump(doc, &plain, e) != 0 || sealed_make(v, &check_kind, name, &plain, &out, e) != 0)
		return -1;
	return object_put(v->store, name, out.p, out.n, e);
}

void check_drop(struct vault *v, const char *point_object)
{
	char name[POINT_NAME_SIZE];
	struct err ignored;

	check_name(point_object, name);
	(void)!object_del(v->store, name, &ignored);
}
