/* datadir_parts.h - a data directory under construction (inside src/cli/datadir*.c only). */
#ifndef CLI_DATADIR_PARTS_H
#define CLI_DATADIR_PARTS_H

#include "cli/datadir.h"

struct making {
	const char *built;	/* directory under construction */
	const char *names[HOST_NAMES_MAX + 1];
	char address[LISTEN_ADDRESS_MAX];
	struct settings_new settings;
	const struct pairing *pairing;	/* NULL: not the second of a pair */
	struct principal owner;
	struct credential owner_secret;
	struct buf secret;
	struct datadir_made made;
};

must_check int datadir_path(const char *dir, const char *name, char ret[PATH_MAX], struct err *e);

/* Make everything inside m->built; what must not change later is chosen already. */
must_check int datadir_build(struct making *m, struct err *e);

#endif
