/* target.c - what a request line asks for: a path, or a whole URL.  See internal.h. */
#include "http/internal.h"

#include <strings.h>

/* Behind "http://" or "https://", NULL if the target begins otherwise.  A proxy may have ended TLS:
 * which of the two it is tells nothing. */
static const char *after_scheme(const char *uri)
{
	if (strncasecmp(uri, "https://", 8) == 0)
		return uri + 8;
	return strncasecmp(uri, "http://", 7) == 0 ? uri + 7 : NULL;
}

static bool names_host(const char *authority, size_t n, const char *host)
{
	return host != NULL && strcspn(host, " \t") == n && strncasecmp(authority, host, n) == 0;
}

const struct refusal *judge_target(char *uri, const char *host)
{
	static const struct refusal form = { 400, "BadRequest",
		"the request's target is neither a path nor a URL" };
	static const struct refusal differs = { 400, "BadRequest",
		"the host in the request's target is not the one in the Host header" };
	const char *authority = after_scheme(uri);
	size_t n;

	if (strchr(uri, '#') != NULL || (*uri != '/' && authority == NULL))
		return &form;
	if (authority == NULL)
		return NULL;
	n = strcspn(authority, "/?");
	if (!names_host(authority, n, host))
		return &differs;
	/* The scheme leaves room for the '/' that a URL without a path lacks. */
	authority += n;
	if (*authority != '/')
		*uri++ = '/';
	memmove(uri, authority, strlen(authority) + 1);
	return NULL;
}
