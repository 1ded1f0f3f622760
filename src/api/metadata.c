/* metadata.c - the cloud's endpoints, in the three shapes that clients of different age ask for;
 * and whether an authority is this server's. */
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
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:o, s:s, s:s}, s:{s:s}}",
	    "name", "Holdfast", "resourceManager", base, "portal", base, "gallery", base, "graph",
	    base, "graphAudience", base, "microsoftGraphResourceId", base, "authentication",
	    "loginEndpoint", login, "audiences", audiences(base), "tenant", "common", "identityProvider", "ADFS",
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

/* Is the URL that of an authority of this server, as it was called? */
static bool is_ours(const struct api_call *c, const char *url)
{
	size_t n = strlen(c->base_url);

	return str_istarts(str_c(url), str_c(c->base_url)) && (url[n] == '/' || url[n] == '\0');
}

/* What Microsoft's libraries ask before they trust an authority; the answer is about one only. */
int instance_discovery(struct api_call *c, struct err *e)
{
	const char *asked = arm_query_get(&c->query, "authorization_endpoint");
	const char *host = c->base_url + strlen("https://"), *url;

	if (!identity_tenant_ok(c))
		return identity_refuse(c, 400, "invalid_tenant", 90002, "Tenant not found.", e);
	if (asked == NULL || !is_ours(c, asked))
		return identity_refuse(c, 400, "invalid_instance", 50049,
		    "Unknown or invalid instance.", e);
	url = arena_fmt(&c->arena, "%s/%s/v2.0/.well-known/openid-configuration", c->base_url,
	    c->world->tenant);
	if (url == NULL)
		return err_nomem(e);
	return api_json(c, 200, json_pack("{s:s, s:s, s:[{s:s, s:s, s:[s]}]}",
	    "tenant_discovery_endpoint", url, "api-version", "1.1", "metadata",
	    "preferred_network", host, "preferred_cache", host, "aliases", host), e);
}
