/* api.c - from a request to its handler and back.  See api.h. */
#include "api/api.h"

#include <stdio.h>

#include "api/audit_call.h"
#include "api/authorize.h"
#include "api/route.h"
#include "api/secondary.h"
#include "base/codec.h"
#include "base/log.h"

#define FIRST(c, word) ((c)->path.count > 0 && str_ieq((c)->path.segment[0], STR(word)))

/* The Host a request names must be one that the settings list: answers hold
 * URLs made of it. */
static int check_host(struct api_call *c, struct err *e)
{
	const char *host = http_req_header(c->http, "Host");
	struct str name = str_c(host);
	const char *colon;

	if (host == NULL)
		return err_http(e, ERR_INVALID, 400, "InvalidHeader", "the request has no Host header");
	if (name.n > 0 && name.p[0] == '[') {
		const char *close = memchr(name.p, ']', name.n);

		name = close != NULL ? (struct str){ name.p + 1, (size_t)(close - name.p - 1) } : name;
	} else if ((colon = strchr(host, ':')) != NULL) {
		name.n = (size_t)(colon - host);
	}
	for (char *const *known = c->world->settings->host_names; *known != NULL; known++)
		if (str_ieq(name, str_c(*known))) {
			c->base_url = arena_fmt(&c->arena, "https://%s", host);
			return c->base_url != NULL ? 0 : err_nomem(e);
		}
	return err_http(e, ERR_INVALID, 400, "InvalidHostName",
	    "the Host header names '%.100s', which is not among the names in holdfast.conf", host);
}

static int find_route(struct api_call *c, struct err *e)
{
	char allow[64];
	int found = route_find(api_tables, c, allow, sizeof(allow));

	if (found > 0)
		return 0;
	if (found < 0) {
		http_res_header(c->res, "Allow", allow);
		return err_http(e, ERR_INVALID, 405, "MethodNotAllowed",
		    "The resource '" STR_F "' does not support http method '%s'.", STR_A(c->http->path),
		    c->http->method);
	}
	return err_http(e, ERR_NOT_FOUND, 404, "ResourceNotFound",
	    "No resource or operation is at '" STR_F "'.", STR_A(c->http->path));
}

static int check_token(struct api_call *c, struct err *e)
{
	int r = bearer_check(c->api->issuer, c->api->trusted, c->world->db,
	    http_req_header(c->http, "Authorization"), c->now_us, &c->who, e);

	if (r != 0 && arm_error_status(e) == 401)
		http_res_headerf(c->res, "WWW-Authenticate",
		    "Bearer authorization_uri=\"%s/%s\", error=\"invalid_token\", "
		    "error_description=\"%s\"", c->base_url != NULL ? c->base_url : "https://localhost",
		    c->world->tenant, arm_error_code(e));
	return r;
}

static int check_subscription(struct api_call *c, struct err *e)
{
	if (!FIRST(c, "subscriptions") || c->path.count < 2 ||
	    str_ieq(c->path.segment[1], str_c(c->world->subscription)))
		return 0;
	return err_code(e, ERR_NOT_FOUND, "SubscriptionNotFound",
	    "The subscription '%.64s' could not be found.",
	    arena_str(&c->arena, c->path.segment[1]));
}

/* "vaults" of "…/providers/Microsoft.RecoveryServices/vaults/{vault}/…", for error texts. */
static const char *resource_type(struct api_call *c)
{
	const char *p = strstr(c->route->pattern, "/providers/");

	if (p == NULL)
		return NULL;
	p += strlen("/providers/");
	p += strcspn(p, "/");
	return *p == '/' ? arena_str(&c->arena, (struct str){ p + 1, strcspn(p + 1, "/") }) : NULL;
}

static int check_version(struct api_call *c, struct err *e)
{
	const char *version = arm_query_get(&c->query, "api-version");

	c->version = version != NULL ? version : "";
	if ((c->route->flags & API_NO_VERSION) != 0)
		return 0;
	return arm_version_check(version,
	    (c->route->flags & API_RS) != 0 ? ARM_RECOVERY_SERVICES : ARM_OTHER, resource_type(c), e);
}

