/* point.h - recovery points: what handlers of points and restores share. */
#ifndef API_POINT_H
#define API_POINT_H

#include "api/api.h"

/* The point `name` of the item.  ERR_NOT_FOUND names point and item; a point of another item is
 * not found either. */
must_check int point_find(struct db_conn *conn, const struct resource *item, const char *name,
    struct resource *ret, struct err *e);

/* As clients see it; a list's row leaves the lists of disks out.  NULL out of memory. */
json_t *point_json(const struct resource *point, bool in_list);

#endif
