/* fs.h - small files done durably. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"

/* mkdir -p; existing directories are fine.  The names of new ones are synced. */
must_check int fs_mkdirs(const char *path, mode_t mode, struct err *e);

/* Replace `path` whole or not at all: temporary file beside it, fsync,
 * rename, fsync of the directory. */
must_check int fs_write_atomic(const char *path, const void *p, size_t n, mode_t mode,
    struct err *e);

/* Remove a file, or a directory and all in it; links are not followed.  Absent is fine. */
must_check int fs_remove_tree(const char *path, struct err *e);

/* Append the file's bytes to `ret`; ERR_INVALID if it is larger than `max`. */
must_check int fs_read_all(const char *path, size_t max, struct buf *ret, struct err *e);

/* fsync the directory `path`, so that names created in it last. */
must_check int fs_sync_dir(const char *path, struct err *e);

/* fsync the directory that holds `path`. */
must_check int fs_sync_parent(const char *path, struct err *e);

/* pread/pwrite the whole range, retrying short transfers; end of file before
 * `n` bytes is ERR_IO.  `what` names the file in errors. */
must_check int fs_pread_full(int fd, void *p, size_t n, int64_t offset, const char *what,
    struct err *e);
must_check int fs_pwrite_full(int fd, const void *p, size_t n, int64_t offset, const char *what,
    struct err *e);

#endif
