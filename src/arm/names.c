/* names.c - the ';' names of Azure VM containers and items.  See id.h. */
#include "arm/id.h"

static char *workload_name(struct arena *a, const char *prefix, struct str group, struct str vm)
{
	const char *g = arena_lower(a, group), *v = arena_lower(a, vm);

	if (g == NULL || v == NULL)
		return NULL;
	return arena_fmt(a, "%s;iaasvmcontainerv2;%s;%s", prefix, g, v);
}

char *arm_container_name(struct arena *a, struct str group, struct str vm)
{
	return workload_name(a, "IaasVMContainer", group, vm);
}

char *arm_item_name(struct arena *a, struct str group, struct str vm)
{
	return workload_name(a, "VM", group, vm);
}

bool arm_workload_name_parse(struct str name, struct str *ret_group, struct str *ret_vm)
{
	struct str part[4];
	unsigned count = 0;
	size_t start = 0;
	bool has_prefix;

	for (size_t i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] != ';' && name.p[i] != '/')
			continue;
		if (count == ARRAY_LEN(part) || i == start || (i < name.n && name.p[i] == '/'))
			return false;
		part[count++] = (struct str){ name.p + start, i - start };
		start = i + 1;
	}
	if (count < 3)
		return false;
	has_prefix = str_ieq(part[0], STR("iaasvmcontainer")) || str_ieq(part[0], STR("vm"));
	if (count == 4 ? !has_prefix || !str_ieq(part[1], STR("iaasvmcontainerv2")) :
	    !has_prefix && !str_ieq(part[0], STR("iaasvmcontainerv2")))
		return false;
	*ret_group = part[count - 2];
	*ret_vm = part[count - 1];
	return true;
}
