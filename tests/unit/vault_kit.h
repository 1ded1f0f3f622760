/* vault_kit.h - disks whose content follows from a few numbers, into a vault and out of it.
 *
 * A disk is blocks of 64 KiB (four to a chunk of the smallest size), each filled as its stamp says,
 * 0 being zeros.  So what a point must hold can be kept, logged and compared without the bytes.
 * Nothing here asserts: every function tells what is wrong in *e. */
#ifndef TESTS_VAULT_KIT_H
#define TESTS_VAULT_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "vault/vault.h"

#define KIT_BLOCK ((size_t)65536)
#define KIT_BLOCKS 640u

struct kit_disk {
	uint32_t blocks;
	uint32_t short_by;	/* bytes that the last block lacks: a multiple of 512 */
	uint32_t stamp[KIT_BLOCKS];
};

static inline uint64_t kit_rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * 0x2545f4914f6cdd1dULL;
}

/* Some number below `n`. */
static inline uint32_t kit_pick(uint64_t *s, uint32_t n)
{
	return (uint32_t)(kit_rnd(s) >> 32) % n;
}

static inline int64_t kit_size(const struct kit_disk *d)
{
	return (int64_t)d->blocks * (int64_t)KIT_BLOCK - d->short_by;
}

static inline size_t kit_block_size(const struct kit_disk *d, uint32_t i)
{
	return i + 1 == d->blocks ? KIT_BLOCK - d->short_by : KIT_BLOCK;
}

/* Odd stamps are noise, even ones text, 0 is zeros. */
static inline void kit_fill(uint32_t stamp, uint8_t p[KIT_BLOCK])
{
	uint64_t s = (uint64_t)stamp * 0x9e3779b97f4a7c15ULL | 1;

	if (stamp % 2 == 0)
		memset(p, stamp == 0 ? 0 : 'a' + (int)(stamp % 26), KIT_BLOCK);
	for (size_t i = 0; stamp != 0 && i < KIT_BLOCK; i += stamp % 2 == 0 ? 4096 : 8) {
		uint64_t x = kit_rnd(&s);

		memcpy(p + i, &x, sizeof(x));
	}
}

static inline uint32_t kit_stamp(uint64_t *s, unsigned noise_percent)
{
	uint32_t x = ((uint32_t)(kit_rnd(s) >> 32) & ~1u) | 2u;

	return kit_pick(s, 100) < noise_percent ? x | 1u : x;
}

/* `hole_percent` of it in holes. */
static inline void kit_random(uint64_t *s, struct kit_disk *d, uint32_t blocks,
    unsigned hole_percent, unsigned noise_percent)
{
	*d = (struct kit_disk){ .blocks = blocks };
	for (uint32_t i = 0; i < blocks; i++)
		d->stamp[i] = kit_pick(s, 100) < hole_percent ? 0 : kit_stamp(s, noise_percent);
}

/* Write to `changes` blocks anew, one in eight is cleared; tells what is dirty in `ret`, which has
 * room for as many. */
static inline size_t kit_change(uint64_t *s, struct kit_disk *d, uint32_t changes,
    struct extent *ret)
{
	bool dirty[KIT_BLOCKS] = { false };
	size_t n = 0;

	for (uint32_t i = 0; i < changes && d->blocks > 0; i++) {
		uint32_t at = kit_pick(s, d->blocks);

		dirty[at] = true;
		d->stamp[at] = kit_pick(s, 8) == 0 ? 0 : kit_stamp(s, 60);
	}
	for (uint32_t i = 0; i < d->blocks; i++)
		if (dirty[i])
			ret[n++] = (struct extent){ (int64_t)i * (int64_t)KIT_BLOCK,
				(int64_t)kit_block_size(d, i) };
	return n;
}

/* ---- images ---- */
static inline int kit_write(const char *path, const struct kit_disk *d, struct err *e)
{
	auto_close int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	auto_free uint8_t *p = malloc(KIT_BLOCK);

	if (fd < 0 || p == NULL || ftruncate(fd, kit_size(d)) != 0)
		return err_sys(e, errno, "making the image '%s'", path);
	for (uint32_t i = 0; i < d->blocks; i++) {
		if (d->stamp[i] == 0)
			continue;
		kit_fill(d->stamp[i], p);
		if (fs_pwrite_full(fd, p, kit_block_size(d, i), (int64_t)i * (int64_t)KIT_BLOCK,
			path, e) != 0)
			return -1;
	}
	return 0;
}

