/* offline.h - a data directory opened without its server: settings, database, keys, vaults.
 * Safe beside a running server, which it does not need. */
#ifndef CLI_OFFLINE_H
#define CLI_OFFLINE_H

#include <limits.h>

#include "work/world.h"

struct offline {
	char dir[PATH_MAX];
	int lock_fd;		/* of offline_lock(); 0 if it was not taken */
	struct settings *settings;
	struct world world;
};

/* `dir` NULL: $HOLDFAST_DIR.  The caller ends it with offline_done(). */
must_check int offline_open(const char *dir, struct offline *ret, struct err *e);
void offline_done(struct offline *o);	/* zeroed storage is fine */
#define auto_offline cleanup_with(offline_done)

/* Keep servers away until offline_done().  ERR_BUSY if one runs. */
must_check int offline_lock(struct offline *o, struct err *e);

/* The vault resource that `name` means: an ARM id, or a name that only one vault has.
 * *ret must be zeroed. */
must_check int offline_vault(struct offline *o, const char *name, struct resource *ret,
    struct err *e);

#endif
