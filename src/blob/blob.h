/* blob.h - a storage account kept as a directory: containers and blobs.
 *
 * ROOT/<container>/<blob> holds the bytes (a '/' in a blob name makes a
 * folder) and ROOT/.meta/<container>/<blob>.json what HTTP needs beside them.  Names are
 * checked against Azure's rules (container 3-63 of [a-z0-9-]; blob 1-1024
 * bytes, no "." or ".." segment), so no name leads out of ROOT.  As folders are real, a blob
 * cannot have the name of another one's folder. */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "base/base.h"
#include "base/buf.h"
#include "json/json.h"

bool blob_container_name_valid(struct str name);
bool blob_name_valid(struct str name);
bool blob_account_name_valid(struct str name);	/* 3-24 of [a-z0-9] */

struct blob_props {
	bool page;		/* PageBlob, else BlockBlob */
	char content_type[128];
	int64_t size;
	int64_t modified_us;
	char etag[40];		/* "0x8D…" in quotes */
	json_t *metadata;	/* object of strings, or NULL */
};
void blob_props_done(struct blob_props *p);

/* Create the container directory; fine if it exists. */
must_check int blob_container_create(const char *root, const char *container, struct err *e);

/* Write a whole blob, atomically.  `metadata` borrowed, may be NULL. */
must_check int blob_put(const char *root, const char *container, const char *name, const void *p,
    size_t n, bool page, const char *content_type, const json_t *metadata, struct err *e);

/* Where a blob that is written elsewhere (a VHD) must end up; *ret is malloc'd.  Its folder is
 * created.  blob_publish() writes the properties and makes it visible: a file without
 * properties is not a blob. */
must_check int blob_path(const char *root, const char *container, const char *name, char **ret,
    struct err *e);
must_check int blob_publish(const char *root, const char *container, const char *name, bool page,
    const char *content_type, const json_t *metadata, struct err *e);

/* 1 with *ret_fd open for reading and *ret filled, 0 no such blob, -1. */
must_check int blob_open(const char *root, const char *container, const char *name, int *ret_fd,
    struct blob_props *ret, struct err *e);
/* Properties only: 1, 0, -1. */
must_check int blob_head(const char *root, const char *container, const char *name,
    struct blob_props *ret, struct err *e);
/* 1 removed, 0 was not there, -1. */
must_check int blob_delete(const char *root, const char *container, const char *name,
    struct err *e);
/* Remove the container and all in it; absent is fine. */
must_check int blob_container_delete(const char *root, const char *container, struct err *e);

typedef int blob_list_fn(void *arg, const char *name, const struct blob_props *p, struct err *e);
/* Blobs of a container in name order, starting with `prefix`, after `marker` ("" first). */
must_check int blob_list(const char *root, const char *container, const char *prefix,
    const char *marker, blob_list_fn *fn, void *arg, struct err *e);
typedef int blob_container_fn(void *arg, const char *container, int64_t modified_us, struct err *e);
must_check int blob_container_list(const char *root, blob_container_fn *fn, void *arg,
    struct err *e);

#endif
