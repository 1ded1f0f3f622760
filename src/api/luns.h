/* luns.h - lists of logical unit numbers, as requests carry them. */
#ifndef API_LUNS_H
#define API_LUNS_H

#include "base/base.h"
#include "json/json.h"

#define LUNS_MAX 64	/* data disks of a VM: LUNs 0 to 63 */

struct luns {
	int lun[LUNS_MAX];
	size_t count;
};

/* Strict: integers 0 to 63, none twice.  ERR_INVALID names `path`, index and value. */
must_check int luns_read(const json_t *list, const char *path, struct luns *ret, struct err *e);

/* The member of `disks` (objects with "lun") that has the number; NULL if none. Borrowed. */
const json_t *luns_find(const json_t *disks, int64_t lun);

#endif
