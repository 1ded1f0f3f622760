/* api.h - one request on its way through a handler, and the route table.
 *
 * api_handle() is the server's handler: it splits path and query, finds the
 * route, checks token and api-version, parses the body, calls the route's
 * function and renders its answer or its error, with all common headers.  A
 * handler says only what is special. */
#ifndef API_API_H
#define API_API_H

#include "api/throttle.h"
#include "arm/error.h"
#include "arm/filter.h"
#include "arm/id.h"
#include "arm/page.h"
#include "arm/version.h"
#include "auth/access.h"
#include "auth/bearer.h"
#include "auth/replay.h"
#include "auth/sign_in.h"
#include "auth/token.h"
#include "auth/trusted.h"
#include "base/arena.h"
#include "base/base.h"
#include "http/server.h"
#include "json/json.h"
#include "work/world.h"

struct in_flight;

struct api {
	struct world *world;
	struct token_issuer *issuer;
	struct replay *used;	/* client assertions */
	struct trusted *trusted;	/* other issuers */
	struct in_flight *deployments;	/* that are running */
	const char *audit_dir;	/* where calls that change something are recorded; NULL: nowhere */
	struct throttle *throttle;	/* NULL: no limits, and */
	struct sign_ins *sign_ins;	/* for those too */
};

/* As http_handler_fn; `arg` is a struct api. */
void api_handle(void *arg, const struct http_req *req, struct http_res *res);

#define API_PARAMS_MAX 8

struct api_call {
	struct api *api;
	struct world *world;
	const struct http_req *http;
	struct http_res *res;
	struct arena arena;	/* lives as long as the call */
	struct arm_path path;
	struct arm_query query;
	const struct api_route *route;
	/* {placeholders} of the route's pattern in order, decoded, any casing */
	const char *param[API_PARAMS_MAX];
	unsigned param_count;
	const char *version;	/* api-version, or "" where the route needs none */
	const char *base_url;	/* "https://host:port", from the request's Host */
	const char *subscriptions_word;	/* "subscriptions" as the client spelled it */
	json_t *body;		/* parsed JSON object, or NULL; owned by the call */
	struct token_claims who;
	struct access access;	/* what `who` may do, read at the call's start */
	const char *scope;	/* what the call is about, see authorize.h; NULL without a token */
	const char *action;	/* the route's, filled in; "" for none */
	struct throttle_state throttle;
	char request_id[40];
	const char *client_request_id;	/* the client's, or the request id */
	struct resource vault;	/* of an API_VAULT route, found by the dispatcher */
	const char *copy_region;	/* where the copy is that `vault` was read from, if the
					 * vault is another server's; else NULL */
	int64_t now_us;
	int audit_fd;		/* open while the call's line is still to be written, else -1 */
	json_t *audit_detail;	/* what the line should tell besides, or NULL; owned */
};

/* 0, or -1 with `e`: the dispatcher then renders the error. */
typedef int api_fn(struct api_call *c, struct err *e);

enum api_flags {
	API_NO_TOKEN = 1,	/* needs no bearer token */
	API_NO_VERSION = 2,	/* needs no api-version */
	API_BODY = 4,		/* a JSON object is required */
	API_BODY_OPTIONAL = 8,	/* parsed if there */
	API_RS = 16,		/* Microsoft.RecoveryServices: its version list, service errors */
	API_GROUP = 32,		/* param[1] is a resource group that must exist */
	API_VAULT = 64,		/* params are sub, rg, vault: the vault must exist */
	API_RAW = 128,		/* handler takes the body as it is (forms, blobs) */
	API_SECONDARY = 256,	/* with API_VAULT: three api-versions show the vault's copy in the
				 * paired region, also where the vault itself is another server's */
	API_FROM_COPY = 512,	/* with API_VAULT: such a vault is read from its copy in any
				 * api-version, for clients look at it before they ask for its copy */
	API_MEMBER = 1024,	/* any role anywhere below the scope will do for it */
	API_FILTERED = 2048,	/* a list: the action somewhere below the scope will do, and rows that
				 * the caller may not read are left out */
};

