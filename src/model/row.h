/* row.h - inside src/model: a resource read from the columns of its row. */
#ifndef MODEL_ROW_H
#define MODEL_ROW_H

#include "model/resource.h"

#define RESOURCE_COLUMNS \
	"id, type, name, subscription, grp, location, parent, ref, sort, version, created_us, " \
	"changed_us, body"

must_check int resource_read_row(struct db_stmt *q, struct resource *ret, struct err *e);

#endif