static inline int kit_same(const char *path, const struct kit_disk *d, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free uint8_t *want = malloc(KIT_BLOCK), *got = malloc(KIT_BLOCK);

	if (fd < 0 || want == NULL || got == NULL)
		return err_sys(e, errno, "opening '%s'", path);
	if (lseek(fd, 0, SEEK_END) != kit_size(d))
		return err_set(e, ERR_BUG, "'%s' has %lld bytes instead of %lld", path,
		    (long long)lseek(fd, 0, SEEK_END), (long long)kit_size(d));
	for (uint32_t i = 0; i < d->blocks; i++) {
		size_t n = kit_block_size(d, i);

		kit_fill(d->stamp[i], want);
		if (fs_pread_full(fd, got, n, (int64_t)i * (int64_t)KIT_BLOCK, path, e) != 0)
			return -1;
		if (memcmp(got, want, n) != 0)
			return err_set(e, ERR_BUG, "'%s' has other bytes in block %u of %u", path, i,
			    d->blocks);
	}
	return 0;
}

/* ---- vaults ---- */
static inline int kit_open(const char *store, const uint8_t key[32], bool create,
    struct vault **ret, struct err *e)
{
	struct object_store *s;

	if (object_dir_open(store, create, &s, e) != 0)
		return -1;
	if (!create)
		return vault_open(s, key, ret, e);
	if (vault_create(s, key, e) != 0) {
		object_close(s);
		return -1;
	}
	return vault_open(s, key, ret, e);
}

/* The image at `path` becomes the disk "d" of a new point. */
static inline int kit_backup(struct vault *v, const char *item, const char *point,
    const char *path, const struct vault_base *base, size_t chunk, struct err *e)
{
	auto_json json_t *meta = json_pack("{s:s}", "made", point);
	struct vault_session *s = NULL;
	struct disk_src *src = NULL;
	struct vault_disk_stats st;
	int r = meta == NULL ? err_nomem(e) : vault_session_begin(v, item, &s, e);

	if (r == 0)
		r = disk_src_open(path, DISK_RAW, &src, e);
	if (r == 0 && base == NULL)
		r = vault_session_chunk_size(s, chunk, e);
	if (r == 0)
		r = vault_backup_disk_since(s, "d", src, base, NULL, &st, e);
	if (r == 0)
		r = vault_session_commit(s, point, meta, e);
	disk_src_close(src);
	vault_session_end(s);
	return r;
}

static inline int kit_restore_sink(struct vault_point *p, struct disk_sink **sink, bool in_place,
    const struct vault_base *known, struct err *e)
{
	struct vault_in_place_stats st = { 0 };
	int64_t durable = 0;

	return in_place ?
	    vault_restore_in_place(p, "d", *sink, known, 0, &durable, NULL, &st, e) :
	    vault_restore_disk(p, "d", *sink, 0, &durable, NULL, e);
}

/* Into a new image (an old one at `path` is removed), or into the one that is there. */
static inline int kit_restore(struct vault *v, const char *item, const char *point,
    const char *path, bool in_place, const struct vault_base *known, struct err *e)
{
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	int r = vault_point_open(v, item, point, &p, e);

	if (!in_place)
		(void)unlink(path);
	if (r == 0)
		r = in_place ? disk_sink_open(path, DISK_RAW, &sink, e) :
		    disk_sink_create(path, DISK_RAW, vault_point_disk_size(p, "d"), &sink, e);
	if (r == 0)
		r = kit_restore_sink(p, &sink, in_place, known, e);
	if (r == 0)
		r = disk_sink_finish(&sink, e);
	disk_sink_close(sink);
	vault_point_close(p);
	return r;
}

static inline int kit_verify(struct vault *v, const char *item, const char *point, struct err *e)
{
	struct vault_point *p;
	int r;

	if (vault_point_open(v, item, point, &p, e) != 0)
		return -1;
	r = vault_verify_point(p, NULL, e);
	vault_point_close(p);
	return r;
}

/* The point restores, byte for byte. */
static inline int kit_check(struct vault *v, const char *item, const char *point,
    const struct kit_disk *d, const char *path, struct err *e)
{
	if (kit_restore(v, item, point, path, false, NULL, e) != 0 || kit_same(path, d, e) != 0)
		return err_in(e, "point '%s' of '%s'", point, item);
	return 0;
}

#endif
