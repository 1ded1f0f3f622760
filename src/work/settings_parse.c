/* settings_parse.c - holdfast.conf read with inih, line by line. */
#include <assert.h>
#include <stdio.h>

#include <ini.h>

#include "work/setting.h"

#define SETTING_COUNT_MAX 32
#define LINE_TEXT_MAX 4608	/* a key and a path of PATH_MAX */

struct parse {
	const char *file;
	struct str rest;	/* what inih has not asked for yet */
	int line;
	enum setting_section section;
	struct setting_place at;
	bool seen[SETTING_COUNT_MAX];	/* by row, in this section */
	bool failed;
	struct err *e;
};

static int complain(struct parse *p, const char *what)
{
	(void)err_in(p->e, "%s:%d: %s", p->file, p->line, what);
	p->failed = true;
	return -1;
}

static int begin_region(struct parse *p, const char *name)
{
	struct settings *s = p->at.settings;
	struct region_settings *r;

	if (!region_name_valid(name))
		return err_set(p->e, ERR_INVALID, "'%.60s' is not a region's name", name);
	if (settings_region(s, name) != NULL)
		return err_set(p->e, ERR_INVALID, "a second section for region '%s'", name);
	if (s->region_count == REGIONS_MAX)
		return err_set(p->e, ERR_INVALID, "more than %d regions", REGIONS_MAX);
	r = &s->regions[s->region_count];
	s->region_count++;	/* before the texts, so that they are freed whatever happens */
	if (setting_replace(&r->name, str_c(name), p->e) != 0 ||
	    setting_replace(&r->server, STR(""), p->e) != 0)
		return -1;
	p->section = SECTION_REGION;
	p->at.base = r;
	return 0;
}

static int begin_issuer(struct parse *p, const char *name)
{
	struct issuer_settings *n = NULL;

	if (issuer_begin(p->at.settings, name, &n, p->e) != 0)
		return -1;
	p->section = SECTION_ISSUER;
	p->at.base = n;
	return 0;
}

static int begin_section(struct parse *p, const char *name)
{
	bool is_region = strncmp(name, "region ", 7) == 0;

	p->at.base = p->at.settings;
	if (strcmp(name, "server") == 0)
		p->section = SECTION_SERVER;
	else if (strcmp(name, "images") == 0)
		p->section = SECTION_IMAGES;
	else if (!is_region && strncmp(name, "issuer ", 7) != 0)
		return err_set(p->e, ERR_INVALID, "unknown section");
	else {
		memset(p->seen, 0, sizeof(p->seen));
		name += 7 + strspn(name + 7, " ");
		return is_region ? begin_region(p, name) : begin_issuer(p, name);
	}
	return 0;
}

/* inih tells of a section only when it holds a key, and cuts long names; so look here. */
static int look_for_section(struct parse *p, const char *line)
{
	char name[LINE_TEXT_MAX], what[128];
	const char *end;

	line += strspn(line, " \t");
	if (*line != '[')
		return 0;
	end = strchr(line, ']');
	if (end == NULL)
		return 0;	/* inih complains */
	memcpy(name, line + 1, (size_t)(end - line - 1));
	name[end - line - 1] = '\0';
	if (begin_section(p, name) == 0)
		return 0;
	(void)snprintf(what, sizeof(what), "[%.60s]", name);
	return complain(p, what);
}

/* As fgets(), from the text. */
static char *next_line(char *out, int size, void *arg)
{
	struct parse *p = arg;
	const char *nl;
	size_t n;

	if (p->rest.n == 0 || p->failed)
		return NULL;
	p->line++;
	nl = memchr(p->rest.p, '\n', p->rest.n);
	n = nl != NULL ? (size_t)(nl - p->rest.p) + 1 : p->rest.n;
	if (n >= (size_t)size || memchr(p->rest.p, '\0', n) != NULL) {
		(void)err_set(p->e, ERR_INVALID, "the line is too long or not text");
		(void)complain(p, "reading");
		return NULL;
	}
	memcpy(out, p->rest.p, n);
	out[n] = '\0';
	p->rest.p += n;
	p->rest.n -= n;
	return look_for_section(p, out) == 0 ? out : NULL;
}

static int store(struct parse *p, const char *key, const char *value)
{
	const struct setting *row = setting_find(p->section, key);
	size_t at;

	if (row == NULL)
		return err_set(p->e, ERR_INVALID,
		    p->section == SECTION_NONE ? "key before any section" : "unknown key");
	at = (size_t)(row - setting_table);
	if (p->seen[at] && row->type != SETTING_PATHS)
		return err_set(p->e, ERR_INVALID, "given twice");
	p->seen[at] = true;
	return setting_store(row, &p->at, value, p->e);
}

static int on_pair(void *arg, const char *section, const char *key, const char *value)
{
	struct parse *p = arg;

	(void)section;
	if (p->failed)
		return 0;
	if (store(p, key, value) == 0)
		return 1;
	(void)complain(p, key);
	return 0;
}

