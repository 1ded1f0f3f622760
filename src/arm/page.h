/* page.h - $skipToken: an opaque cursor, base64url in the link. */
#ifndef ARM_PAGE_H
#define ARM_PAGE_H

#include "base/arena.h"
#include "base/base.h"

#define ARM_PAGE_SIZE 200

/* Cursor text from the query's value; ERR_INVALID if it is not one of ours. NULL in, NULL out. */
must_check int arm_skip_token_decode(struct arena *a, const char *token, const char **ret,
    struct err *e);
char *arm_skip_token_encode(struct arena *a, const char *cursor);

#endif
