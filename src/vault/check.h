/* check.h - what the last verification found out about a point: one small sealed object each,
 * "checks/<hash of item>/<point>". */
#ifndef VAULT_CHECK_H
#define VAULT_CHECK_H

#include "vault/engine.h"

/* The record's text, below the seal.  False if it is none, or, unless NULL, not about the point whose
 * salt is `salt` in hexadecimal.  Numbers are in their bounds otherwise. */
bool check_parse(struct str text, const char *salt, struct vault_check *ret);

/* `point_object` is the name of the point's own object.  1 there, 0 not, -1; one that cannot be read
 * is as if it were not there. */
must_check int check_load(struct vault *v, const char *point_object, struct vault_check *ret,
    struct err *e);
must_check int check_save(struct vault *v, const char *point_object, const struct vault_check *c,
    struct err *e);
void check_drop(struct vault *v, const char *point_object);	/* failures are left */

#endif
