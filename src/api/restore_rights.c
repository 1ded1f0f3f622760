/* restore_rights.c - a restore makes or changes resources besides the vault's: may the caller? */
#include "api/authorize.h"
#include "api/restore.h"

static const char *text(const struct restore_plan *plan, const char *key)
{
	return jstr(plan->target, key, "");
}

/* Whoever can list its keys or change it can write into it. */
static int account_rights(struct api_call *c, const char *id, struct err *e)
{
	if (authorize_allows(c, TYPE_ACCOUNT "/write", id))
		return 0;
	return authorize_linked(c, TYPE_ACCOUNT "/listKeys/action", id, e);
}

static int disk_rights(struct api_call *c, const struct restore_plan *plan, struct err *e)
{
	if (jbool(plan->target, "unmanaged", false))
		return 0;
	return authorize_linked(c, TYPE_DISK "/write", text(plan, "groupId"), e);
}

int restore_rights(struct api_call *c, const struct restore_plan *plan, struct err *e)
{
	if (account_rights(c, text(plan, "accountId"), e) != 0 || disk_rights(c, plan, e) != 0)
		return -1;
	if (plan->kind == RESTORE_DISKS)
		return 0;
	if (authorize_linked(c, TYPE_VM "/write", text(plan, "vmId"), e) != 0)
		return -1;
	return plan->kind == RESTORE_ORIGINAL ? 0 : authorize_linked(c,
	    TYPE_VNET "/subnets/join/action", text(plan, "subnetId"), e);
}
