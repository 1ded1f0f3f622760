/* in_flight.h - ids that a request is at work on, so that a second one for the same can be refused.  Any
 * thread. */
#ifndef API_IN_FLIGHT_H
#define API_IN_FLIGHT_H

#include "base/base.h"

struct in_flight;

must_check int in_flight_new(struct in_flight **ret, struct err *e);
void in_flight_free(struct in_flight *f);	/* NULL is fine; nothing is at work any more */

/* 1: `id` (any casing; it must stay as it is until then) is the caller's until in_flight_leave();
 * 0: it is another request's. */
must_check int in_flight_enter(struct in_flight *f, const char *id, struct err *e);
void in_flight_leave(struct in_flight *f, const char *id);	/* the same pointer */

#endif
