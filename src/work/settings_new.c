/* settings_new.c - the holdfast.conf that a new data directory begins with. */
#include <inttypes.h>

#include "work/setting.h"

static const struct settings_new_region usual_regions[] = {
	{ "eastus", "westus", NULL },
	{ "westus", "eastus", NULL },
	{ NULL, NULL, NULL },
};

/* The row's help as comment lines, with the bounds of a number. */
static void write_help(struct buf *b, const struct setting *row)
{
	buf_addf(b, "\n# %s", row->help);
	if (row->type == SETTING_NUMBER)
		buf_addf(b, "\n# %" PRId64 " to %" PRId64 " %s; preset %s.", row->min, row->max,
		    row->unit, row->preset);
	buf_adds(b, "\n");
}

static void write_names(struct buf *b, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		buf_addf(b, "%s%s", i > 0 ? ", " : "", names[i]);
}

static void write_server(struct buf *b, const struct settings_new *o)
{
	buf_adds(b, "\n[server]\n");
	for (const struct setting *row = setting_table; row->key != NULL; row++) {
		if (row->section != SECTION_SERVER)
			continue;
		write_help(b, row);
		buf_addf(b, "%s = ", row->key);
		if (row->type == SETTING_LISTEN && o->listen != NULL)
			buf_adds(b, o->listen);
		else if (row->type == SETTING_NAMES && o->names != NULL)
			write_names(b, o->names);
		else
			buf_adds(b, row->preset);
		buf_adds(b, "\n");
	}
}

static void write_images(struct buf *b, const struct settings_new *o)
{
	const struct setting *row = setting_find(SECTION_IMAGES, "path");

	buf_adds(b, "\n[images]\n");
	write_help(b, row);
	buf_addf(b, "%s = %s\n", row->key, row->preset);
	for (size_t i = 0; o->images != NULL && o->images[i] != NULL; i++)
		buf_addf(b, "%s = %s\n", row->key, o->images[i]);
}

static void write_own(struct buf *b, const struct settings_new_region *r)
{
	buf_addf(b, "store = regions/%s\n", r->name);
	write_help(b, setting_find(SECTION_REGION, "archive"));
	buf_adds(b, "#archive =\n");
}

static void write_region(struct buf *b, const struct settings_new_region *r)
{
	const struct setting *pair = setting_find(SECTION_REGION, "pair");
	const struct setting *server = setting_find(SECTION_REGION, "server");
	const struct setting *store = setting_find(SECTION_REGION, "store");

	buf_addf(b, "\n[region %s]\n", r->name);
	write_help(b, pair);
	buf_addf(b, "%s = %s\n", pair->key, r->pair);
	write_help(b, server);
	buf_addf(b, "%s = %s\n", server->key, r->server != NULL ? r->server : "");
	write_help(b, store);
	if (r->server == NULL)
		write_own(b, r);
	else
		buf_adds(b, "# Of another server's region: where this server reaches it, for\n"
		    "# copies of this server's vaults.\n"
		    "#store =\n");
}

/* Values that would not come back as they went in. */
static int check_images(const struct settings_new *o, struct err *e)
{
	for (size_t i = 0; o->images != NULL && o->images[i] != NULL; i++) {
		const char *path = o->images[i];
		size_t n = strlen(path);

		if (*path != '/')
			return err_set(
			    e, ERR_INVALID, "image directory '%s' is not absolute", path);
		if (path[n - 1] == ' ')
			return err_set(
			    e, ERR_INVALID, "image directory '%s' ends with a space", path);
		for (size_t k = 0; k < n; k++)
			if ((unsigned char)path[k] < ' ')
				return err_set(e, ERR_INVALID,
				    "image directory's name '%.200s' has control characters", path);
	}
	return 0;
}

int settings_write_new(struct buf *b, const struct settings_new *o, struct err *e)
{
	const struct settings_new_region *r = o->regions != NULL ? o->regions : usual_regions;
	struct settings *check;
	size_t start = b->n;

	if (check_images(o, e) != 0)
		return -1;
	buf_adds(b,
	    "# holdfast.conf - settings of this data directory; see holdfast.conf(5).\n"
	    "# Relative paths begin at this file's directory.  The server reads it at start.\n");
	write_server(b, o);
	write_images(b, o);
	for (; r->name != NULL; r++)
		write_region(b, r);
	if (buf_ok(b, e) != 0)
		return -1;
	if (settings_parse(
		(struct str){ b->p + start, b->n - start }, "holdfast.conf", "/", &check, e) != 0)
		return -1;
	settings_free(check);
	return 0;
}
