/* log.h - one structured line per event, on stderr, written in one call.
 *
 *   time=2026-… level=info event=request method=GET path="/…" status=200
 *
 * Library code (L0-L3) never logs: it returns a struct err.  The caller that
 * decides what happens next logs once.  Secrets never go to the log. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Key-value pairs end with a NULL key; a NULL value is left out.  Values are
 * quoted when needed, control characters escaped. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
