/* error.c - see error.h. */
#include "arm/error.h"

#include "arm/text.h"

static const struct usual {
	int status;
	const char *code;
} usual[] = {
	[ERR_NONE] = { 500, "CloudInternalError" },
	[ERR_INVALID] = { 400, "BadRequest" },
	[ERR_DENIED] = { 403, "AuthorizationFailed" },
	[ERR_NOT_FOUND] = { 404, "ResourceNotFound" },
	[ERR_CONFLICT] = { 409, "Conflict" },
	[ERR_BUSY] = { 409, "AnotherOperationInProgress" },
	[ERR_NO_SPACE] = { 500, "InsufficientStorage" },
	[ERR_CORRUPT] = { 500, "CloudInternalError" },
	[ERR_IO] = { 500, "CloudInternalError" },
	[ERR_CANCELLED] = { 409, "OperationCanceled" },
	[ERR_BUG] = { 500, "CloudInternalError" },
};

/* What the system refused us (a file that we may not read, say) is no fault of the client's. */
static bool is_ours(const struct err *e)
{
	return e->sys != 0 && e->code == NULL &&
	    (e->kind == ERR_DENIED || e->kind == ERR_NOT_FOUND || e->kind == ERR_CONFLICT);
}

static const struct usual *usual_of(const struct err *e)
{
	if (is_ours(e))
		return &usual[ERR_IO];
	return &usual[(size_t)e->kind < ARRAY_LEN(usual) ? e->kind : ERR_BUG];
}

int arm_error_status(const struct err *e)
{
	return e->status != 0 ? e->status : usual_of(e)->status;
}

const char *arm_error_code(const struct err *e)
{
	return e->code != NULL ? e->code : usual_of(e)->code;
}

/* What clients know an internal error by, then what really happened. */
static const char *message(struct arena *a, const struct err *e)
{
	const char *cause = text_repair(a, str_c(e->msg));

	if (cause == NULL || strcmp(arm_error_code(e), "CloudInternalError") != 0)
		return cause;
	return arena_fmt(a, "Microsoft Azure Backup encountered an internal error. Wait for a few "
	    "minutes and then try the operation again. If the issue persists, please contact "
	    "Microsoft support.%s%s", cause[0] != '\0' ? "\r\nCause: " : "", cause);
}

json_t *arm_error_body(const struct err *e, enum arm_error_source source)
{
	auto_arena struct arena a = { 0 };
	const char *code = arm_error_code(e), *text = message(&a, e);

	if (text == NULL)
		return NULL;
	if (source == ARM_GATEWAY)
		return json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", text);
	return json_pack("{s:{s:s, s:s, s:n, s:n, s:n}}", "error", "code", code, "message", text,
	    "target", "details", "innerError");
}
