/* secondary.h - the paired region's view of a vault.
 *
 * Three api-versions show, under the same paths, what the vault's paired
 * region has.  Handlers of such paths call secondary_guard() first. */
#ifndef API_SECONDARY_H
#define API_SECONDARY_H

#include "api/api.h"

/* Nothing to do with other api-versions: 0 and *ret_answered false.  With those three it answers a
 * list (*ret_answered true: the handler returns 0) or fails with the error that says why there is
 * nothing: the vault has no cross-region restore, or the paired region no copy of it yet. */
must_check int secondary_guard(struct api_call *c, bool *ret_answered, struct err *e);

/* Cross-region restore is enabled in this vault. */
bool secondary_enabled(const struct resource *vault);

/* The error of a vault without it; -1. */
int secondary_refuse(struct err *e);

#endif
