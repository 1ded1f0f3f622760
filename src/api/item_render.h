/* item_render.h - a protected item as clients see it. */
#ifndef API_ITEM_RENDER_H
#define API_ITEM_RENDER_H

#include "api/api.h"

/* What a view shows beside the item's row. */
struct item_view {
	bool is_vm_gone;
	bool is_extended;	/* extendedInfo too, which says: */
	int64_t points;
	/* recoveryPointTime of the first point, and of those by their tier; NULL: none.  Borrowed */
	json_t *oldest, *oldest_in_vault, *oldest_archived, *newest_archived;
};
must_check int item_render_view(struct api_call *c, const struct resource *item,
    const struct item_view *view, json_t **ret, struct err *e);

/* The view of the item's own region; `extended` adds extendedInfo.  Reads the item's VM and points
 * within `conn`. */
must_check int item_render(struct api_call *c, struct db_conn *conn, const struct resource *item,
    bool extended, json_t **ret, struct err *e);

/* .NET TimeSpan "13.23:59:42.8656"; negative spans are shown as zero. `out`: TIME_TEXT_MAX. */
char *timespan_text(int64_t span_us, char *out);

#endif
