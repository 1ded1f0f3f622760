/* replay.h - which assertions were used, so that none that was overheard is used again.
 *
 * Remembers 16 bytes of a hash of each until it expires, at most REPLAY_MAX at a time; beyond that
 * no assertion is accepted until one has expired.  Lost when the server ends: assertions live for
 * minutes.  Any thread. */
#ifndef AUTH_REPLAY_H
#define AUTH_REPLAY_H

#include "base/base.h"

#define REPLAY_MAX 8192

struct replay;

/* Each may be used `uses` times. */
must_check int replay_new(int64_t uses, struct replay **ret, struct err *e);
void replay_free(struct replay *r);	/* NULL is fine */

/* 1: the text may be used now, which is noted; 0: it was used often enough; -1: ERR_BUSY, too many
 * are remembered. */
must_check int replay_use(struct replay *r, struct str text, int64_t until_us, int64_t now_us,
    struct err *e);

#endif