static int parse_body(struct api_call *c, struct err *e)
{
	struct str text = c->http->body;

	if ((c->route->flags & (API_BODY | API_BODY_OPTIONAL)) == 0)
		return 0;
	if (text.n == 0) {
		if ((c->route->flags & API_BODY) == 0)
			return 0;
		return err_http(e, ERR_INVALID, 400, "InvalidRequestContent",
		    "The request content was invalid: a JSON object is required, the body is empty.");
	}
	if (jparse(text, &c->body, e) != 0)
		return err_http(e, ERR_INVALID, 400, "InvalidRequestContent",
		    "The request content was invalid and could not be deserialized: '%s'.", e->msg);
	if (!json_is_object(c->body))
		return err_http(e, ERR_INVALID, 400, "InvalidRequestContent",
		    "The request content was invalid: a JSON object is required.");
	return 0;
}

static int find_group(struct api_call *c, struct db_conn *conn, struct err *e)
{
	auto_resource struct resource group = { 0 };
	const char *id = api_group_id(c);
	int r = id != NULL ? resource_get(conn, id, &group, e) : err_nomem(e);

	if (r < 0)
		return -1;
	if (r == 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceGroupNotFound",
		    "Resource group '%.90s' could not be found.", c->param[1]);
	/* New ids get the group's casing as it was created. */
	c->param[1] = arena_dup(&c->arena, group.name);
	return c->param[1] != NULL ? 0 : err_nomem(e);
}

static int find_vault(struct api_call *c, struct db_conn **conn, struct err *e)
{
	const char *id;

	if (find_group(c, *conn, e) == 0) {
		id = api_vault_id(c);
		if (id == NULL)
			return err_nomem(e);
		if (api_find_in(c, *conn, id, &c->vault, e) == 0)
			return 0;
	}
	db_rollback(conn);
	return e->kind == ERR_NOT_FOUND ? secondary_find_vault(c, e) : -1;
}

static int find_parents(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;

	if ((c->route->flags & (API_GROUP | API_VAULT)) == 0)
		return 0;
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	return (c->route->flags & API_VAULT) != 0 ? find_vault(c, &conn, e) :
	    find_group(c, conn, e);
}

static void answer_error(struct api_call *c, const struct err *why, enum arm_error_source source)
{
	struct err e;

	c->res->has_file = false;
	if (c->route == NULL) {
		static const struct api_route none = { 0 };

		c->route = &none;
	}
	http_res_header(c->res, "x-ms-failure-cause", source == ARM_SERVICE ? "service" : "gateway");
	if (api_json(c, arm_error_status(why), arm_error_body(why, source), &e) != 0)
		(void)api_empty(c, 500);
}

static void common_headers(struct api_call *c)
{
	static const char *const fixed[][2] = {
		{ "Cache-Control", "no-cache" },
		{ "Pragma", "no-cache" },
		{ "Expires", "-1" },
		{ "Strict-Transport-Security", "max-age=31536000; includeSubDomains" },
		{ "X-Content-Type-Options", "nosniff" },
	};
	const char *given = http_req_header(c->http, "x-ms-client-request-id");
	const char *correlation = http_req_header(c->http, "x-ms-correlation-request-id");
	char when[TIME_TEXT_MAX];

	if (c->route == NULL || (c->route->flags & API_RAW) == 0)
		for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
			http_res_header(c->res, fixed[i][0], fixed[i][1]);
	if (http_res_find(c->res, "x-ms-request-id") == NULL)
		http_res_header(c->res, "x-ms-request-id", c->request_id);
	http_res_header(c->res, "x-ms-correlation-request-id",
	    correlation != NULL && guid_valid(str_c(correlation)) ? correlation : c->request_id);
	http_res_headerf(c->res, "x-ms-routing-request-id", "LOCAL:%s:%s",
	    time_compact(c->now_us, when), c->request_id);
	throttle_headers(c);
	if (given != NULL && c->client_request_id == given &&
	    http_res_find(c->res, "x-ms-client-request-id") == NULL)
		http_res_header(c->res, "x-ms-client-request-id", given);
}

/* Headers that came from a client are echoed and logged only if they are short plain text. */
static bool echoable(const char *v)
{
	size_t n = strlen(v);

	if (n == 0 || n > 128)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)v[i] < ' ' || (unsigned char)v[i] > '~')
			return false;
	return true;
}

