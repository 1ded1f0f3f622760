/* check.c - see check.h. */
#include "vault/check.h"

#include <stdio.h>

#include "base/codec.h"
#include "vault/sealed.h"

#define CHECK_MAX ((size_t)64 << 10)

static const struct sealed_kind check_kind = { "HFCHECK", "holdfast check", "check" };

/* "points/…" to "checks/…" */
static void check_name(const char *point_object, char out[POINT_NAME_SIZE])
{
	(void)snprintf(out, POINT_NAME_SIZE, "checks/%s", point_object + strlen("points/"));
}

/* The salt in the header of the point's object: another point of that name, or the same made again,
 * has another.  1, or 0 if there is no such object, or -1. */
static int point_salt(struct vault *v, const char *point_object, char ret[HEX_SIZE(16)],
    struct err *e)
{
	uint8_t header[SEALED_HEADER_SIZE];

	if (object_get(v->store, point_object, 0, header, sizeof(header), e) != 0)
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_CORRUPT ? 0 : -1;
	(void)hex_encode(header + 16, 16, ret);
	return 1;
}

bool check_parse(struct str text, const char *salt, struct vault_check *ret)
{
	auto_json json_t *doc = NULL;
	struct vault_check c = { 0 };
	struct err ignored;
	int64_t disk;

	if (jparse(text, &doc, &ignored) != 0 ||
	    (salt != NULL && strcmp(jstr(doc, "salt", ""), salt) != 0))
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
	char name[POINT_NAME_SIZE], salt[HEX_SIZE(16)];
	struct str plain;
	int found;

	check_name(point_object, name);
	if (sealed_get(v, &check_kind, name, CHECK_MAX, &b, &plain, e) != 0)
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_CORRUPT ? 0 : -1;
	found = point_salt(v, point_object, salt, e);
	return found <= 0 ? found : check_parse(plain, salt, ret);
}

static json_t *document(const struct vault_check *c, const char *salt)
{
	return json_pack("{s:s, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:s}", "salt", salt, "round",
	    (json_int_t)c->round_us, "at", (json_int_t)c->at_us, "complete", c->is_complete,
	    "covered", (json_int_t)c->covered, "total", (json_int_t)c->total, "damaged",
	    (json_int_t)c->damaged, "disk", (json_int_t)c->disk, "offset", (json_int_t)c->offset,
	    "first", c->first);
}

int check_save(struct vault *v, const char *point_object, const struct vault_check *c,
    struct err *e)
{
	auto_buf struct buf plain = { 0 }, out = { 0 };
	auto_json json_t *doc = NULL;
	char name[POINT_NAME_SIZE], salt[HEX_SIZE(16)];
	int found = point_salt(v, point_object, salt, e);

	if (found <= 0)
		return found;		/* of a point that is gone nothing is noted */
	doc = document(c, salt);
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
