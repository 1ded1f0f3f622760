/* vault_render.c - see vault_render.h.  Members stand in the order of the wire. */
#include "api/vault_render.h"

#include <stdio.h>

#include "api/vault_security.h"
#include "api/vault_storage.h"

#define ETAG_MAX 80

static void etag_text(int64_t changed_us, char out[ETAG_MAX])
{
	char when[TIME_TEXT_MAX];
	int n = snprintf(out, ETAG_MAX, "W/\"datetime'");

	/* The service percent-encodes the colons. */
	for (const char *p = time_iso(changed_us, when); *p != '\0'; p++)
		n += snprintf(out + n, ETAG_MAX - (size_t)n, *p == ':' ? "%%3A" : "%c", *p);
	(void)snprintf(out + n, ETAG_MAX - (size_t)n, "'\"");
}

/* Is `etag` (NULL: there is nothing) in the header's list? */
static bool matches(const char *list, const char *etag)
{
	struct str rest = str_c(list);

	if (strcmp(list, "*") == 0)
		return etag != NULL;
	while (etag != NULL && rest.n > 0) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct str one = { rest.p, comma != NULL ? (size_t)(comma - rest.p) : rest.n };

		rest = (struct str){ one.p + one.n + (comma != NULL), rest.n - one.n - (comma != NULL) };
		if (str_eq(str_trim(one), str_c(etag)))
			return true;
	}
	return false;
}

int vault_check_match(struct api_call *c, const struct resource *vault, struct err *e)
{
	const char *match = http_req_header(c->http, "If-Match");
	const char *none = http_req_header(c->http, "If-None-Match");
	char text[ETAG_MAX];

	if (vault != NULL)
		etag_text(vault->changed_us, text);
	if ((match == NULL || matches(match, vault != NULL ? text : NULL)) &&
	    (none == NULL || !matches(none, vault != NULL ? text : NULL)))
		return 0;
	(void)err_code(e, ERR_CONFLICT, "PreconditionFailed",
	    "The condition of the request's If-Match or If-None-Match header is not met: vault '%.80s' %s%s.",
	    c->param[2], vault != NULL ? "has the etag " : "does not exist", vault != NULL ? text : "");
	e->status = 412;
	return -1;
}

struct facts {
	bool locked;	/* storage: an item was registered */
	bool guarded;	/* a resource guard is assigned */
	const char *soft_delete, *immutability;
};

static int gather(struct db_conn *conn, const struct resource *vault, struct facts *f,
    struct err *e)
{
	struct resource_query guards = { .type = TYPE_GUARD_PROXY, .parent = vault->id };
	int64_t count;

	if (resource_count(conn, &guards, &count, e) != 0 ||
	    vault_storage_locked(conn, vault, &f->locked, e) != 0)
		return -1;
	f->guarded = count > 0;
	f->soft_delete = vault_soft_delete(vault);
	f->immutability =
	    jstr(vault->body, "properties.securitySettings.immutabilitySettings.state", "Disabled");
	return 0;
}

static json_t *security(const struct resource *vault, const struct facts *f)
{
	json_t *immutability = jat(vault->body, "properties.securitySettings.immutabilitySettings");

	return json_pack("{s:O*, s:{s:I, s:s, s:s}, s:s}", "immutabilitySettings", immutability,
	    "softDeleteSettings", "softDeleteRetentionPeriodInDays",
	    (json_int_t)vault_soft_delete_days(vault), "softDeleteState", f->soft_delete,
	    "enhancedSecurityState", vault_enhanced_security(vault), "multiUserAuthorization",
	    f->guarded ? "Enabled" : "Disabled");
}

/* How well deletions are guarded against: soft delete, immutability and a second person. */
static size_t score(const struct facts *f)
{
	if (strcmp(f->soft_delete, "Disabled") == 0)
		return 0;
	return 1 + (size_t)(strcmp(f->immutability, "Disabled") != 0) + (size_t)f->guarded;
}

static json_t *properties(const struct resource *vault, const struct facts *f, const char *state)
{
	static const char *const scores[] = { "None", "Minimum", "Adequate", "Maximum" };
	static const char *const levels[] = { "Poor", "Fair", "Good", "Excellent" };

	return json_pack("{s:s, s:s, s:s, s:O*, s:s, s:o, s:o, s:s, s:s, s:s, s:O*}",
	    "provisioningState", state, "privateEndpointStateForBackup", "None",
	    "privateEndpointStateForSiteRecovery", "None", "monitoringSettings",
	    jat(vault->body, "properties.monitoringSettings"), "backupStorageVersion",
	    f->locked ? "V1" : "Unassigned", "securitySettings", security(vault, f),
	    "redundancySettings", vault_storage_redundancy(vault), "secureScore", scores[score(f)],
	    "bcdrSecurityLevel", levels[score(f)], "publicNetworkAccess",
	    jstr(vault->body, "properties.publicNetworkAccess", "Enabled"), "restoreSettings",
	    jat(vault->body, "properties.restoreSettings"));
}

int vault_render(struct db_conn *conn, const struct resource *vault, const char *state,
    json_t **ret, struct err *e)
{
	char etag[ETAG_MAX];
	struct facts f;
	json_t *out;

	if (gather(conn, vault, &f, e) != 0)
		return -1;
	etag_text(vault->changed_us, etag);
	out = json_pack("{s:s, s:s, s:s, s:O*, s:o, s:s, s:s, s:O*, s:O*}", "location",
	    vault->location, "name", vault->name, "etag", etag, "tags", jat(vault->body, "tags"),
	    "properties", properties(vault, &f, state), "id", vault->id, "type", vault->type, "sku",
	    jat(vault->body, "sku"), "identity", jat(vault->body, "identity"));
	if (out == NULL)
		return err_nomem(e);
	*ret = out;
	return 0;
}
