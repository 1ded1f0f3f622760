/* internal.h - what the back ends of disk.h share. */
#ifndef DISK_INTERNAL_H
#define DISK_INTERNAL_H

#include "disk/disk.h"

struct disk_src_ops {
	int (*extents)(struct disk_src *s, int64_t offset, int64_t length, struct extent *ret,
	    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e);
	int (*read)(struct disk_src *s, void *p, size_t n, int64_t offset, struct err *e);
	void (*close)(struct disk_src *s);	/* frees s */
};

/* First member of every source's own struct. */
struct disk_src {
	const struct disk_src_ops *ops;
	char *path;
	int64_t size;
};

struct disk_sink_ops {
	int (*write)(struct disk_sink *s, const void *p, size_t n, int64_t offset, struct err *e);
	int (*zero)(struct disk_sink *s, int64_t offset, int64_t length, struct err *e);
	int (*read)(struct disk_sink *s, void *p, size_t n, int64_t offset, struct err *e);
	int (*extents)(struct disk_sink *s, int64_t offset, int64_t length, struct extent *ret,
	    size_t max, size_t *ret_count, int64_t *ret_next, struct err *e);
	int (*sync)(struct disk_sink *s, struct err *e);
	int (*finish)(struct disk_sink *s, struct err *e);	/* complete the file; s stays */
	void (*close)(struct disk_sink *s);	/* frees s */
};

/* First member of every sink's own struct. */
struct disk_sink {
	const struct disk_sink_ops *ops;
	char *path;
	int64_t size;
};

/* How a sink comes by its file: it makes it, goes on with a half-written one, or opens a
 * complete one, whose size is its own. */
enum sink_how { SINK_NEW, SINK_HALF, SINK_WHOLE };

/* ERR_INVALID if the range is not inside of the `size` bytes of `path`. */
must_check int disk_check_range(const char *path, int64_t size, int64_t offset, uint64_t length,
    struct err *e);

/* `format` is DISK_RAW or DISK_VHD, which is raw with a footer. */
must_check int raw_src_open(const char *path, enum disk_format format, struct disk_src **ret,
    struct err *e);
must_check int qcow2_src_open(const char *path, struct disk_src **ret, struct err *e);

/* `size` counts unless `how` is SINK_WHOLE. */
must_check int raw_sink_open(const char *path, enum disk_format format, enum sink_how how,
    int64_t size, struct disk_sink **ret, struct err *e);
must_check int qcow2_sink_open(const char *path, enum sink_how how, int64_t size,
    struct disk_sink **ret, struct err *e);

/* Open an image for reading.  ERR_BUSY if a QEMU program has it open for writing; none can
 * open it so while *ret_fd is open.  It must be a regular file and no symbolic link. */
must_check int image_open(const char *path, int *ret_fd, int64_t *ret_size, struct err *e);

/* Open an image to write it.  ERR_BUSY if a QEMU program or a holdfast has it open; none can open
 * it before image_unlock() or image_close(). */
must_check int image_open_to_write(const char *path, int *ret_fd, int64_t *ret_size, struct err *e);
must_check int image_create(const char *path, int *ret_fd, struct err *e);	/* ERR_CONFLICT */
void image_unlock(int fd);

/* Unlock and close; fine if it is not open.  A plain close() leaves the image locked for as long
 * as a child that was just forked, for whatever reason, has not yet run its program. */
void image_close(int *fd);

bool image_in_use(int fd);	/* by others, in any way */
int image_busy(const char *path, struct err *e);	/* ERR_BUSY that says so */

/* ERR_IO if the file is smaller than `was`.  Behind a new, nearer end all looks like a hole,
 * so whoever was told of a hole asks this before believing it. */
must_check int image_check_size(int fd, const char *path, int64_t was, struct err *e);

/* disk_src_extents() of the plain file `fd` by SEEK_DATA and SEEK_HOLE; ERR_IO if it is smaller
 * than `file_size`. */
must_check int image_extents(int fd, const char *path, int64_t file_size, int64_t offset,
    int64_t length, struct extent *ret, size_t max, size_t *ret_count, int64_t *ret_next,
    struct err *e);

/* The virtual size of a fixed VHD: its footer is there, whole, and agrees with the file. */
must_check int vhd_size(int fd, const char *path, int64_t file_size, int64_t *ret, struct err *e);

/* The fields of a qcow2 header that matter here.  `n` bytes at `p` are the file's beginning. */
#define QCOW2_HEADER_MAX 104
must_check int qcow2_header(const uint8_t *p, size_t n, int64_t *ret_size, struct err *e);
bool qcow2_magic(const uint8_t *p, size_t n);

/* Every table and every cluster that the disk is made of begins inside the file, else
 * ERR_CORRUPT.  `head` is QCOW2_HEADER_MAX bytes that qcow2_header() accepted (zeros behind a
 * shorter file's end), `size` what it returned. */
must_check int qcow2_check_whole(int fd, const char *path, const uint8_t *head, int64_t size,
    int64_t file_size, struct err *e);

/* Read a qcow2's header: QCOW2_HEADER_MAX bytes, zeros behind the end of a shorter file. */
must_check int qcow2_look(int fd, const char *path, uint8_t *ret_head, int64_t *ret_size,
    struct err *e);

/* The same, and qcow2_check_whole(). */
must_check int qcow2_look_whole(int fd, const char *path, int64_t file_size, int64_t *ret_size,
    struct err *e);

/* Run qemu-img on the file open as `fd`, which must not be locked by us: make it an empty qcow2;
 * free what a crash left allocated and unused, ERR_CORRUPT if that is not all that is wrong. */
must_check int qemu_img_create(int fd, const char *path, int64_t size, struct err *e);
must_check int qemu_img_repair(int fd, const char *path, struct err *e);

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

#endif
