/* datadir.h - making a data directory: all of it or nothing. */
#ifndef CLI_DATADIR_H
#define CLI_DATADIR_H

#include <limits.h>

#include "base/base.h"
#include "base/codec.h"
#include "work/settings.h"

struct datadir_made {
	char dir[PATH_MAX];	/* absolute */
	char url[512];		/* "https://localhost:8443" */
	char tenant[GUID_SIZE], subscription[GUID_SIZE];
};

/* Make `dir`, which must not exist or be an empty directory: everything is built in a directory
 * beside it and renamed.  `o->names` (NULL or empty is fine) come before localhost, 127.0.0.1
 * and ::1, and the first of all is the address clients use.  ERR_CONFLICT if `dir` holds
 * anything. */
must_check int datadir_make(const char *dir, const struct settings_new *o,
    struct datadir_made *ret, struct err *e);

#endif
