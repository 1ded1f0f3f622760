/* routes.c - every route table, in the order they are tried. */
#include "api/api.h"

const struct api_route *const api_tables[] = {
	identity_routes,
	metrics_routes,
	group_routes,
	deployment_routes,
	compute_disk_routes,
	compute_vm_routes,
	storage_routes,
	network_routes,
	tags_routes,
	sku_routes,
	vault_routes,
	vault_config_routes,
	policy_routes,
	discovery_routes,
	item_routes,
	point_routes,
	archive_routes,
	restore_routes,
	job_routes,
	operation_routes,
	secondary_routes,
	role_routes,
	blob_routes,	/* last: any first segment may be an account */
	NULL,
};
