/* record.h - changes by the command line, in the audit log (auth/audit.h) of the data directory. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "json/json.h"

/* Before a change: it must not be made if it cannot be recorded.  The caller closes *ret_fd. */
must_check int record_begin(const char *dir, int *ret_fd, struct err *e);

/* After it.  `detail` is an object, stolen (NULL: out of memory); the user's id is added. */
must_check int record_end(int fd, const char *action, const char *scope, json_t *detail,
    struct err *e);

#endif
