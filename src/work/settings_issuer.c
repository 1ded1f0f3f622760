/* settings_issuer.c - what is special about the sections [issuer NAME] of holdfast.conf. */
#include <stdio.h>

#include "work/setting.h"

#define NAME_MAX_BYTES 40
#define TEXT_MAX 255

static bool name_valid(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= NAME_MAX_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

int issuer_begin(struct settings *s, const char *name, struct issuer_settings **ret, struct err *e)
{
	struct issuer_settings *n;

	if (!name_valid(name))
		return err_set(e, ERR_INVALID, "'%.60s' is not an issuer's name", name);
	for (size_t i = 0; i < s->issuer_count; i++)
		if (strcmp(s->issuers[i].name, name) == 0)
			return err_set(e, ERR_INVALID, "a second section for issuer '%s'", name);
	if (s->issuer_count == ISSUERS_MAX)
		return err_set(e, ERR_INVALID, "more than %d issuers", ISSUERS_MAX);
	n = &s->issuers[s->issuer_count];
	if (setting_replace(&n->name, str_c(name), e) != 0)
		return -1;
	s->issuer_count++;	/* with a name, so that others can be compared with it */
	*ret = n;
	return setting_replace(&n->url, STR(""), e) != 0 ||
	    setting_replace(&n->audience, STR(""), e) != 0 ? -1 :
	    setting_replace(&n->jwks, STR(""), e);
}

void issuer_settings_done(struct issuer_settings *n)
{
	free(n->name);
	free(n->url);
	free(n->audience);
	free(n->jwks);
	free(n->ca);
}

int setting_store_link(char **field, const char *value, struct err *e)
{
	char server[SERVER_URL_SIZE];
	size_t n = strlen(value), at = n > 8 ? 8 + strcspn(value + 8, "/") : n;

	(void)snprintf(server, sizeof(server), "%.*s", (int)at, value);
	if (n >= sizeof(server) || !server_url_valid(server))
		return err_set(e, ERR_INVALID, "'%.100s' is not of the form https://HOST/PATH",
		    value);
	for (const char *c = value + at; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f ||
		    strchr("?#\"<>\\", *c) != NULL)
			return err_set(e, ERR_INVALID, "'%.100s' has a character that no path has",
			    value);
	return setting_replace(field, str_c(value), e);
}

int setting_store_text(char **field, const char *value, struct err *e)
{
	if (strlen(value) > TEXT_MAX)
		return err_set(e, ERR_INVALID, "longer than %d bytes", TEXT_MAX);
	return setting_replace(field, str_c(value), e);
}

int issuers_check(const struct settings *s, const char *file, struct err *e)
{
	for (size_t i = 0; i < s->issuer_count; i++) {
		const struct issuer_settings *n = &s->issuers[i];

		if (*n->url == '\0')
			return err_set(e, ERR_INVALID, "%s: [issuer %s]: url is missing", file,
			    n->name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(s->issuers[k].url, n->url) == 0)
				return err_set(e, ERR_INVALID,
				    "%s: [issuer %s]: url: issuer '%s' has the same", file, n->name,
				    s->issuers[k].name);
	}
	return 0;
}
