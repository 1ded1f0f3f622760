/* policy_check.h - is a backup policy for Azure VMs sound?
 *
 * Judges the whole request and gives the properties to store, as answers show
 * them: words in their canonical casing, presets filled in, lists that are
 * empty and members that say nothing left out.  Depends on JSON only. */
#ifndef API_POLICY_CHECK_H
#define API_POLICY_CHECK_H

#include "base/base.h"
#include "json/json.h"

/* `body`: {"properties":{…}}.  *ret is the caller's.  ERR_INVALID with the JSON path. */
must_check int policy_check(const json_t *body, json_t **ret, struct err *e);

/* A Windows time zone id ("Pacific Standard Time"), as timeZone takes them; any casing.
 * NULL if there is no such zone, else the id in its canonical casing. */
const char *policy_zone(const char *name);

#endif
