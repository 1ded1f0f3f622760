/* datadir.h - making a data directory: all of it or nothing. */
#ifndef CLI_DATADIR_H
#define CLI_DATADIR_H

#include <limits.h>

#include "base/base.h"
#include "base/codec.h"
#include "cli/pairing.h"
#include "work/settings.h"

struct datadir_made {
	char dir[PATH_MAX];	/* absolute */
	char url[SERVER_URL_SIZE];	/* "https://localhost:8443" */
	char tenant[GUID_SIZE], subscription[GUID_SIZE];
};

/* Make `dir`, which must not exist or be an empty directory: everything is built in a directory
 * beside it and renamed.  `o->names` (NULL or empty is fine) come before localhost, 127.0.0.1
 * and ::1, and the first of all is the address clients use.  With `pairing`, which must have
 * secrets (NULL: none), the new server is the second of a pair: tenant, subscription, pair key and
 * principals are the first's, whose tokens it takes.  ERR_CONFLICT if `dir` holds anything. */
must_check int datadir_make(const char *dir, const struct settings_new *o,
    const struct pairing *pairing, struct datadir_made *ret, struct err *e);

#endif
