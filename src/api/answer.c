/* answer.c - the answers handlers give.  See api.h. */
#include "api/api.h"

#include "base/buf.h"
#include "base/codec.h"

/* The wire echoes "/Subscriptions/…" as the client spelled it, except for vault settings. */
static const char *echo_casing(struct api_call *c, const char *id)
{
	if (id == NULL || !str_istarts(str_c(id), STR("/subscriptions/")) ||
	    strcmp(c->subscriptions_word, "subscriptions") == 0)
		return id;
	return arena_fmt(&c->arena, "/%s%s", c->subscriptions_word, id + strlen("/subscriptions"));
}

static bool echoes(const struct api_call *c)
{
	return (c->route->flags & API_VAULT) != 0 && strstr(c->route->pattern, "backupconfig") == NULL &&
	    strcmp(c->subscriptions_word, "subscriptions") != 0;
}

static int echo_id(struct api_call *c, json_t *obj, struct err *e)
{
	const char *id = jstr(obj, "id", NULL);

	return id != NULL ? jset(obj, "id", json_string(echo_casing(c, id)), e) : 0;
}

static int echo_ids(struct api_call *c, json_t *body, struct err *e)
{
	json_t *row, *rows = jat(body, "value");
	size_t i;

	if (echo_id(c, body, e) != 0)
		return -1;
	if (json_is_array(rows))
		json_array_foreach(rows, i, row)
			if (json_is_object(row) && echo_id(c, row, e) != 0)
				return -1;
	return 0;
}

int api_json(struct api_call *c, int status, json_t *body, struct err *e)
{
	auto_json json_t *owned = body;

	if (owned == NULL)
		return err_nomem(e);
	if (json_is_object(owned) && echoes(c) && echo_ids(c, owned, e) != 0)
		return -1;
	buf_clear(&c->res->body);
	if (jdump(owned, &c->res->body, e) != 0)
		return -1;
	c->res->status = status;
	http_res_header(c->res, "Content-Type", "application/json; charset=utf-8");
	return 0;
}

int api_empty(struct api_call *c, int status)
{
	buf_clear(&c->res->body);
	c->res->status = status;
	return 0;
}

static int url_header(struct api_call *c, const char *name, const char *path, struct err *e)
{
	const char *echoed = echo_casing(c, path);

	if (path == NULL)
		return 0;
	if (echoed == NULL)
		return err_nomem(e);
	http_res_headerf(c->res, name, "%s%s%sapi-version=%s", c->base_url, echoed,
	    strchr(echoed, '?') != NULL ? "&" : "?", c->version);
	return 0;
}

int api_async_headers(struct api_call *c, const char *async_path, const char *location_path,
    struct err *e)
{
	if (url_header(c, "Azure-AsyncOperation", async_path, e) != 0 ||
	    url_header(c, "Location", location_path, e) != 0)
		return -1;
	http_res_headerf(c->res, "Retry-After", "%lld",
	    (long long)c->world->settings->retry_after_s);
	return 0;
}

int api_accepted(struct api_call *c, const char *async_path, const char *location_path,
    struct err *e)
{
	return api_async_headers(c, async_path, location_path, e) != 0 ? -1 : api_empty(c, 202);
}

int api_cursor(struct api_call *c, const char **ret, struct err *e)
{
	return arm_skip_token_decode(&c->arena, arm_query_get(&c->query, "$skipToken"), ret, e);
}

/* The request's own URL with $skipToken replaced: filters stay in the link. */
static char *next_link(struct api_call *c, const char *cursor)
{
	auto_buf struct buf b = { 0 };
	const char *token = arm_skip_token_encode(&c->arena, cursor);

	if (token == NULL)
		return NULL;
	buf_addf(&b, "%s" STR_F "?", c->base_url, STR_A(c->http->path));
	for (unsigned i = 0; i < c->query.count; i++) {
		if (str_ieq(str_c(c->query.pair[i].key), STR("$skipToken")))
			continue;
		percent_encode(&b, str_c(c->query.pair[i].key));
		buf_adds(&b, "=");
		percent_encode(&b, str_c(c->query.pair[i].value));
		buf_adds(&b, "&");
	}
	buf_addf(&b, "%%24skipToken=%s", token);
	return b.failed ? NULL : arena_str(&c->arena, buf_str(&b));
}

int api_list(struct api_call *c, json_t *value, const char *cursor, struct err *e)
{
	auto_json json_t *body = json_pack("{s:o}", "value", value);
	const char *link;

	if (cursor != NULL && cursor[0] != '\0') {
		link = next_link(c, cursor);
		if (link == NULL || jset(body, "nextLink", json_string(link), e) != 0)
			return err_nomem(e);
	}
	return api_json(c, 200, TAKE(body), e);
}
