/* path.h - where a blob's bytes and properties are kept. */
#ifndef BLOB_PATH_H
#define BLOB_PATH_H

#include "blob/blob.h"

/* ROOT/container[/name], malloc'd; names are checked. */
must_check int blob_data_path(const char *root, const char *container, const char *name,
    char **ret, struct err *e);
/* ROOT/.meta/container[/name].json */
must_check int blob_meta_path(const char *root, const char *container, const char *name,
    char **ret, struct err *e);
/* Create the folder that holds `path`. */
must_check int blob_make_parent(const char *path, struct err *e);

#endif
