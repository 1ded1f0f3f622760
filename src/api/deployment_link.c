/* deployment_link.c - templates and parameters that a request only names.  See deployment.h. */
#include "api/deployment.h"

#include "api/inner.h"
#include "base/codec.h"

static int no_content(const char *uri, const char *why, struct err *e)
{
	return err_code(e, ERR_INVALID, "InvalidContentLink",
	    "Unable to download deployment content from '%.200s': %.200s", uri, why);
}

/* Its host and port are this server's. */
static bool is_ours(const struct api_call *c, struct str authority)
{
	const char *own = c->base_url + strlen("https://"), *own_port = strrchr(own, ':');
	struct str name = authority, port = { "", 0 };

	for (size_t i = authority.n; i > 0; i--)
		if (authority.p[i - 1] == ':') {
			name.n = i - 1;
			port = (struct str){ authority.p + i - 1, authority.n - name.n };
			break;
		} else if (authority.p[i - 1] == ']') {
			break;
		}
	if (!str_eq(port, str_c(own_port != NULL && strchr(own_port, ']') == NULL ? own_port : "")))
		return false;
	if (name.n > 1 && name.p[0] == '[')
		name = (struct str){ name.p + 1, name.n - 2 };
	for (char *const *known = c->world->settings->host_names; *known != NULL; known++)
		if (str_ieq(name, str_c(*known)))
			return true;
	return false;
}

struct target {
	const char *path, *query;	/* the path decoded; the arena's */
};

static int read_uri(struct api_call *c, const json_t *link, const char *uri, struct target *ret,
    struct err *e)
{
	static const char scheme[] = "https://";
	auto_buf struct buf path = { 0 };
	const char *more = jstr(link, "queryString", ""), *at, *query;
	size_t n;

	if (strncmp(uri, scheme, strlen(scheme)) != 0)
		return no_content(uri, "an https:// address is expected", e);
	at = uri + strlen(scheme);
	n = strcspn(at, "/?#");
	if (!is_ours(c, (struct str){ at, n }))
		return no_content(uri, "only blobs of this server's storage accounts are read", e);
	at += n;
	n = strcspn(at, "?#");
	if (n < 2 || !percent_decode((struct str){ at, n }, &path))
		return no_content(uri, "it names no blob", e);
	query = at[n] == '?' ? at + n + 1 : "";
	ret->path = arena_str(&c->arena, buf_str(&path));
	ret->query = more[0] == '\0' ? query : arena_fmt(&c->arena, "%s%s%s", query,
	    query[0] != '\0' ? "&" : "", more[0] == '?' ? more + 1 : more);
	return ret->path != NULL && ret->query != NULL ? 0 : err_nomem(e);
}

int deployment_fetch(struct api_call *c, const json_t *link, const char *what, json_t **ret,
    struct err *e)
{
	auto_inner struct inner answer = { 0 };
	struct target t = { 0 };
	const char *uri;

	if (jneed_str(link, "uri", &uri, e) != 0)
		return err_in(e, "properties.%s", what);
	if (read_uri(c, link, uri, &t, e) != 0)
		return -1;
	if (str_istarts(str_c(t.path), STR("/subscriptions")))
		return no_content(uri, "it names no blob", e);
	if (inner_request(c, "GET", t.path, t.query, NULL, &answer, e) != 0)
		return e->kind == ERR_INVALID ? no_content(uri, e->msg, e) : -1;
	if (answer.status != 200)
		return no_content(uri, answer.code != NULL ? answer.code : "no whole blob came", e);
	if (jparse_relaxed(buf_str(&answer.body), ret, e) != 0)
		return e->kind == ERR_INVALID ? no_content(uri, e->msg, e) : -1;
	return 0;
}
