/* metadata.c - the cloud's endpoints, in the three shapes that clients of different age ask for. */
#include "api/identity.h"

static json_t *audiences(const char *base)
{
	return json_pack("[s, s]", "https://management.core.windows.net/", base);
}

/* api-versions before 2018. */
static json_t *first_shape(const char *base, const char *login)
{
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:o}}", "galleryEndpoint", base, "graphEndpoint",
	    base, "portalEndpoint", base, "authentication", "loginEndpoint", login, "audiences",
	    audiences(base));
}

static json_t *cloud(const char *base, const char *login, const char *host)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:o, s:s, s:s}, s:{s:s}}", "name",
	    "Holdfast", "resourceManager", base, "portal", base, "gallery", base, "graphAudience",
	    base, "microsoftGraphResourceId", base, "authentication", "loginEndpoint", login,
	    "audiences", audiences(base), "tenant", "common", "identityProvider", "ADFS",
	    "suffixes", "storage", host);
}

int cloud_metadata(struct api_call *c, struct err *e)
{
	const char *base = arena_fmt(&c->arena, "%s/", c->base_url);
	const char *login = arena_fmt(&c->arena, "%s/adfs", c->base_url);
	const char *host = c->base_url + strlen("https://");
	bool given = c->version[0] != '\0';

	if (base == NULL || login == NULL)
		return err_nomem(e);
	if (given && !arm_version_at_least(c->version, "2018-01-01"))
		return api_json(c, 200, first_shape(base, login), e);
	if (given && !arm_version_at_least(c->version, "2021-01-01"))
		return api_json(c, 200, json_pack("[o]", cloud(base, login, host)), e);
	return api_json(c, 200, cloud(base, login, host), e);
}
