/* text.h - decoding and checking text that came with a request. */
#ifndef ARM_TEXT_H
#define ARM_TEXT_H

#include "base/arena.h"
#include "base/base.h"

/* Length of the UTF-8 sequence at the start of `s`, 0 if it is not one. */
size_t text_utf8_len(struct str s);

/* UTF-8 without control characters: it may go into documents, logs and headers. */
bool text_plain(struct str s);

/* %-decoding to plain text; with `form`, '+' is a space.  ERR_INVALID says what
 * is wrong and where: `what` is "path" or "query". */
must_check int text_decode(struct arena *a, struct str s, bool form, const char *what, char **ret,
    struct err *e);

/* Copy with every byte that is not UTF-8 replaced by '?'. */
char *text_repair(struct arena *a, struct str s);

#endif
