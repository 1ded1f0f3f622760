/* point.h - recovery points: what handlers of points and restores share. */
#ifndef API_POINT_H
#define API_POINT_H

#include "api/api.h"

/* $filter of a list of points. */
struct point_filter {
	int64_t from_us, to_us;	/* of their times, inclusive; both 0: no restriction */
	bool is_full;		/* rows with the lists of disks */
	bool is_move_ready;	/* only points that are ready to go to the archive */
};
must_check int point_filter_read(struct api_call *c, struct point_filter *ret, struct err *e);
/* But for the times; `shown` as point_json() has it. */
bool point_filter_wants(const struct point_filter *f, const json_t *shown);

/* The point `name` of the item.  ERR_NOT_FOUND names point and item; a point of another item is
 * not found either. */
must_check int point_find(struct db_conn *conn, const struct resource *item, const char *name,
    struct resource *ret, struct err *e);
int point_not_found(const struct resource *item, const char *name, struct err *e);

/* As clients see it; a list's row leaves the lists of disks out.  NULL out of memory. */
json_t *point_json(const struct resource *point, bool in_list);

#endif
