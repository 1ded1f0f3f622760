/* setting.h - the table of settings (inside src/work/ only). */
#ifndef WORK_SETTING_H
#define WORK_SETTING_H

#include "work/settings.h"

enum setting_section {
	SECTION_NONE,
	SECTION_SERVER,
	SECTION_IMAGES,
	SECTION_ISSUER,		/* one per issuer: [issuer NAME] */
	SECTION_REGION,		/* one per region: [region NAME] */
	SECTION_UNKNOWN,
};

enum setting_type {
	SETTING_LISTEN,		/* numeric address and port */
	SETTING_NAMES,		/* host names, comma-separated */
	SETTING_NUMBER,
	SETTING_PATHS,		/* a directory; the key may come again */
	SETTING_PATH,		/* a directory */
	SETTING_REGION,		/* name of another region, or nothing */
	SETTING_URL,		/* https://host[:port], or nothing */
	SETTING_LINK,		/* https://host[:port][/path] */
	SETTING_TEXT,
};

struct setting {
	enum setting_section section;
	const char *key;
	enum setting_type type;
	size_t offset;          /* in struct settings; in that of a region or issuer */
	int64_t min, max;	/* of a number */
	const char *preset;	/* as written in the file; for regions see settings_new.c */
	const char *unit;	/* of a number, or NULL */
	const char *help;
};

extern const struct setting setting_table[];	/* ends with key NULL */

const struct setting *setting_find(enum setting_section section, const char *key);

/* Where a parse is: whose members `offset` counts from, and where relative paths begin. */
struct setting_place {
	struct settings *settings;
	void *base;
};

/* Check and store one value. */
must_check int setting_store(const struct setting *row, const struct setting_place *at,
    const char *value, struct err *e);

/* *field becomes a copy of the text; what it was is freed. */
must_check int setting_replace(char **field, struct str value, struct err *e);

/* Parts of setting_store() and settings_parse(), in settings_issuer.c. */
must_check int setting_store_link(char **field, const char *value, struct err *e);
must_check int setting_store_text(char **field, const char *value, struct err *e);
must_check int issuer_begin(struct settings *s, const char *name, struct issuer_settings **ret,
    struct err *e);
must_check int issuers_check(const struct settings *s, const char *file, struct err *e);
void issuer_settings_done(struct issuer_settings *n);

/* The region that Azure pairs with this one, "" if it pairs none; borrowed. */
const char *region_usual_pair(const char *name);

#endif
