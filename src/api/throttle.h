/* throttle.h - how many calls a principal may make: Azure Resource Manager's limits.
 *
 * Three token buckets for each principal: reads (GET, HEAD), deletes (DELETE) and writes (all
 * others); and one of each for all principals together, 15 times as large.  The figures are the settings';
 * a bucket of 0 is no limit.  What a deployment does for its caller counts as the one call that it
 * is.  Any thread. */
#ifndef API_THROTTLE_H
#define API_THROTTLE_H

#include "base/base.h"
#include "work/settings.h"

struct api_call;
struct throttle;

must_check int throttle_new(const struct settings *s, struct throttle **ret, struct err *e);
void throttle_free(struct throttle *t);	/* NULL is fine */

/* What the call's answer says of its limit. */
struct throttle_state {
	const char *kind;	/* "reads", "writes", "deletes"; NULL: not counted */
	int64_t left, left_for_all;
	int64_t wait_s;		/* refused: after so many seconds there is room again; else 0 */
};

/* Count the call, whose caller is known: 0, or -1 with 429 and Azure's code; sets c->throttle. */
must_check int throttle_call(struct api_call *c, struct err *e);
/* x-ms-ratelimit-remaining-…, and Retry-After of one that was refused. */
void throttle_headers(struct api_call *c);

#endif
