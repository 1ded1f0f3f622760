/* rows.h - one page of a list answer: at most ARM_PAGE_SIZE rows, and where the next page starts. */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "api/api.h"

struct api_rows {
	struct api_call *c;
	json_t *value;		/* owned */
	const char *last;	/* cursor of the row added last; the arena's */
	bool more;		/* there is a row that did not fit */
};
must_check int api_rows_init(struct api_rows *r, struct api_call *c, struct err *e);
void api_rows_done(struct api_rows *r);	/* zeroed storage is fine */
#define auto_rows cleanup_with(api_rows_done)

/* Append `row` (stolen; NULL is out of memory), which shows `from`, unless the route is a filtered
 * list and the caller may not read it: 0, or 1 if the page is full, as
 * a resource_fn answers to stop. */
must_check int api_rows_add(struct api_rows *r, const struct resource *from, json_t *row,
    struct err *e);

/* Answer the page, with nextLink if there is more. */
must_check int api_rows_answer(struct api_rows *r, struct err *e);

/* The same for rows that are at hand whole, each with an "id"; `all` is stolen.  A page goes on after the row
 * that the cursor names, or, if that is gone, with the first id above it: an order by id makes
 * pages stable while rows come and go. */
must_check int api_rows_page(struct api_call *c, json_t *all, struct err *e);
/* A new array of the same rows in that order; NULL out of memory. */
json_t *api_rows_by_id(const json_t *rows);

#endif
