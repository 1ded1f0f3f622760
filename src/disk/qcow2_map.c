/* qcow2_map.c - does a qcow2 file hold all that its tables name?
 *
 * QEMU reads what lies behind the end of a file as zeros, so that an image that was cut short
 * would be backed up as a good one with zeros in it.  Source of the tables' layout: QEMU's
 * docs/interop/qcow2.txt. */
#include "disk/internal.h"

#include "base/fs.h"

#define L1_ENTRIES_MAX (4u << 20)		/* QEMU takes no more either */
#define OFFSET_BITS UINT64_C(0x00fffffffffffe00)
#define COMPRESSED (UINT64_C(1) << 62)
#define READS_AS_ZEROS 1u
#define INCOMPATIBLE_EXTENDED_L2 16u

struct map {
	int fd;
	const char *path;
	int64_t file_size;
	uint32_t cluster_bits;
	uint32_t cluster_size;
	bool has_subclusters;	/* then entries are 16 bytes, the second half a bitmap */
	uint64_t l1_offset, l1_count;	/* the part of the L1 table that the disk needs */
};

static int cut_short(const struct map *m, const char *what, uint64_t offset, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "disk image '%s' is cut short: %s at %llu, but it ends at %lld",
	    m->path, what, (unsigned long long)offset, (long long)m->file_size);
}

static bool fits(const struct map *m, uint64_t offset, uint64_t length)
{
	uint64_t end = (uint64_t)m->file_size;

	return offset <= end && length <= end - offset;
}

static int read_layout(struct map *m, const uint8_t *head, int64_t size, struct err *e)
{
	uint64_t per_table;

	m->cluster_bits = get_be32(head + 20);
	m->cluster_size = 1u << m->cluster_bits;
	m->has_subclusters = get_be32(head + 4) == 3 &&
	    (get_be64(head + 72) & INCOMPATIBLE_EXTENDED_L2) != 0;
	per_table = m->cluster_size / (m->has_subclusters ? 16 : 8) * (uint64_t)m->cluster_size;
	m->l1_count = ((uint64_t)size + per_table - 1) / per_table;
	m->l1_offset = get_be64(head + 40);
	if (m->l1_count > get_be32(head + 36) || m->l1_count > L1_ENTRIES_MAX)
		return err_set(e, ERR_CORRUPT, "disk image '%s': its first table has %u entries, but the "
		    "disk needs %llu", m->path, get_be32(head + 36), (unsigned long long)m->l1_count);
	if (!fits(m, m->l1_offset, m->l1_count * 8))
		return cut_short(m, "its first table is", m->l1_offset, e);
	return 0;
}

/* Where the data of an entry begins in the file; 0 if it has none there.  A last cluster need
 * not be there to its end: QEMU writes files that stop where the zeros begin. */
static uint64_t data_offset(const struct map *m, const uint8_t *entry)
{
	uint64_t v = get_be64(entry);

	if ((v & COMPRESSED) != 0)
		return v & ((UINT64_C(1) << (62 - (m->cluster_bits - 8))) - 1);
	if (m->has_subclusters ? get_be32(entry + 12) == 0 : (v & READS_AS_ZEROS) != 0)
		return 0;
	return v & OFFSET_BITS;
}

static int check_table(const struct map *m, uint64_t offset, uint8_t *table, struct err *e)
{
	uint32_t step = m->has_subclusters ? 16 : 8;

	if (!fits(m, offset, m->cluster_size))
		return cut_short(m, "a table is", offset, e);
	if (fs_pread_full(m->fd, table, m->cluster_size, (int64_t)offset, m->path, e) != 0)
		return -1;
	for (uint32_t i = 0; i < m->cluster_size; i += step) {
		uint64_t data = data_offset(m, table + i);

		if (data != 0 && !fits(m, data, 1))
			return cut_short(m, "data is", data, e);
	}
	return 0;
}

int qcow2_check_whole(int fd, const char *path, const uint8_t *head, int64_t size,
    int64_t file_size, struct err *e)
{
	struct map m = { .fd = fd, .path = path, .file_size = file_size };
	auto_free uint8_t *l1 = NULL, *table = NULL;
	uint64_t tables = 0;

	if (read_layout(&m, head, size, e) != 0)
		return -1;
	l1 = malloc(m.l1_count * 8 + 1);
	table = malloc(m.cluster_size);
	if (l1 == NULL || table == NULL)
		return err_nomem(e);
	if (fs_pread_full(fd, l1, m.l1_count * 8, (int64_t)m.l1_offset, path, e) != 0)
		return -1;
	for (uint64_t i = 0; i < m.l1_count; i++) {
		uint64_t offset = get_be64(l1 + i * 8) & OFFSET_BITS;

		if (offset == 0)
			continue;
		/* more tables than fit into the file: some are the same one, again and again */
		if (++tables > (uint64_t)file_size / m.cluster_size)
			return err_set(e, ERR_CORRUPT, "disk image '%s': its tables overlap", path);
		if (check_table(&m, offset, table, e) != 0)
			return -1;
	}
	return 0;
}
