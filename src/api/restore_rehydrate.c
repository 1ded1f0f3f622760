/* restore_rehydrate.c - the part of a restore request that is about the archive tier. */
#include "api/restore_request.h"
#include "work/archive.h"

#define DAYS_MIN 10
#define DAYS_MAX 30
#define DAY_US (INT64_C(86400) * 1000000)
#define INFO "recoveryPointRehydrationInfo"
#define DURATION INFO ".rehydrationRetentionDuration"
#define PRIORITY INFO ".rehydrationPriority"

static bool is_asked(const struct check *k)
{
	const char *type = check_text(k, "objectType");

	return type != NULL && str_ieq(str_c(type), STR("IaasVMRestoreWithRehydrationRequest"));
}

/* "P15D": whole days; 0 if it is anything else, or out of bounds. */
static int64_t days_of(const char *text)
{
	size_t n = *text == 'P' ? strspn(text + 1, "0123456789") : 0;
	long days = 0;

	if (n > 0 && n <= 4 && strcmp(text + 1 + n, "D") == 0)
		days = strtol(text + 1, NULL, 10);
	return days >= DAYS_MIN && days <= DAYS_MAX ? days : 0;
}

static int check_info(struct check *k, struct err *e)
{
	const char *duration = check_text(k, DURATION), *priority = check_text(k, PRIORITY);
	bool is_high = priority != NULL && str_ieq(str_c(priority), STR("High"));

	if (duration == NULL)
		return check_input(k, "properties." DURATION ": required, but missing");
	if (days_of(duration) == 0)
		return check_input(k, "properties." DURATION ": '%.40s' is not from P%dD to "
		    "P%dD", duration, DAYS_MIN, DAYS_MAX);
	if (priority != NULL && !is_high && !str_ieq(str_c(priority), STR("Standard")))
		return check_input(k, "properties." PRIORITY ": '%.40s' is not 'Standard' or "
		    "'High'", priority);
	return jset(k->target, "rehydration", json_pack("{s:I, s:s}", "durationUs",
	    (json_int_t)(days_of(duration) * DAY_US), "priority",
	    is_high ? "High" : "Standard"), e);
}

int check_rehydration(struct check *k, struct err *e)
{
	const struct resource *point = k->in->point;

	if (!archive_has(point))
		return 0;	/* the service takes no notice of the wish either */
	if (archive_is_rehydrated(point))
		return !is_asked(k) ? 0 :
		    check_problem(k, "UserErrorRecoveryPointAlreadyRehydrated", "Recovery Point is "
		    "already rehydrated. Rehydration is not allowed on this RP.\r\nRestore recovery "
		    "point '%.64s' with objectType 'IaasVMRestoreRequest'.", point->name);
	if (!is_asked(k))
		return check_problem(k, "UserErrorRecoveryPointNotRehydrated", "Archive Recovery "
		    "Point is not rehydrated. Retry Restore after rehydration completed on Archive "
		    "RP.\r\nRecovery point '%.64s' is in the archive tier: restore it with "
		    "objectType 'IaasVMRestoreWithRehydrationRequest'.", point->name);
	return check_info(k, e);
}