static int find_place(struct api_call *c, struct err *e)
{
	const char *given = http_req_header(c->http, "x-ms-client-request-id");

	if (given != NULL && !echoable(given))
		return err_http(e, ERR_INVALID, 400, "InvalidHeader",
		    "x-ms-client-request-id: at most 128 printable characters are allowed");
	if (given != NULL)
		c->client_request_id = given;
	if (check_host(c, e) != 0 || arm_path_split(&c->arena, c->http->path, &c->path, e) != 0 ||
	    arm_query_parse(&c->arena, c->http->query, &c->query, e) != 0)
		return -1;
	if (FIRST(c, "subscriptions"))
		c->subscriptions_word = arena_str(&c->arena, c->path.segment[0]);
	if (c->subscriptions_word == NULL)
		return err_nomem(e);
	if (find_route(c, e) != 0)
		return -1;
	return 0;
}

/* Who may not do it is not told whether it is there. */
static int check_caller(struct api_call *c, struct err *e)
{
	if ((c->route->flags & API_NO_TOKEN) != 0)
		return check_version(c, e) != 0 ? -1 : check_subscription(c, e);
	if (check_token(c, e) != 0 || throttle_call(c, e) != 0 || authorize_scope(c, e) != 0 || check_version(c, e) != 0 ||
	    check_subscription(c, e) != 0 || authorize_load(c, NULL, e) != 0)
		return -1;
	return authorize_call(c, e);
}

static int prepare(struct api_call *c, struct err *e)
{
	if (find_place(c, e) != 0 || check_caller(c, e) != 0 || find_parents(c, e) != 0)
		return -1;
	return parse_body(c, e);
}

/* Words about a bad request quote it, and what is quoted may be a secret in a wrong place: the log
 * tells their code alone. */
static void log_request(const struct api_call *c, const struct err *why)
{
	char status[12], ms[24], size[24];
	auto_free char *path = strndup(c->http->path.p, c->http->path.n < 1024 ? c->http->path.n : 1024);
	int64_t spent = clock_now_us(&clock_system) - c->now_us;
	bool is_ours = c->res->status >= 500, has_failed = why->kind != ERR_NONE;

	(void)snprintf(status, sizeof(status), "%d", c->res->status);
	(void)snprintf(ms, sizeof(ms), "%.3f", (double)spent / 1000);
	(void)snprintf(size, sizeof(size), "%zu", c->res->body.n);
	log_event(is_ours ? LOG_ERROR : LOG_INFO, "request", "method", c->http->method,
	    "path", path, "status", status, "ms", ms, "bytes", size, "request_id", c->request_id,
	    "client_request_id", http_req_header(c->http, "x-ms-client-request-id") != NULL &&
	    c->client_request_id != c->request_id ? c->client_request_id : NULL, "client",
	    c->who.client_id[0] != '\0' ? c->who.client_id : NULL, "remote", c->http->remote, "code",
	    has_failed ? arm_error_code(why) : NULL, "error",
	    has_failed && is_ours ? why->msg : NULL, NULL);
}

void api_handle(void *arg, const struct http_req *req, struct http_res *res)
{
	struct api *api = arg;
	struct api_call c = { .api = api, .world = api->world, .http = req, .res = res, .version = "",
		.base_url = "", .subscriptions_word = "subscriptions", .audit_fd = -1 };
	struct err e = { 0 };

	c.now_us = clock_now_us(api->world->clock);
	(void)guid_new(c.request_id);
	c.client_request_id = c.request_id;
	if (prepare(&c, &e) != 0 || audit_call_begin(&c, &e) != 0)
		answer_error(&c, &e, ARM_GATEWAY);
	else if (c.route->fn(&c, &e) != 0)
		answer_error(&c, &e, (c.route->flags & API_RS) != 0 ? ARM_SERVICE : ARM_GATEWAY);
	else
		e.kind = ERR_NONE;
	common_headers(&c);
	audit_call_end(&c, &e);
	log_request(&c, &e);
	json_decref(c.body);
	json_decref(c.audit_detail);
	resource_done(&c.vault);
	arena_done(&c.arena);
}
