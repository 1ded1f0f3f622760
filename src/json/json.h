/* json.h - JSON values: jansson, and typed getters that name the path.
 *
 * The only place that names jansson.h; everyone else includes this.  A path
 * is "properties.restoreDiskLunList": keys joined by dots, looked up exactly.
 * A JSON null counts as absent.  Errors are ERR_INVALID and say the path, what was
 * expected and what was there. */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <jansson.h>

#include "base/base.h"
#include "base/buf.h"

static inline void json_decref_p(json_t **j)
{
	json_decref(*j);
}
#define auto_json cleanup_with(json_decref_p)

/* Parse one whole document: duplicate keys, trailing text, NUL in strings and
 * invalid UTF-8 are refused.  The caller owns *ret. */
must_check int jparse(struct str text, json_t **ret, struct err *e);

/* The same for JSON as templates have it: with comments, names without quotes, line breaks and tabs
 * in strings, a comma behind the last member. */
must_check int jparse_relaxed(struct str text, json_t **ret, struct err *e);

/* Compact text, keys in insertion order, appended to `b`. */
must_check int jdump(const json_t *j, struct buf *b, struct err *e);

/* Value at `path` without a type check; NULL if absent or null.  Borrowed. */
json_t *jat(const json_t *j, const char *path);

/* Look-ups: 1 found and *ret set (borrowed), 0 absent (*ret untouched),
 * -1 present with another type. */
must_check int jget_str(const json_t *j, const char *path, const char **ret, struct err *e);
must_check int jget_obj(const json_t *j, const char *path, json_t **ret, struct err *e);
must_check int jget_arr(const json_t *j, const char *path, json_t **ret, struct err *e);
must_check int jget_bool(const json_t *j, const char *path, bool *ret, struct err *e);

/* Integers may also come as a string of digits, as clients send them. */
must_check int jget_int(const json_t *j, const char *path, int64_t *ret, struct err *e);

/* Required string: absent is an error too; 0 or -1. */
must_check int jneed_str(const json_t *j, const char *path, const char **ret, struct err *e);

/* Unchecked conveniences for documents that we wrote ourselves. */
const char *jstr(const json_t *j, const char *path, const char *otherwise);
int64_t jint(const json_t *j, const char *path, int64_t otherwise);
bool jbool(const json_t *j, const char *path, bool otherwise);

/* Set `key` of the object to `value` (stolen); with a NULL value nothing is
 * set.  0, or -1 out of memory. */
must_check int jset(json_t *obj, const char *key, json_t *value, struct err *e);

#endif
