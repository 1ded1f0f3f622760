/* item_filter.c - $filter of items.  See item.h. */
#include "api/item.h"

int item_filter_extended(struct api_call *c, bool *ret, struct err *e)
{
	static const char *const keys[] = { "expand", NULL };
	struct arm_filter filter;
	const char *expand;

	if (arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, &filter, e) != 0)
		return -1;
	expand = arm_filter_get(&filter, "expand");
	*ret = expand != NULL && str_ieq(str_c(expand), STR("extendedinfo"));
	return 0;
}

static bool says(const struct arm_filter *f, const char *key, const char *value)
{
	const char *want = arm_filter_get(f, key);

	return want == NULL || str_ieq(str_c(want), str_c(value));
}

static bool in_container(const struct arm_filter *f, const struct resource *item)
{
	const char *want = arm_filter_get(f, "containerName");
	struct str group, vm, own_group, own_vm;

	if (want == NULL)
		return true;
	return arm_workload_name_parse(str_c(want), &group, &vm) &&
	    arm_workload_name_parse(str_c(item->name), &own_group, &own_vm) &&
	    str_ieq(group, own_group) && str_ieq(vm, own_vm);
}

bool item_filter_wants(const struct arm_filter *f, const struct resource *item,
    const json_t *shown)
{
	return says(f, "policyName", jstr(shown, "properties.policyName", "")) &&
	    says(f, "friendlyName", jstr(shown, "properties.friendlyName", "")) &&
	    says(f, "healthState", jstr(shown, "properties.healthStatus", "")) &&
	    in_container(f, item);
}

/* Kinds of item that this server never has: such a filter matches nothing. */
static bool matches_nothing(const struct arm_filter *f)
{
	return !says(f, "backupManagementType", IAAS_MANAGEMENT) || !says(f, "itemType", "VM") ||
	    !says(f, "fabricName", "Azure") || arm_filter_get(f, "backupEngineName") != NULL ||
	    arm_filter_get(f, "backupSetName") != NULL;
}

int item_filter_read(struct api_call *c, struct arm_filter *ret, bool *ret_none, struct err *e)
{
	static const char *const keys[] = { "backupManagementType", "itemType", "policyName",
		"containerName", "backupEngineName", "friendlyName", "fabricName", "backupSetName",
		"healthState", NULL };

	if (arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, ret, e) != 0)
		return -1;
	*ret_none = matches_nothing(ret);
	return 0;
}
