/* policy_check.c - see policy_check.h. */
#include "api/policy_check.h"

#include "api/policy_part.h"

#define AFFIX_MAX 40	/* bytes of the resource group's name before and after its number */

static bool group_affix_valid(const char *text)
{
	for (; *text != '\0'; text++)
		if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		    (*text >= '0' && *text <= '9') || strchr("-_.()", *text) != NULL))
			return false;
	return true;
}

/* instantRPDetails: {} where nothing is asked for, as the service shows it. */
static int check_instant_details(const struct place *p, json_t *out, struct err *e)
{
	static const char *const keys[] = { "azureBackupRGNamePrefix", "azureBackupRGNameSuffix" };
	auto_json json_t *details = json_object();
	struct place at;
	int r = place_enter(p, "instantRPDetails", &at, e);

	if (details == NULL)
		return err_nomem(e);
	if (r < 0)
		return -1;
	for (size_t i = 0; r > 0 && i < ARRAY_LEN(keys); i++) {
		const char *text = "";
		int got = place_text(&at, keys[i], AFFIX_MAX, &text, e);

		if (got < 0)
			return -1;
		if (!group_affix_valid(text))
			return place_wrong(&at, keys[i], e,
			    "'%s' holds characters that resource group names must not have", text);
		if (text[0] != '\0' && jset(details, keys[i], json_string(text), e) != 0)
			return -1;
	}
	return jset(out, "instantRPDetails", TAKE(details), e);
}

/* Snapshots of a V1 policy live 1 to 5 days, those of a weekly one exactly 5. */
static int check_instant_days(const struct place *p, const struct policy_schedule *s, json_t *out,
    struct err *e)
{
	bool five = s->weekly && !s->v2;
	int64_t days = five ? 5 : 2;

	if (place_int(p, "instantRpRetentionRangeInDays", five ? 5 : 1, s->v2 ? 30 : 5, &days,
	    e) < 0)
		return -1;
	return jset(out, "instantRpRetentionRangeInDays", json_integer(days), e);
}

static int check_tier(const struct place *p, json_t *out, struct err *e)
{
	static const char *const modes[] = { "DoNotTier", "TierAfter", "TierRecommended", NULL };
	const char *mode = NULL, *type = policy_duration_types[0];
	int64_t duration = 0;

	if (place_need_word(p, "tieringMode", modes, &mode, e) != 0 ||
	    place_int(p, "duration", 0, 9999, &duration, e) < 0 ||
	    place_word(p, "durationType", policy_duration_types, &type, e) < 0)
		return -1;
	if (mode == modes[1] && duration == 0)
		return place_wrong(p, "duration", e, "1 to 9999 is required with tieringMode "
		    "'TierAfter'");
	if (mode == modes[1] && type == policy_duration_types[0])
		return place_wrong(p, "durationType", e,
		    "Days, Weeks, Months or Years is required with tieringMode 'TierAfter'");
	return jset(out, "ArchivedRP", json_pack("{s:s, s:I, s:s}", "tieringMode", mode, "duration",
	    (json_int_t)duration, "durationType", type), e);
}

/* A map by tier with one tier there can be: clients fail on a map without it. */
static int check_tiering(const struct place *p, json_t *out, struct err *e)
{
	auto_json json_t *tiers = json_object();
	struct place at, tier;
	const char *key;
	json_t *value;
	int r = place_enter(p, "tieringPolicy", &at, e);

	if (tiers == NULL)
		return err_nomem(e);
	if (r <= 0)
		return r;
	json_object_foreach((json_t *)(uintptr_t)at.at, key, value)
		if (strcmp(key, "ArchivedRP") != 0)
			return place_wrong(&at, NULL, e,
			    "'%.60s' is not a tier, ArchivedRP is the only one", key);
	r = place_enter(&at, "ArchivedRP", &tier, e);
	if (r <= 0)
		return r;
	if (check_tier(&tier, tiers, e) != 0)
		return -1;
	return jset(out, "tieringPolicy", TAKE(tiers), e);
}

static int check_zone(const struct place *p, json_t *out, struct err *e)
{
	const char *given = "UTC", *zone;

	if (place_text(p, "timeZone", 64, &given, e) < 0)
		return -1;
	zone = policy_zone(given);
	if (zone == NULL)
		return place_wrong(p, "timeZone", e,
		    "'%s' is not a time zone; an id like 'UTC' or 'Pacific Standard Time' is "
		    "expected", given);
	return jset(out, "timeZone", json_string(zone), e);
}

/* policyType may be left out: the schedule's type says it. */
static int check_type(const struct place *p, const struct policy_schedule *s, json_t *out,
    struct err *e)
{
	static const char *const types[] = { "V1", "V2", NULL };
	const char *type = types[s->v2 ? 1 : 0], *given = type;

	if (place_word(p, "policyType", types, &given, e) < 0)
		return -1;
	if (given != type)
		return place_wrong(p, "policyType", e, "'%s' does not go with schedulePolicyType "
		    "'%s'", given, s->v2 ? "SimpleSchedulePolicyV2" : "SimpleSchedulePolicy");
	return jset(out, "policyType", json_string(type), e);
}

static int check_consistency(const struct place *p, json_t *out, struct err *e)
{
	static const char *const types[] = { "OnlyCrashConsistent", NULL };
	const char *type = NULL;
	int r = place_word(p, "snapshotConsistencyType", types, &type, e);

	return r <= 0 ? r : jset(out, "snapshotConsistencyType", json_string(type), e);
}

static int check_guards(const struct place *p, struct err *e)
{
	json_t *list = NULL, *v;
	size_t i;

	if (jget_arr(p->at, "resourceGuardOperationRequests", &list, e) < 0)
		return place_wrong(p, "resourceGuardOperationRequests", e, "expected an array");
	json_array_foreach(list, i, v)
		if (!json_is_string(v))
			return place_wrong(p, "resourceGuardOperationRequests", e,
			    "expected strings");
	return 0;
}

static int check_management(const struct place *p, json_t *out, struct err *e)
{
	static const char *const types[] = { "AzureIaasVM", NULL };
	const char *type = NULL;

	if (place_need_word(p, "backupManagementType", types, &type, e) != 0)
		return -1;
	return jset(out, "backupManagementType", json_string(type), e);
}

int policy_check(const json_t *body, json_t **ret, struct err *e)
{
	auto_json json_t *out = json_object(), *schedule = json_object();
	auto_json json_t *retention = json_object();
	struct place root = { .at = body }, p, at;
	struct policy_schedule s;

	if (out == NULL || schedule == NULL || retention == NULL)
		return err_nomem(e);
	if (place_need_enter(&root, "properties", &p, e) != 0 ||
	    check_management(&p, out, e) != 0 || place_need_enter(&p, "schedulePolicy", &at,
	    e) != 0 || policy_schedule_check(&at, schedule, &s, e) != 0 ||
	    check_type(&p, &s, out, e) != 0 || check_instant_details(&p, out, e) != 0 ||
	    jset(out, "schedulePolicy", json_incref(schedule), e) != 0 ||
	    place_need_enter(&p, "retentionPolicy", &at, e) != 0 ||
	    policy_retention_check(&at, &s, retention, e) != 0 ||
	    jset(out, "retentionPolicy", TAKE(retention), e) != 0 ||
	    check_tiering(&p, out, e) != 0 || check_instant_days(&p, &s, out, e) != 0 ||
	    check_zone(&p, out, e) != 0 || check_consistency(&p, out, e) != 0 ||
	    check_guards(&p, e) != 0)
		return -1;
	*ret = TAKE(out);
	return 0;
}
