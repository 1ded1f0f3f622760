/* blob_api.c - who may read what of an account, and the routes.  See blob_api.h. */
#include "api/blob_api.h"

#include "api/authorize.h"
#include "api/storage.h"
#include "auth/sharedkey.h"

static int no_authentication(struct api_call *c, struct err *e)
{
	http_res_headerf(c->res, "WWW-Authenticate",
	    "Bearer authorization_uri=%s/%s/oauth2/authorize resource_id=https://storage.azure.com",
	    c->base_url, c->world->tenant);
	return err_http(e, ERR_DENIED, 401, "NoAuthenticationInformation",
	    "Server failed to authenticate the request. Please refer to the information in the "
	    "www-authenticate header.");
}

static int check_key(struct blob_call *b, bool exists, struct err *e)
{
	const json_t *stored = jat(b->account.body, "internal.keys");
	const char *keys[STORAGE_KEYS] = { 0 };
	size_t count = 0;

	for (size_t i = 0; exists && i < json_array_size(stored) && count < STORAGE_KEYS; i++)
		keys[count++] = json_string_value(json_array_get(stored, i));
	if (count == 0)
		return err_http(e, ERR_DENIED, 403, "AuthenticationFailed",
		    "Server failed to authenticate the request. Make sure the value of "
		    "Authorization header is formed correctly including the signature.");
	return sharedkey_check(
	    b->c->http, &b->c->query, b->account.name, keys, count, b->c->now_us, e);
}

static int check_roles(struct blob_call *b, bool exists, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	struct api_call *c = b->c;
	const char *id;

	if (db_read_begin(c->world->db, &conn, e) != 0 || authorize_load(c, conn, e) != 0)
		return -1;
	/* whose group it would be in is not known: only who may read all is told that it is not there */
	id = exists ? b->account.id :
	    arena_fmt(&c->arena, "/subscriptions/%s", c->world->subscription);
	if (id == NULL)
		return err_nomem(e);
	if (authorize_allows(c, TYPE_ACCOUNT "/read", id))
		return 0;
	return err_http(e, ERR_DENIED, 403, "AuthorizationPermissionMismatch",
	    "This request is not authorized to perform this operation using this permission: "
	    "client '%s' lacks " TYPE_ACCOUNT "/read over storage account '%s'.",
	    c->who.client_id, c->param[0]);
}

/* Names of accounts are told only to those who prove who they are. */
static int check_caller(struct blob_call *b, bool exists, struct err *e)
{
	struct api_call *c = b->c;
	const char *header = http_req_header(c->http, "Authorization");

	if (header == NULL)
		return no_authentication(c, e);
	if (str_istarts(str_c(header), STR("SharedKey ")))
		return check_key(b, exists, e);
	if (bearer_check(c->api->issuer, c->api->trusted, c->world->db, header, c->now_us, &c->who,
	    e) == 0)
		return check_roles(b, exists, e);
	http_res_headerf(c->res, "WWW-Authenticate",
	    "Bearer authorization_uri=%s/%s/oauth2/authorize resource_id=https://storage.azure.com",
	    c->base_url, c->world->tenant);
	if (arm_error_status(e) == 401)
		e->code = "InvalidAuthenticationInfo";
	return -1;
}

static int open_account(struct blob_call *b, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	struct api_call *c = b->c;
	int found;

	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = storage_find(conn, c->param[0], &b->account, e);
	db_rollback(&conn);	/* a bearer token may need one of its own */
	if (found < 0 || check_caller(b, found > 0, e) != 0)
		return -1;
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "ResourceNotFound",
		    "The storage account '%s' does not exist.", c->param[0]);
	return storage_dir(c, &b->account, &b->dir, e);
}

static int check_names(const struct blob_call *b, struct err *e)
{
	if (b->container != NULL && !blob_container_name_valid(str_c(b->container)))
		return err_code(e, ERR_INVALID, "InvalidResourceName",
		    "The specified resource name contains invalid characters: container '%.100s'.",
		    b->container);
	if (b->name != NULL && !blob_name_valid(str_c(b->name)))
		return err_code(e, ERR_INVALID, "InvalidUri",
		    "The requested URI does not represent any resource on the server: blob "
		    "'%.200s'.",
		    b->name);
	return 0;
}

typedef int blob_fn(struct blob_call *b, struct err *e);

static int serve(struct api_call *c, blob_fn *fn)
{
	struct blob_call b = { .c = c, .container = c->param_count > 1 ? c->param[1] : NULL,
		.name = c->param_count > 2 ? c->param[2] : NULL };
	struct err e = { 0 };
	int done;

	if (open_account(&b, &e) != 0 || check_names(&b, &e) != 0 || fn(&b, &e) != 0)
		done = blob_answer_error(c, &e);
	else
		done = 0;
	resource_done(&b.account);
	return done;
}

/* The first segment of any path leads here when no other route took it. */
static int not_an_account(struct api_call *c, struct err *e)
{
	if (blob_account_name_valid(str_c(c->param[0])) && !storage_name_reserved(c->param[0]))
		return 0;
	return err_http(e, ERR_NOT_FOUND, 404, "ResourceNotFound",
	    "No resource or operation is at '" STR_F "'.", STR_A(c->http->path));
}

static bool asks(const struct api_call *c, const char *key, const char *value)
{
	const char *given = arm_query_get(&c->query, key);

	return value == NULL ? given == NULL : given != NULL && str_ieq(str_c(given), str_c(value));
}

static int account_request(struct blob_call *b, struct err *e)
{
	const char *comp = arm_query_get(&b->c->query, "comp");

	if (!asks(b->c, "comp", "list"))
		return blob_bad_parameter("comp", comp != NULL ? comp : "", e);
	return blob_list_containers(b, e);
}

static int container_request(struct blob_call *b, struct err *e)
{
	if (!asks(b->c, "restype", "container"))
		return blob_no_blob(e);	/* of the root container, which no account has */
	if (asks(b->c, "comp", "list"))
		return blob_list_blobs(b, e);
	if (asks(b->c, "comp", NULL) || asks(b->c, "comp", "metadata"))
		return blob_container_get(b, e);
	return blob_bad_parameter("comp", arm_query_get(&b->c->query, "comp"), e);
}

static int blob_request(struct blob_call *b, struct err *e)
{
	if (!asks(b->c, "snapshot", NULL) || !asks(b->c, "versionid", NULL))
		return blob_no_blob(e);
	if (asks(b->c, "comp", "pagelist"))
		return blob_pages(b, e);
	if (asks(b->c, "comp", NULL) || asks(b->c, "comp", "metadata"))
		return blob_get(b, e);
	return blob_bad_parameter("comp", arm_query_get(&b->c->query, "comp"), e);
}

static int get_account(struct api_call *c, struct err *e)
{
	return not_an_account(c, e) != 0 ? -1 : serve(c, account_request);
}

static int get_container(struct api_call *c, struct err *e)
{
	return not_an_account(c, e) != 0 ? -1 : serve(c, container_request);
}

static int get_blob(struct api_call *c, struct err *e)
{
	return not_an_account(c, e) != 0 ? -1 : serve(c, blob_request);
}

#define FLAGS (API_RAW | API_NO_VERSION | API_NO_TOKEN)	/* a token or SharedKey: checked here */
#define ACTION TYPE_ACCOUNT "/read"

const struct api_route blob_routes[] = {
	{ "GET", "{account}", get_account, FLAGS, ACTION },
	{ "GET", "{account}/{container}", get_container, FLAGS, ACTION },
	{ "GET", "{account}/{container}/{blob*}", get_blob, FLAGS, ACTION },
	{ 0 },
};
