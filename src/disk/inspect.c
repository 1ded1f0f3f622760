/* inspect.c - what an image file is, without believing more of it than must be.
 * Source of the qcow2 header: QEMU's docs/interop/qcow2.txt. */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define INCOMPATIBLE_DIRTY 1u
#define INCOMPATIBLE_CORRUPT 2u
#define INCOMPATIBLE_DATA_FILE 4u
#define INCOMPATIBLE_KNOWN 0x1fu

bool qcow2_magic(const uint8_t *p, size_t n)
{
	return n >= 4 && memcmp(p, "QFI\xfb", 4) == 0;
}

int qcow2_header(const uint8_t *p, size_t n, int64_t *ret_size, struct err *e)
{
	uint32_t version, cluster_bits;
	uint64_t size, features;

	if (!qcow2_magic(p, n) || n < 72)
		return err_set(e, ERR_INVALID, "it has no qcow2 header");
	version = get_be32(p + 4);
	if (version != 2 && version != 3)
		return err_set(e, ERR_INVALID, "qcow2 version %u is not known", version);
	if (get_be64(p + 8) != 0 || get_be32(p + 16) != 0)
		return err_set(e, ERR_INVALID,
		    "it has a backing file: flatten it first (qemu-img convert)");
	cluster_bits = get_be32(p + 20);
	if (cluster_bits < 9 || cluster_bits > 21)
		return err_set(e, ERR_INVALID, "cluster_bits %u is out of range", cluster_bits);
	size = get_be64(p + 24);
	if (size > INT64_MAX / 2)
		return err_set(e, ERR_INVALID, "its virtual size is out of range");
	if (get_be32(p + 32) != 0)
		return err_set(e, ERR_INVALID, "it is encrypted inside (method %u)", get_be32(p + 32));
	if (version == 3) {
		if (n < QCOW2_HEADER_MAX)
			return err_set(e, ERR_INVALID, "its header is cut short");
		features = get_be64(p + 72);
		if ((features & INCOMPATIBLE_DATA_FILE) != 0)
			return err_set(e, ERR_INVALID, "it keeps its data in another file");
		if ((features & INCOMPATIBLE_CORRUPT) != 0)
			return err_set(e, ERR_INVALID, "it is marked corrupt (qemu-img check -r)");
		if ((features & ~(uint64_t)INCOMPATIBLE_KNOWN) != 0)
			return err_set(e, ERR_INVALID, "it needs features that are not known here");
	}
	*ret_size = (int64_t)size;
	return 0;
}

int disk_inspect(const char *path, const enum disk_format *stated, struct disk_info *ret,
    struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t head[QCOW2_HEADER_MAX];
	struct disk_info info;
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "opening disk image '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "disk image '%s' is not a regular file", path);
	got = pread(fd, head, sizeof(head), 0);
	if (got < 0)
		return err_sys(e, errno, "reading disk image '%s'", path);
	info = (struct disk_info){ DISK_RAW, st.st_size, (int64_t)st.st_blocks * 512 };
	if (stated != NULL)
		info.format = *stated;
	else if (qcow2_magic(head, (size_t)got))
		info.format = DISK_QCOW2;
	if (info.format == DISK_QCOW2 &&
	    qcow2_header(head, (size_t)got, &info.virtual_size, e) != 0)
		return err_in(e, "disk image '%s'", path);
	if (info.format == DISK_VHD && vhd_size(fd, path, st.st_size, &info.virtual_size, e) != 0)
		return -1;
	if (info.virtual_size <= 0)
		return err_set(e, ERR_INVALID, "disk image '%s' is empty", path);
	*ret = info;
	return 0;
}
