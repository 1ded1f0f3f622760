/* region_pairs.c - which regions Azure pairs.
 *
 * Clients have this table too: az backup looks up which region to ask for copies, so a pair that
 * differs from it is out of its reach.  A few entries go one way only. */
#include "work/setting.h"

static const struct {
	const char *name, *pair;
} pairs[] = {
	{ "australiacentral", "australiacentral2" }, { "australiacentral2", "australiacentral" },
	{ "australiaeast", "australiasoutheast" }, { "australiasoutheast", "australiaeast" },
	{ "brazilsouth", "southcentralus" }, { "brazilsoutheast", "brazilsouth" },
	{ "canadacentral", "canadaeast" }, { "canadaeast", "canadacentral" },
	{ "centralindia", "southindia" }, { "centralus", "eastus2" },
	{ "centraluseuap", "eastus2euap" }, { "chinaeast", "chinanorth" },
	{ "chinaeast2", "chinanorth2" }, { "chinaeast3", "chinanorth3" },
	{ "chinanorth", "chinaeast" }, { "chinanorth2", "chinaeast2" },
	{ "chinanorth3", "chinaeast3" }, { "eastasia", "southeastasia" }, { "eastus", "westus" },
	{ "eastus2", "centralus" }, { "eastus2euap", "centraluseuap" },
	{ "francecentral", "francesouth" }, { "francesouth", "francecentral" },
	{ "germanynorth", "germanywestcentral" }, { "germanywestcentral", "germanynorth" },
	{ "japaneast", "japanwest" }, { "japanwest", "japaneast" },
	{ "jioindiacentral", "jioindiawest" }, { "jioindiawest", "jioindiacentral" },
	{ "koreacentral", "koreasouth" }, { "koreasouth", "koreacentral" },
	{ "northcentralus", "southcentralus" }, { "northeurope", "westeurope" },
	{ "norwayeast", "norwaywest" }, { "norwaywest", "norwayeast" },
	{ "southafricanorth", "southafricawest" }, { "southafricawest", "southafricanorth" },
	{ "southcentralus", "northcentralus" }, { "southeastasia", "eastasia" },
	{ "southindia", "centralindia" }, { "swedencentral", "swedensouth" },
	{ "swedensouth", "swedencentral" }, { "switzerlandnorth", "switzerlandwest" },
	{ "switzerlandwest", "switzerlandnorth" }, { "uaecentral", "uaenorth" },
	{ "uaenorth", "uaecentral" }, { "uksouth", "ukwest" }, { "ukwest", "uksouth" },
	{ "usdodcentral", "usdodeast" }, { "usdodeast", "usdodcentral" },
	{ "usgovarizona", "usgovtexas" }, { "usgoviowa", "usgovvirginia" },
	{ "usgovtexas", "usgovarizona" }, { "usgovvirginia", "usgovtexas" },
	{ "westcentralus", "westus2" }, { "westeurope", "northeurope" },
	{ "westindia", "southindia" }, { "westus", "eastus" }, { "westus2", "westcentralus" },
	{ "westus3", "eastus" },
};

const char *region_usual_pair(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].pair;
	return "";
}
