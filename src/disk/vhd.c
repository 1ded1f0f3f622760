/* vhd.c - the footer of a fixed VHD.
 * Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0. */
#include "disk/internal.h"

#include "base/fs.h"

#define FOOTER_SIZE 512
#define TYPE_FIXED 2
#define MIB (1024LL * 1024)
#define EPOCH_2000 946684800LL	/* seconds from 1970 to 2000 */

int64_t disk_vhd_size(int64_t bytes)
{
	return (bytes + MIB - 1) / MIB * MIB;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

/* The specification's "CHS Calculation": cylinders, heads, sectors per track. */
static uint32_t geometry(int64_t size)
{
	int64_t sectors = size / 512, per_track, heads, tracks;

	if (sectors > 65535LL * 16 * 255)
		sectors = 65535LL * 16 * 255;
	if (sectors >= 65535LL * 16 * 63) {
		per_track = 255;
		heads = 16;
		tracks = sectors / per_track;
	} else {
		per_track = 17;
		tracks = sectors / per_track;
		heads = (tracks + 1023) / 1024;
		if (heads < 4)
			heads = 4;
		if (tracks >= heads * 1024 || heads > 16) {
			per_track = 31;
			heads = 16;
			tracks = sectors / per_track;
		}
		if (tracks >= heads * 1024) {
			per_track = 63;
			heads = 16;
			tracks = sectors / per_track;
		}
	}
	return (uint32_t)(tracks / heads) << 16 | (uint32_t)heads << 8 | (uint32_t)per_track;
}

/* One's complement of the sum of all bytes but the four of the checksum. */
static uint32_t checksum(const uint8_t footer[FOOTER_SIZE])
{
	uint32_t sum = 0;

	for (int i = 0; i < FOOTER_SIZE; i++)
		if (i < 64 || i >= 68)
			sum += footer[i];
	return ~sum;
}

void disk_vhd_footer(int64_t size, int64_t t_us, const uint8_t unique_id[16], uint8_t ret[512])
{
	memset(ret, 0, FOOTER_SIZE);
	memcpy(ret, "conectix", 8);
	put32(ret + 8, 2);			/* features: reserved, always set */
	put32(ret + 12, 0x00010000);		/* format version */
	put64(ret + 16, UINT64_MAX);		/* data offset: none for fixed disks */
	put32(ret + 24, (uint32_t)(t_us / 1000000 - EPOCH_2000));
	memcpy(ret + 28, "win ", 4);		/* readers then trust the size, not the geometry */
	put32(ret + 32, 0x000a0000);
	memcpy(ret + 36, "Wi2k", 4);
	put64(ret + 40, (uint64_t)size);	/* original size */
	put64(ret + 48, (uint64_t)size);	/* current size */
	put32(ret + 56, geometry(size));
	put32(ret + 60, TYPE_FIXED);
	memcpy(ret + 68, unique_id, 16);
	put32(ret + 64, checksum(ret));
}

int vhd_size(int fd, const char *path, int64_t file_size, int64_t *ret, struct err *e)
{
	uint8_t footer[FOOTER_SIZE];
	int64_t size = file_size - FOOTER_SIZE;

	if (size < 0)
		return err_set(e, ERR_INVALID, "disk image '%s' is too short for a vhd", path);
	if (fs_pread_full(fd, footer, sizeof(footer), size, path, e) != 0)
		return -1;
	if (memcmp(footer, "conectix", 8) != 0 || get_be32(footer + 64) != checksum(footer))
		return err_set(e, ERR_INVALID, "disk image '%s' does not end with a vhd's footer", path);
	if (get_be32(footer + 60) != TYPE_FIXED)
		return err_set(e, ERR_INVALID, "disk image '%s' is not a fixed vhd", path);
	if (get_be64(footer + 48) != (uint64_t)size)
		return err_set(e, ERR_INVALID,
		    "disk image '%s' has %lld bytes of data, but its footer says %llu", path,
		    (long long)size, (unsigned long long)get_be64(footer + 48));
	*ret = size;
	return 0;
}
