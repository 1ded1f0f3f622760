/* version.h - api-versions: which are accepted, and what depends on them. */
#ifndef ARM_VERSION_H
#define ARM_VERSION_H

#include "base/base.h"

/* Checks the api-version of a request.  `type` is the resource type for the
 * text, e.g. "vaults"; NULL for subscription-level requests.  `list` selects
 * whose versions are accepted.
 * ERR_INVALID with MissingApiVersionParameter, NoRegisteredProviderFound or
 * InvalidApiVersionParameter. */
enum arm_version_list { ARM_RECOVERY_SERVICES, ARM_OTHER };
must_check int arm_version_check(const char *version, enum arm_version_list list, const char *type,
    struct err *e);

/* 2018-12-20, 2021-11-15, 2023-01-15: the secondary region's view. */
bool arm_version_is_secondary(const char *version);

/* Dates compare as text; a preview counts as its date. */
bool arm_version_at_least(const char *version, const char *date);

/* All accepted Recovery Services versions, NULL-terminated, oldest first. */
extern const char *const arm_recovery_services_versions[];

#endif
