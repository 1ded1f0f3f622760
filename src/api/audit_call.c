/* audit_call.c - see audit_call.h. */
#include "api/audit_call.h"

#include "auth/audit.h"
#include "base/log.h"

static bool is_audited(const struct api_call *c)
{
	return c->api->audit_dir != NULL && c->who.client_id[0] != '\0' &&
	    c->throttle.wait_s == 0 && strcmp(c->http->method, "GET") != 0 && strcmp(c->http->method, "HEAD") != 0;
}

int audit_call_begin(struct api_call *c, struct err *e)
{
	struct err why = { 0 };

	if (!is_audited(c) || audit_open(c->api->audit_dir, c->now_us, &c->audit_fd, &why) == 0)
		return 0;
	return err_http(e, ERR_NO_SPACE, 503, "AuditLogUnavailable",
	    "The call was not carried out, because it cannot be recorded: %.400s", why.msg);
}

void audit_call_end(struct api_call *c, const struct err *why)
{
	const struct audit_entry entry = {
		.time_us = c->now_us,
		.client_id = c->who.client_id,
		.object_id = c->who.object_id,
		.method = c->http->method,
		.action = c->action,
		.scope = c->scope,
		.status = c->res->status,
		.code = why->kind != ERR_NONE ? arm_error_code(why) : NULL,
		.request_id = c->request_id,
		.client_request_id = c->client_request_id != c->request_id ? c->client_request_id :
		    NULL,
		.remote = c->http->remote,
		.detail = c->audit_detail,
	};
	struct err e = { 0 };

	if (!is_audited(c))
		return;
	if ((c->audit_fd < 0 && audit_open(c->api->audit_dir, c->now_us, &c->audit_fd, &e) != 0) ||
	    audit_append(c->audit_fd, &entry, &e) != 0)
		log_event(LOG_ERROR, "audit_failed", "method", entry.method, "scope", entry.scope,
		    "client", entry.client_id, "request_id", entry.request_id, "error", e.msg, NULL);
	close_p(&c->audit_fd);
}
