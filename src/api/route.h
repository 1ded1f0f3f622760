/* route.h - finding the route of a request. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/api.h"

/* Match the call's path against the tables and fill route and params.  1 found; 0 no such path;
 * -1 the path exists, but not for this method: `ret_allow` then names those there are. */
int route_find(const struct api_route *const *tables, struct api_call *c, char *ret_allow,
    size_t allow_n);

#endif
