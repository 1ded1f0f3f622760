/* group.h - handlers of subscriptions and resource groups; group.c has their routes. */
#ifndef API_GROUP_H
#define API_GROUP_H

#include "api/api.h"

/* subscription.c */
must_check int subscription_list(struct api_call *c, struct err *e);
must_check int subscription_get(struct api_call *c, struct err *e);
must_check int tenant_list(struct api_call *c, struct err *e);
must_check int location_list(struct api_call *c, struct err *e);
must_check int operation_result(struct api_call *c, struct err *e);

/* provider.c */
must_check int provider_list(struct api_call *c, struct err *e);
must_check int provider_get(struct api_call *c, struct err *e);

/* "East US" of "eastus"; the name itself for regions that Azure does not have. */
const char *region_display_name(const char *name);

/* listing.c: lists over several types, with $filter.  `group` NULL: of the subscription. */
must_check int listing_groups(struct api_call *c, struct err *e);
must_check int listing_resources(struct api_call *c, const char *group, struct err *e);

/* Is it a resource in ARM's sense: "Namespace/type", neither a group nor a deployment nor what lives in
 * another resource? */
bool listing_is_top_level(const char *type);

/* group_delete.c */
must_check int group_delete(struct api_call *c, struct err *e);

/* ERR_BUSY if a running job works with the resource `id` or one inside it. */
must_check int group_check_jobs(struct api_call *c, struct db_conn *conn, const char *id,
    struct err *e);

#endif