struct api_route {
	const char *method;	/* "GET" also answers HEAD */
	const char *pattern;	/* "subscriptions/{sub}/resourceGroups/{rg}"; literal segments any casing */
	api_fn *fn;
	unsigned flags;
	/* The operation by Azure's name, "Microsoft.RecoveryServices/vaults/read"; "{ns}" at its start is
	 * the provider in the path.  NULL: whoever has a token may. */
	const char *action;
};

/* Each file of handlers has its routes; routes.c lists the tables. */
extern const struct api_route identity_routes[], metrics_routes[], role_routes[], group_routes[],
    deployment_routes[], compute_disk_routes[], compute_vm_routes[], storage_routes[], network_routes[], tags_routes[], sku_routes[], vault_routes[],
    vault_config_routes[], policy_routes[], discovery_routes[], item_routes[], point_routes[],
    archive_routes[], restore_routes[], job_routes[], operation_routes[], secondary_routes[],
    blob_routes[];	/* end with method NULL */
extern const struct api_route *const api_tables[];	/* NULL-terminated */

/* ---- for handlers (api.c) ---- */

/* Answer a JSON document (stolen; NULL means out of memory). */
must_check int api_json(struct api_call *c, int status, json_t *body, struct err *e);
int api_empty(struct api_call *c, int status);	/* no body; always 0 */

/* 202 with Azure-AsyncOperation (unless NULL), Location (unless NULL) and Retry-After of
 * settings.  Both are paths from "/" without query; base URL and api-version are added. */
must_check int api_accepted(struct api_call *c, const char *async_path, const char *location_path,
    struct err *e);
/* Only the headers of api_accepted(), for answers with a body (201). */
must_check int api_async_headers(struct api_call *c, const char *async_path,
    const char *location_path, struct err *e);

/* A list answer: {"value":[…]} plus nextLink when `cursor` is not NULL. `value` stolen. */
must_check int api_list(struct api_call *c, json_t *value, const char *cursor, struct err *e);
/* Decoded $skipToken of the request, NULL if none. */
must_check int api_cursor(struct api_call *c, const char **ret, struct err *e);

/* A resource as clients see it: id, name, type, location and the body without
 * "internal".  New reference, NULL out of memory. */
json_t *api_resource_json(const struct resource *r);

/* Read the resource `id` in a transaction of its own.  ERR_NOT_FOUND with
 * ResourceNotFound in ARM's words when absent. */
must_check int api_find(struct api_call *c, const char *id, struct resource *ret, struct err *e);
/* Same within `conn`. */
must_check int api_find_in(struct api_call *c, struct db_conn *conn, const char *id,
    struct resource *ret, struct err *e);
/* For a DELETE: begin to write and read the resource `id` (NULL is out of memory).  1: found.
 * 0: there is none, which is answered with 204.  -1. */
must_check int api_delete_begin(struct api_call *c, const char *id, struct db_conn **ret_conn,
    struct resource *ret, struct err *e);
/* ResourceNotFound for `id`, in ARM's words. */
int api_not_found(const char *id, struct err *e);

/* Canonical ids from a call's parameters. */
const char *api_group_id(struct api_call *c);		/* params sub, rg */
const char *api_vault_id(struct api_call *c);		/* params sub, rg, vault; stored casing if it exists */
/* params sub, rg, vault, fabric, container, item: the item's canonical id.  ERR_INVALID for names
 * that are no Azure VM's. */
must_check int api_item_id(struct api_call *c, const char **ret, struct err *e);

/* Location of a request: a region lower-cased without spaces, configured and this server's, else
 * ERR_INVALID LocationNotAvailableForResourceType, which names another server that has it. */
must_check int api_location(struct api_call *c, const char *given, const char **ret, struct err *e);

#endif
