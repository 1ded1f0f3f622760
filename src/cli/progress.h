/* progress.h - a bar on standard error, if that is a terminal. */
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

void progress_begin(struct progress *p, const char *what);
void progress_end(struct progress *p);	/* takes the bar away */

#endif
