/* fields.h - members that resources of every type have: tags and location. */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include "api/api.h"

/* body.tags: 1 and *ret borrowed, 0 absent, -1 if it is not an object of strings within
 * ARM's limits. */
must_check int fields_tags(const json_t *body, json_t **ret, struct err *e);

/* body.location as a configured region; LocationRequired if it is absent. */
must_check int fields_location(struct api_call *c, const char **ret, struct err *e);

/* InvalidResourceLocation unless the resource that exists is in `location`. */
must_check int fields_same_location(const struct resource *old, const char *location,
    struct err *e);

/* Resource names: 1 to `max` letters, digits and characters of `others`, beginning with a
 * letter, a digit or '_'. */
bool fields_name_valid(const char *name, size_t max, const char *others);

#endif
