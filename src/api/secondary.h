/* secondary.h - what the paired region shows of a vault, read from the vault's copy there.
 *
 * Three api-versions show it under the paths of the vault's own region.  Handlers of such paths ask
 * secondary_asked() first and hand over to those below. */
#ifndef API_SECONDARY_H
#define API_SECONDARY_H

#include "api/api.h"
#include "work/replica.h"

bool secondary_asked(const struct api_call *c);
/* For routes that exist in these api-versions only: NoRegisteredProviderFound in another. */
must_check int secondary_need_version(struct api_call *c, struct err *e);

/* Cross-region restore is enabled in this vault. */
bool secondary_enabled(const struct resource *vault);
/* The error of a vault without it; -1. */
int secondary_refuse(struct err *e);

/* The region in which the copies of the call's vault are: its pair. */
const char *secondary_region(struct api_call *c);
/* The copy of the call's vault: 1, 0 there is none yet, -1 also for a vault without cross-region
 * restore.  Borrowed from the world. */
must_check int secondary_open(struct api_call *c, struct vault **ret, struct err *e);
/* Same, but a vault that has no copy is an error that says so. */
must_check int secondary_need(struct api_call *c, struct vault **ret, struct err *e);

/* The call's vault is not this server's, as *e says.  Where the route's flags and the api-version
 * allow it, it is read from its copy: 0.  Else *e says in which region there is one. */
must_check int secondary_find_vault(struct api_call *c, struct err *e);

/* The item that the call's path names, in a copy. */
must_check int secondary_find_item(struct api_call *c, struct vault *copy, struct resource *ret,
    struct err *e);

/* ---- views (secondary_view.c) ---- */
api_fn secondary_items, secondary_item, secondary_points, secondary_point;
must_check int secondary_item_count(struct api_call *c, int64_t *ret, struct err *e);

#endif
