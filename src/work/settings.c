/* settings.c - see settings.h; parsing is in settings_parse.c, the table in setting.c. */
#include "work/setting.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/fs.h"

#define FILE_MAX 262144

void settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(s->host_names); i++)
		free(s->host_names[i]);
	for (size_t i = 0; i < ARRAY_LEN(s->image_dirs); i++)
		free(s->image_dirs[i]);
	for (size_t i = 0; i < s->region_count; i++) {
		free(s->regions[i].name);
		free(s->regions[i].pair);
		free(s->regions[i].store);
		free(s->regions[i].archive);
		free(s->regions[i].server);
	}
	for (size_t i = 0; i < s->issuer_count; i++)
		issuer_settings_done(&s->issuers[i]);
	free(s->listen);
	free(s->dir);
	free(s);
}

int setting_replace(char **field, struct str value, struct err *e)
{
	char *copy = strndup(value.p, value.n);

	if (copy == NULL)
		return err_nomem(e);
	free(*field);
	*field = copy;
	return 0;
}

int settings_load(const char *dir, struct settings **ret, struct err *e)
{
	auto_buf struct buf text = { 0 };
	char absolute[PATH_MAX], file[PATH_MAX];

	if (realpath(dir, absolute) == NULL)
		return err_sys(e, errno, "opening data directory '%s'", dir);
	if (snprintf(file, sizeof(file), "%s/holdfast.conf", absolute) >= (int)sizeof(file))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", absolute);
	if (fs_read_all(file, FILE_MAX, &text, e) != 0) {
		if (e->kind == ERR_NOT_FOUND)
			return err_set(e, ERR_NOT_FOUND,
			    "'%s' is not a data directory: it has no holdfast.conf (holdfast init "
			    "makes one)",
			    absolute);
		return -1;
	}
	return settings_parse(buf_str(&text), file, absolute, ret, e);
}

/* Same name but for casing and spaces? */
static bool same_region(const char *have, const char *given)
{
	for (;; have++, given++) {
		while (*given == ' ')
			given++;
		if (tolower((unsigned char)*have) != tolower((unsigned char)*given))
			return false;
		if (*have == '\0')
			return true;
	}
}

int settings_url(const char *name, unsigned port, char ret[SERVER_URL_SIZE], struct err *e)
{
	char url[SERVER_URL_SIZE];

	if (snprintf(url, sizeof(url),
	    strchr(name, ':') != NULL ? "https://[%s]:%u" : "https://%s:%u", name, port) >=
	    (int)sizeof(url))
		return err_set(e, ERR_INVALID, "host name '%.60s' is too long", name);
	memcpy(ret, url, sizeof(url));
	return 0;
}

int settings_copy_region(const struct settings *s, const char *name,
    const struct region_settings **ret, struct err *e)
{
	const struct region_settings *r = settings_region(s, name), *pair;

	if (r == NULL)
		return err_set(e, ERR_INVALID, "region '%s' is not configured", name);
	pair = r->pair != NULL && *r->pair != '\0' ? settings_region(s, r->pair) : NULL;
	if (pair == NULL)
		return err_set(e, ERR_INVALID, "region '%s' has no paired region", r->name);
	if (pair->store == NULL)
		return err_set(e, ERR_INVALID,
		    "the store of '%s', the paired region of '%s', is out of this server's reach: "
		    "holdfast.conf gives no store in [region %s]", pair->name, r->name, pair->name);
	*ret = pair;
	return 0;
}

const struct region_settings *settings_region(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->region_count; i++)
		if (same_region(s->regions[i].name, name))
			return &s->regions[i];
	return NULL;
}
