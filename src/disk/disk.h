/* disk.h - disk images as sources and sinks of bytes.
 *
 * A source is read by ranges and tells which ranges hold data; a sink takes
 * data by ranges and leaves the rest a hole that reads as zeros.  Formats are
 * always stated, never probed: a guest could write any header into a raw image. */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include "base/base.h"

enum disk_format { DISK_RAW, DISK_QCOW2, DISK_VHD };	/* DISK_VHD: fixed */

const char *disk_format_name(enum disk_format f);	/* "raw", "qcow2", "vhd" */
bool disk_format_parse(struct str s, enum disk_format *ret);

struct extent {
	int64_t offset, length;	/* bytes */
};

/* ---- sources ---- */
struct disk_src;

/* Open the image at `path`, stated to be of `format`, for reading.  qcow2 goes
 * through a qemu-nbd child of ours on a private unix socket (libnbd); raw is
 * read directly.  ERR_NOT_FOUND if the file is gone; ERR_BUSY if a running
 * QEMU has the image open for writing, which none can while the source is
 * open; ERR_CORRUPT for a qcow2 that was cut short. */
must_check int disk_src_open(const char *path, enum disk_format format, struct disk_src **ret,
    struct err *e);
void disk_src_close(struct disk_src *s);

int64_t disk_src_size(const struct disk_src *s);	/* virtual size in bytes */

/* Allocated extents of [offset, offset+length): at most `max` are written to
 * `ret`, in order, not overlapping, clipped to the range; *ret_next is where
 * to go on (offset+length when the range is finished). */
must_check int disk_src_extents(struct disk_src *s, int64_t offset, int64_t length,
    struct extent *ret, size_t max, size_t *ret_count, int64_t *ret_next, struct err *e);

/* Read exactly n bytes; reading past the virtual size is ERR_INVALID; a file
 * that shrank since it was opened is ERR_IO naming it.  Thread-safe. */
must_check int disk_src_read(struct disk_src *s, void *p, size_t n, int64_t offset, struct err *e);

/* ---- sinks ---- */
struct disk_sink;

/* While a sink is open nobody else, QEMU or holdfast, can open the image. */

/* Create a new image of `size` bytes.  raw and fixed VHD are written by us
 * (VHD: size must be a multiple of 1 MiB, see disk_vhd_size()); the file is
 * made as `path`, must not exist, and is sparse.  ERR_CONFLICT if it exists.  qcow2 goes
 * through a qemu-nbd child of ours, as for sources; `size` is rounded up to 512 bytes, for it has
 * no smaller unit.  A failed create leaves no file. */
must_check int disk_sink_create(const char *path, enum disk_format format, int64_t size,
    struct disk_sink **ret, struct err *e);
/* Open a half-written image of that kind again, to go on with it after a crash.  What was synced
 * is there.  ERR_INVALID or ERR_CORRUPT: a loss of power has left a qcow2 with which nobody can go
 * on; begin anew.  A helper that the crash left behind is waited for, then it is ERR_BUSY. */
must_check int disk_sink_reopen(const char *path, enum disk_format format, int64_t size,
    struct disk_sink **ret, struct err *e);
/* Open a complete image, to overwrite parts of it in place: as disk_src_open() would take it, and
 * it keeps its size (a VHD its footer, too).  ERR_NOT_FOUND; ERR_BUSY if anybody has it open. */
must_check int disk_sink_open(const char *path, enum disk_format format, struct disk_sink **ret,
    struct err *e);

int64_t disk_sink_size(const struct disk_sink *s);	/* virtual size in bytes */

/* Thread-safe for ranges that do not overlap; outside of the disk is ERR_INVALID. */
must_check int disk_sink_write(struct disk_sink *s, const void *p, size_t n, int64_t offset,
    struct err *e);
/* The range reads as zeros afterwards; where the file system can, its space is given back. */
must_check int disk_sink_zero(struct disk_sink *s, int64_t offset, int64_t length, struct err *e);

/* As disk_src_read() and disk_src_extents(), of what is in the sink now. */
must_check int disk_sink_read(struct disk_sink *s, void *p, size_t n, int64_t offset,
    struct err *e);
must_check int disk_sink_extents(struct disk_sink *s, int64_t offset, int64_t length,
    struct extent *ret, size_t max, size_t *ret_count, int64_t *ret_next, struct err *e);

/* What was written or zeroed by calls that have returned outlasts a crash. */
must_check int disk_sink_sync(struct disk_sink *s, struct err *e);
/* Complete the image (VHD footer), sync file and directory.  Closes *s, which becomes NULL, also
 * on failure. */
must_check int disk_sink_finish(struct disk_sink **s, struct err *e);
void disk_sink_close(struct disk_sink *s);	/* without finishing; the file stays */

/* ---- facts about images ---- */
struct disk_info {
	enum disk_format format;
	int64_t virtual_size;
	int64_t allocated;	/* bytes the file takes on its file system */
};

/* What `path` is: qcow2 by its magic (then the size by its header), else raw.
 * A qcow2 with a backing file, an external data file or encryption is
 * ERR_INVALID.  `stated` (NULL: not stated) must agree with the magic when it
 * says qcow2, and with the file's footer when it says vhd. */
must_check int disk_inspect(const char *path, const enum disk_format *stated, struct disk_info *ret,
    struct err *e);

/* Round up to what a fixed VHD for Azure must have: whole MiB. */
int64_t disk_vhd_size(int64_t bytes);

/* The 512-byte footer of a fixed VHD of `size` bytes created at `t_us`
 * (Microsoft's VHD Image Format Specification 1.0; times count from 2000). */
void disk_vhd_footer(int64_t size, int64_t t_us, const uint8_t unique_id[16], uint8_t ret[512]);

/* Copy `from` to a new image of the same format at `to` (used by
 * createOption Import): reflink if the file system can, else sparse copy.  fsynced.
 * `cancel` may be NULL.  ERR_BUSY if the image is in use as for disk_src_open(), or changed
 * meanwhile; a failed copy is removed. */
must_check int disk_copy(const char *from, const char *to, const _Atomic bool *cancel,
    struct err *e);

/* Resolve `path` (absolute) and check that it lies inside one of `allowed`
 * (NULL-terminated, absolute): symbolic links are followed first, and must
 * not lead out.  The file must be a regular file.  *ret is malloc'd. ERR_DENIED names the path
 * and what it resolved to; it is also the answer for what does not exist outside. */
must_check int disk_path_allowed(const char *path, const char *const *allowed, char **ret,
    struct err *e);

#endif
