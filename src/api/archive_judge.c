/* archive_judge.c - see archive.h.  The rules and their sentences are the service's. */
#include "api/archive.h"

#include "work/archive.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define REST_DAYS 180		/* that must be left of a point's life */

static int64_t time_of(const struct resource *point, const char *path, int64_t otherwise)
{
	int64_t when = otherwise;

	(void)time_parse_iso(str_c(jstr(point->body, path, "")), &when);
	return when;
}

static int refuse(struct archive_verdict *ret, const char *code, const char *text, struct err *e)
{
	ret->code = code;
	ret->text = text;
	return text != NULL ? 0 : err_nomem(e);
}

int archive_judge(struct api_call *c, const struct resource *point, struct archive_verdict *ret,
    struct err *e)
{
	const struct settings *s = c->world->settings;
	int64_t taken = time_of(point, "properties.recoveryPointTime", point->sort);
	int64_t expires = time_of(point, "internal.expiryTime", INT64_MAX);

	*ret = (struct archive_verdict){ NULL, NULL };
	if (!archive_configured(s, c->vault.location))
		return refuse(ret, "UserErrorRecoveryPointIsNotEligibleForArchiveMove",
		    arena_fmt(&c->arena, "Recovery-Point is not eligible for Archive Move.\r\n"
		    "Region '%s' has no archive tier on this server.", c->vault.location), e);
	if (archive_has(point))
		return refuse(ret, "UserErrorRecoveryPointAlreadyInArchiveTier",
		    arena_fmt(&c->arena, "Recovery-Point is not eligible for archive move as it "
		    "has already been moved to archive tier.\r\nRecovery point '%.64s'.",
		    point->name), e);
	if (c->now_us - taken < s->archive_days * DAY_US)
		return refuse(ret, "MinLifeSpanInStandardRequiredForArchive",
		    arena_fmt(&c->arena, "Recovery-Point is not eligible for Archive Move as "
		    "lifespan spent in Vault-Standard-Tier is lesser than the required minimum."
		    "\r\nRecovery point '%.64s' is younger than %lld days.", point->name,
		    (long long)s->archive_days), e);
	if (expires != INT64_MAX && expires - c->now_us < REST_DAYS * DAY_US)
		return refuse(ret, "MinRemainingLifeSpanInArchiveRequired",
		    arena_fmt(&c->arena, "Recovery-Point remaining lifespan is lesser than the "
		    "required minimum.\r\nRecovery point '%.64s' expires in less than %d days.",
		    point->name, REST_DAYS), e);
	return 0;
}

int archive_show(struct api_call *c, const struct resource *point, json_t *shown, struct err *e)
{
	struct archive_verdict v;

	if (shown == NULL || !archive_configured(c->world->settings, c->vault.location))
		return 0;
	if (archive_judge(c, point, &v, e) != 0)
		return -1;
	return jset(jat(shown, "properties"), "recoveryPointMoveReadinessInfo",
	    json_pack("{s:{s:b, s:s}}", "ArchivedRP", "isReadyForMove", v.code == NULL,
	    "additionalInfo", v.code == NULL ? "" : v.text), e);
}