static int set_presets(struct settings *s, struct err *e)
{
	const struct setting_place at = { s, s };

	for (const struct setting *row = setting_table; row->key != NULL; row++)
		if (row->section == SECTION_SERVER && setting_store(row, &at, row->preset, e) != 0)
			return err_in(e, "preset of '%s'", row->key);
	return 0;
}

/* A section that says nothing of a pair has Azure's, if that has a section too. */
static int set_pairs(struct settings *s, struct err *e)
{
	for (size_t i = 0; i < s->region_count; i++) {
		struct region_settings *r = &s->regions[i];
		const char *usual = region_usual_pair(r->name);

		if (r->pair == NULL && setting_replace(&r->pair,
		    settings_region(s, usual) != NULL ? str_c(usual) : STR(""), e) != 0)
			return -1;
	}
	return 0;
}

/* An archive lies under the same names as the vaults that it is of. */
static int check_archive(const struct settings *s, const char *file,
    const struct region_settings *r, struct err *e)
{
	if (r->archive == NULL)
		return 0;
	if (!region_is_here(r))
		return err_set(e, ERR_INVALID, "%s: [region %s]: archive: the region is another "
		    "server's, which has its archive", file, r->name);
	for (const struct region_settings *o = s->regions; o < s->regions + s->region_count; o++)
		if ((o->store != NULL && strcmp(o->store, r->archive) == 0) ||
		    (o < r && o->archive != NULL && strcmp(o->archive, r->archive) == 0))
			return err_set(e, ERR_INVALID,
			    "%s: [region %s]: archive: region '%s' has that directory already", file,
			    r->name, o->name);
	return 0;
}

static int check_region(const struct settings *s, const char *file,
    const struct region_settings *r, struct err *e)
{
	const struct region_settings *pair = settings_region(s, r->pair);

	if (r->store == NULL && region_is_here(r))
		return err_set(e, ERR_INVALID, "%s: [region %s]: store is missing", file, r->name);
	if (*r->pair != '\0' && (pair == NULL || pair == r))
		return err_set(e, ERR_INVALID,
		    "%s: [region %s]: pair: '%s' is not another region", file, r->name, r->pair);
	for (const struct region_settings *o = s->regions; o < r; o++)
		if (r->store != NULL && o->store != NULL && strcmp(o->store, r->store) == 0)
			return err_set(e, ERR_INVALID,
			    "%s: [region %s]: store: region '%s' has the same", file, r->name,
			    o->name);
	return check_archive(s, file, r, e);
}

/* What no single line can show. */
static int check_whole(const struct settings *s, const char *file, struct err *e)
{
	size_t here = 0;

	if ((s->chunk_kib & (s->chunk_kib - 1)) != 0)
		return err_set(e, ERR_INVALID, "%s: chunk_kib: %lld is not a power of two", file,
		    (long long)s->chunk_kib);
	if (s->region_count == 0)
		return err_set(
		    e, ERR_INVALID, "%s: no region, at least one [region NAME] is needed", file);
	for (size_t i = 0; i < s->region_count; i++) {
		if (check_region(s, file, &s->regions[i], e) != 0)
			return -1;
		here += region_is_here(&s->regions[i]);
	}
	return here > 0 ? 0 : err_set(e, ERR_INVALID,
	    "%s: every region is another server's, at least one must be this server's", file);
}

static void settings_p(struct settings **s)
{
	settings_free(*s);
}

/* The library's options are global variables; these are the only ones the program wants. */
static void choose_dialect(void)
{
	ini_max_line = LINE_TEXT_MAX;
	ini_allow_inline_comments = false;	/* a path may hold " ;" */
	ini_allow_multiline = false;	/* a line that is indented is a line like others */
}

int settings_parse(struct str text, const char *file, const char *dir, struct settings **ret,
    struct err *e)
{
	cleanup_with(settings_p) struct settings *s = calloc(1, sizeof(*s));
	struct parse p = { .file = file, .rest = text, .at = { s, s }, .e = e };
	int bad_line;

	assert(setting_find(SECTION_REGION, "archive") < setting_table + SETTING_COUNT_MAX);
	if (s == NULL)
		return err_nomem(e);
	if (setting_replace(&s->dir, str_c(dir), e) != 0 || set_presets(s, e) != 0)
		return -1;
	choose_dialect();
	bad_line = ini_parse_stream(next_line, &p, on_pair, &p);
	if (bad_line > 0 && !(p.failed && p.line == bad_line))
		return err_set(e, ERR_INVALID,
		    "%s:%d: neither '[section]', 'key = value' nor a comment", file, bad_line);
	if (p.failed)
		return -1;
	if (bad_line != 0)
		return err_nomem(e);
	if (set_pairs(s, e) != 0 || check_whole(s, file, e) != 0 ||
	    issuers_check(s, file, e) != 0)
		return -1;
	*ret = TAKE(s);
	return 0;
}
