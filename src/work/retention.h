/* retention.h - how long a point of a policy is kept. */
#ifndef WORK_RETENTION_H
#define WORK_RETENTION_H

#include "db/db.h"
#include "model/resource.h"

/* When a point taken at `now_us` expires: so many days after the next midnight as the policy
 * keeps daily points (weekly ones, where there are no daily ones).  A policy that says neither,
 * or an empty `policy` (stopped protection), keeps it 30 days. */
int64_t retention_expiry(const struct resource *policy, int64_t now_us);

#endif
