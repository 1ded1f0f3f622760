/* fuzz_qcow2.c - the qcow2 header and tables, which a guest's owner may have written. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[QCOW2_HEADER_MAX] = { 0 };
	int64_t virtual_size = -1;
	struct err e;

	if (qcow2_header(data, size, &virtual_size, &e) != 0)
		return 0;
	if (virtual_size < 0)
		abort();
	auto_close int fd = memfd_create("image", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	memcpy(head, data, size < sizeof(head) ? size : sizeof(head));
	/* the file is there whole, so that all it may say is that the image is corrupt */
	if (qcow2_check_whole(fd, "image", head, virtual_size, (int64_t)size, &e) != 0 &&
	    e.kind != ERR_CORRUPT)
		abort();
	return 0;
}
