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

/* `skip_tail`: bytes at the file's end that are no disk data (a fixed VHD's footer). */
must_check int raw_src_open(const char *path, int64_t skip_tail, struct disk_src **ret,
    struct err *e);
must_check int qcow2_src_open(const char *path, struct disk_src **ret, struct err *e);

/* ERR_BUSY if a QEMU program has the image open for writing. */
must_check int image_lock_check(int fd, const char *path, struct err *e);

/* The fields of a qcow2 header that matter here.  `n` bytes at `p` are the file's beginning. */
#define QCOW2_HEADER_MAX 104
must_check int qcow2_header(const uint8_t *p, size_t n, int64_t *ret_size, struct err *e);
bool qcow2_magic(const uint8_t *p, size_t n);

#endif
