/* place.h - reading a request member by member, where errors name the path.
 *
 * A place is an object inside a request's body.  Readers look at one member
 * of it: 1 found, 0 absent (or null), -1 wrong; `place_need_…` makes absence
 * an error too.  Errors are ERR_INVALID, "properties.a.b[2]: what is wrong".
 * Depends on JSON only. */
#ifndef API_PLACE_H
#define API_PLACE_H

#include "base/base.h"
#include "json/json.h"

struct place {
	const json_t *at;	/* borrowed */
	char path[200];
};

/* The error text for member `key` (NULL: the place itself); -1. */
int place_wrong(const struct place *p, const char *key, struct err *e, const char *fmt, ...)
    printf_like(4, 5);
int place_missing(const struct place *p, const char *key, struct err *e);

/* Makes such an error, which has no code yet, the service's BMSUserErrorInvalidInput; -1. */
int place_refuse(struct err *e);

must_check int place_enter(const struct place *p, const char *key, struct place *ret,
    struct err *e);
must_check int place_need_enter(const struct place *p, const char *key, struct place *ret,
    struct err *e);

/* Texts of at most `max` bytes without control characters. */
must_check int place_text(const struct place *p, const char *key, size_t max, const char **ret,
    struct err *e);
must_check int place_bool(const struct place *p, const char *key, bool *ret, struct err *e);
must_check int place_int(const struct place *p, const char *key, int64_t min, int64_t max,
    int64_t *ret, struct err *e);
must_check int place_need_int(const struct place *p, const char *key, int64_t min, int64_t max,
    int64_t *ret, struct err *e);

/* One of `words` (NULL-terminated), any casing; *ret is the entry of `words`. */
must_check int place_word(const struct place *p, const char *key, const char *const *words,
    const char **ret, struct err *e);
must_check int place_need_word(const struct place *p, const char *key, const char *const *words,
    const char **ret, struct err *e);

/* A list of such words, none twice, as a new array; an empty list counts as absent. */
must_check int place_words(const struct place *p, const char *key, const char *const *words,
    json_t **ret, struct err *e);
must_check int place_need_words(const struct place *p, const char *key, const char *const *words,
    json_t **ret, struct err *e);

/* A date and time, or a list of exactly one, in canonical form as a new value. */
must_check int place_time(const struct place *p, const char *key, json_t **ret, struct err *e);
must_check int place_times(const struct place *p, const char *key, json_t **ret, struct err *e);

#endif
