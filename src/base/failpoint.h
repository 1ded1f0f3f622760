/* failpoint.h - named places where a test may make the program die or wait.
 *
 * HOLDFAST_FAILPOINTS="name=kill;name=sleep:MS;name=error" in the
 * environment, read once.  Unset (always, outside tests) a failpoint costs one
 * load.  Names are "job kind/step/before", "job kind/step/after" and those
 * that callers choose, e.g. "restore/chunk". */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include "base/base.h"

/* Kills the process with SIGKILL, sleeps, or does nothing. 0, or -1 with ERR_IO for "error". */
must_check int failpoint(const char *name, struct err *e);

#endif
