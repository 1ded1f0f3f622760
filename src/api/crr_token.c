/* crr_token.c - for whom an access token is made out, and the token of a recovery point. */
#include "api/crr.h"

#include <stdio.h>

#include "api/item.h"
#include "api/place.h"
#include "api/point.h"
#include "api/secondary.h"
#include "base/clock.h"
#include "work/replicator.h"

#define AUDIENCE "https://RecoveryServices/IaasCoord/aadmgmt/"

int crr_aad_properties(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "backupManagementType", NULL };
	struct arm_filter filter;
	const char *region, *audience, *id, *authority;
	char principal[GUID_SIZE];

	if (crr_begin(c, &region, e) != 0 || arm_filter_parse(&c->arena,
	    arm_query_get(&c->query, "$filter"), keys, &filter, e) != 0 ||
	    token_service_principal(c->api->issuer, principal, e) != 0)
		return -1;
	audience = arena_fmt(&c->arena, AUDIENCE "%s", region);
	authority = arena_fmt(&c->arena, "%s/%s", c->base_url, c->world->tenant);
	id = arena_fmt(&c->arena, "/subscriptions/%s/providers/Microsoft.RecoveryServices/"
	    "locations/%s/backupAadProperties", c->world->subscription, region);
	if (audience == NULL || authority == NULL || id == NULL)
		return err_nomem(e);
	if (strcmp(c->version, "2018-12-20") != 0)
		return api_json(c, 200, json_pack("{s:{s:s, s:s, s:s}}", "properties", "tenantId",
		    c->world->tenant, "audience", audience, "servicePrincipalObjectId", principal),
		    e);
	return api_json(c, 200, json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "id", id,
	    "name", "backupAadProperties", "type",
	    "Microsoft.RecoveryServices/locations/backupAadProperties", "properties", "tenantId",
	    c->world->tenant, "authority", authority, "audience", audience,
	    "servicePrincipalClientId", principal, "servicePrincipalObjectId", principal), e);
}

/* The body is what backupAadProperties of the second region answered. */
static int check_aad(struct api_call *c, const char *region, struct err *e)
{
	struct place root = { .at = c->body }, p;
	const char *audience = arena_fmt(&c->arena, AUDIENCE "%s", region), *given;
	char principal[GUID_SIZE];

	if (audience == NULL)
		return err_nomem(e);
	if (token_service_principal(c->api->issuer, principal, e) != 0 ||
	    place_need_enter(&root, "properties", &p, e) != 0)
		return place_refuse(e);
	const char *const wanted[][2] = { { "tenantId", c->world->tenant },
		{ "audience", audience }, { "servicePrincipalObjectId", principal } };

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		int r = place_text(&p, wanted[i][0], 300, &given, e);

		if (r == 0)
			(void)place_missing(&p, wanted[i][0], e);
		if (r <= 0)
			return place_refuse(e);
		if (str_ieq(str_c(given), str_c(wanted[i][1])))
			continue;
		(void)place_wrong(&p, wanted[i][0], e, "'%.100s' is not '%.150s', as "
		    "backupAadProperties of region '%s' has it", given, wanted[i][1], region);
		return place_refuse(e);
	}
	return 0;
}

/* 1 if the vault's own region, where it is this server's, has what the second one lacks. */
static int is_on_the_way(struct api_call *c, const char *id, struct err *e)
{
	auto_resource struct resource r = { 0 };
	auto_conn struct db_conn *conn = NULL;

	if (c->copy_region != NULL)
		return 0;
	return db_read_begin(c->world->db, &conn, e) != 0 ? -1 : resource_get(conn, id, &r, e);
}

static int not_replicated(struct api_call *c, const char *region, struct err *e)
{
	struct replication_status s = { 0 };
	char lag[TIME_TEXT_MAX], text[200] = "";
	struct err ignored;

	if (replicator_status(c->world, c->vault.id, &s, &ignored) > 0 && s.missing > 0)
		(void)snprintf(text, sizeof(text), " %lld of the vault's %lld recovery points are "
		    "not there yet, the oldest for %s.", (long long)s.missing, (long long)s.points,
		    time_duration(s.lag_us, lag));
	return err_code(e, ERR_INVALID, "UserErrorRecoveryPointNotReplicated",
	    "The recovery point '%.64s' has not reached the paired region '%s' yet.\r\nTry again "
	    "when the recovery points of the secondary region show it.%s", c->param[6], region,
	    text);
}

static int find_point(struct api_call *c, struct crr_point *p, struct err *e)
{
	const char *item, *point;
	struct vault *copy = NULL;
	int found, waiting;

	if (api_item_id(c, &item, e) != 0)
		return -1;
	point = arena_fmt(&c->arena, "%s/recoveryPoints/%s", item, c->param[6]);
	if (point == NULL)
		return err_nomem(e);
	found = secondary_open(c, &copy, e);
	if (found > 0)
		found = replica_item(copy, item, &p->item, e);
	if (found > 0)
		found = replica_point(copy, item, c->param[6], &p->point, e);
	if (found != 0)
		return found < 0 ? -1 : 0;
	waiting = is_on_the_way(c, point, e);
	if (waiting != 0)
		return waiting < 0 ? -1 : not_replicated(c, p->region, e);
	return p->item.id != NULL ? point_not_found(&p->item, c->param[6], e) :
	    item_not_found(item, e);
}

static int answer(struct api_call *c, const struct crr_point *p, const char *token,
    struct err *e)
{
	auto_json json_t *details = NULL;

	if (crr_details(c, p, &details, e) != 0 ||
	    jset(details, "accessTokenString", json_string(token), e) != 0)
		return -1;
	if (strcmp(c->version, "2018-12-20") != 0)
		return api_json(c, 200, json_pack("{s:O}", "properties", details), e);
	return api_json(c, 200, json_pack("{s:s, s:s, s:s, s:O}", "id", p->point.id, "name",
	    p->point.name, "type", p->point.type, "properties", details), e);
}

int crr_access_token(struct api_call *c, struct err *e)
{
	auto_crr_point struct crr_point p = { 0 };
	auto_buf struct buf token = { 0 };
	struct point_grant grant;

	if (secondary_need_version(c, e) != 0)
		return -1;
	if (!secondary_enabled(&c->vault))
		return secondary_refuse(e);
	p.region = secondary_region(c);
	if (find_point(c, &p, e) != 0 || check_aad(c, p.region, e) != 0 ||
	    crr_number(c, &p, e) != 0)
		return -1;
	grant = (struct point_grant){ .region = p.region, .vault = c->vault.id,
		.item = p.item.id, .point = p.point.name, .object_id = c->who.object_id,
		.vault_number = jstr(c->vault.body, "internal.numericId", "0"),
		.container_number = p.container_number, .source_number = p.source_number };
	if (point_token_issue(c->api->issuer, &grant, c->now_us, &token, e) != 0)
		return -1;
	return answer(c, &p, token.p, e);
}
