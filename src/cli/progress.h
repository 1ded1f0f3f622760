/* progress.h - a bar on standard error, if that is a terminal; and the end of long work by a signal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "vault/vault.h"

struct progress {
	const char *what;	/* borrowed; what is under way */
	bool is_terminal;
	int64_t began_us, drawn_us;
	int width;		/* of what is on the line now */
	struct vault_progress hook;	/* for the vault's functions */
};

/* From now on SIGINT and SIGTERM do not end the program but cancel the work that calls the hook. */
void progress_begin(struct progress *p, const char *what);
void progress_end(struct progress *p);	/* takes the bar away */

#endif
