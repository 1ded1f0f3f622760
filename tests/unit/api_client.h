/* api_client.h - calls handlers as the dispatcher would, without HTTP: route, parameters, vault,
 * body.  Answers come back as status, headers and JSON. */
#ifndef TESTS_API_CLIENT_H
#define TESTS_API_CLIENT_H

#include "api/route.h"
#include "api_world.h"
#include "base/codec.h"
#include "job/job.h"

struct answer {
	int status;
	json_t *body;
	char async[640], location[640];
	char code[64], text[1024];	/* of an error */
};

static inline void answer_done(struct answer *a)
{
	json_decref(a->body);
	*a = (struct answer){ 0 };
}
#define auto_answer cleanup_with(answer_done)

static inline void answer_take(struct answer *ret, const struct http_res *res, const struct err *e)
{
	const char *async = http_res_find(res, "Azure-AsyncOperation");
	const char *location = http_res_find(res, "Location");
	struct err why;

	if (e->kind != ERR_NONE) {
		ret->status = arm_error_status(e);
		(void)snprintf(ret->code, sizeof(ret->code), "%s", arm_error_code(e));
		(void)snprintf(ret->text, sizeof(ret->text), "%s", e->msg);
		return;
	}
	ret->status = res->status;
	if (res->body.n > 0)
		assert_int_equal(jparse(buf_str(&res->body), &ret->body, &why), 0);
	(void)snprintf(ret->async, sizeof(ret->async), "%s", async != NULL ? async : "");
	(void)snprintf(ret->location, sizeof(ret->location), "%s",
	    location != NULL ? location : "");
}

/* `url` is a path with a query, or one of our absolute URLs; `body` JSON text or NULL. */
static inline void call(struct world *world, const struct api_route *const *tables,
    const char *method, const char *url, const char *body, struct answer *ret)
{
	static const struct access_grant everything = { &roles[0], "" };	/* Owner */
	struct api api = { .world = world };
	const char *path = strncmp(url, "https://h", 9) == 0 ? url + 9 : url;
	const char *query = strchr(path, '?');
	struct http_req req = { .method = method, .path = { path,
		query != NULL ? (size_t)(query - path) : strlen(path) },
		.query = str_c(query != NULL ? query + 1 : "") };
	struct http_res res = { 0 };
	struct api_call c = { .api = &api, .world = world, .http = &req, .res = &res,
		.base_url = "https://h", .subscriptions_word = "subscriptions",
		.client_request_id = "client-1", .now_us = clock_now_us(world->clock),
		.access = { &everything, 1 }, .action = "", .scope = "" };
	struct err e = { 0 };
	char allow[64];
	int rc;

	*ret = (struct answer){ 0 };
	OK(arm_path_split(&c.arena, req.path, &c.path, &e));
	OK(arm_query_parse(&c.arena, req.query, &c.query, &e));
	c.version = arm_query_get(&c.query, "api-version");
	if (c.version == NULL)
		c.version = "";
	assert_int_equal(route_find(tables, &c, allow, sizeof(allow)), 1);
	if ((c.route->flags & API_VAULT) != 0)
		OK(api_find(&c, api_vault_id(&c), &c.vault, &e));
	if (body != NULL)
		OK(jparse(str_c(body), &c.body, &e));
	e = (struct err){ 0 };
	rc = c.route->fn(&c, &e);
	if (rc == 0)
		e.kind = ERR_NONE;
	answer_take(ret, &res, &e);
	http_res_done(&res);
	json_decref(c.body);
	resource_done(&c.vault);
	arena_done(&c.arena);
}

#endif
