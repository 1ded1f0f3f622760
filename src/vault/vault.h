/* vault.h - the chunk store behind one Recovery Services vault.
 *
 * A vault is one prefix of an object store: sealed chunks, and one small
 * sealed object per recovery point.  From the prefix and its key alone every
 * point can be listed and restored.  Writing a point's object is the commit:
 * before it there is only garbage, never half a point.
 *
 * Nothing here knows about Azure: an item is an opaque text, a point a name
 * unique within its item ([A-Za-z0-9._-], at most 128 characters, neither "."
 * nor "..").  Thread-safe: many sessions and restores may run at once on one open vault.
 *
 * Among processes one may write: whoever first begins a backup, removes a point or collects holds
 * the vault until it closes it, and everybody else who wants to is told ERR_BUSY.  Reading is free
 * to all. */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include "base/base.h"
#include "disk/disk.h"
#include "json/json.h"
#include "object/object.h"

struct vault;

/* Make an empty vault in `store` under its key.  ERR_CONFLICT if there is one. */
must_check int vault_create(struct object_store *store, const uint8_t key[32], struct err *e);

/* Takes `store` over (also on failure).  ERR_DENIED "wrong key" if the key is not this vault's. */
must_check int vault_open(struct object_store *store, const uint8_t key[32], struct vault **ret,
    struct err *e);
void vault_close(struct vault *v);

/* What a long operation tells and asks on its way.  Called often, from one
 * thread at a time; must be quick.  Returning true cancels the operation,
 * which then fails with ERR_CANCELLED. */
struct vault_progress {
	bool (*tick)(void *arg, int64_t done_bytes, int64_t total_bytes);
	void *arg;
};

struct vault_disk_stats {
	int64_t virtual_size;	/* bytes */
	int64_t read;		/* bytes read from the source (allocated data) */
	int64_t stored;		/* bytes added to the store, sealed */
	int64_t reused;		/* plain bytes that the vault had already */
};

/* ---- backup: one session makes one point ---- */
struct vault_session;
must_check int vault_session_begin(struct vault *v, const char *item, struct vault_session **ret,
    struct err *e);
/* Drops what was not committed; NULL is fine. */
void vault_session_end(struct vault_session *s);

/* Size of the chunks into which disks are cut from now on: a power of two from 256 KiB to 4 MiB,
 * else ERR_INVALID.  Smaller chunks make incrementals smaller, larger ones the index.  A disk that
 * is backed up since a base keeps the base's. */
must_check int vault_session_chunk_size(struct vault_session *s, size_t bytes, struct err *e);

/* Back up one disk.  `name` is unique in the session.  Disks of one session
 * are backed up one after the other. */
must_check int vault_backup_disk(struct vault_session *s, const char *name, struct disk_src *src,
    const struct vault_progress *progress, struct vault_disk_stats *ret_stats, struct err *e);

/* As vault_backup_disk(), but of a disk that has changed since `point` (of the session's item) only
 * within `dirty` (in order, not overlapping; ends past the disk's are clipped): nothing else is
 * read, and the branches of the map without changes are shared.  The cost is that of what changed.
 * The disk may have grown or shrunk: what it grew by is read.  If the base's map is damaged, the
 * whole disk is.  A NULL base is vault_backup_disk().  ERR_NOT_FOUND if the vault has no such point or
 * disk. */
struct vault_base {
	const char *point, *disk;
	const struct extent *dirty;
	size_t dirty_count;
};
must_check int vault_backup_disk_since(struct vault_session *s, const char *name,
    struct disk_src *src, const struct vault_base *base, const struct vault_progress *progress,
    struct vault_disk_stats *ret_stats, struct err *e);

/* Read back what this session wrote and authenticate it, then write the point
 * object.  `meta` is kept sealed with it and given back by vault_point_open().
 * ERR_CONFLICT if the item has a point of that name already. */
must_check int vault_session_commit(struct vault_session *s, const char *point, const json_t *meta,
    struct err *e);

/* ---- points ---- */
struct vault_point;
must_check int vault_point_open(struct vault *v, const char *item, const char *point,
    struct vault_point **ret, struct err *e);	/* ERR_NOT_FOUND names both */
void vault_point_close(struct vault_point *p);
static inline void vault_point_p(struct vault_point **p)
{
	vault_point_close(*p);
}
#define auto_point cleanup_with(vault_point_p)
const char *vault_point_item(const struct vault_point *p);	/* borrowed, like all below */
const json_t *vault_point_meta(const struct vault_point *p);	/* borrowed */
/* Virtual size of a disk of the point, or -1 if it has no such disk. */
int64_t vault_point_disk_size(const struct vault_point *p, const char *name);
/* The name of disk number `i`; NULL behind the last. */
const char *vault_point_disk_name(const struct vault_point *p, size_t i);
int64_t vault_point_disk_data(const struct vault_point *p, const char *name); /* non-hole bytes */

/* `damage` NULL: a point.  Otherwise an object that should be a point's and is damaged, as *damage
 * says: `point` is then its name in the store, item and meta are NULL. */
typedef int vault_point_fn(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e);
/* Every point of `item` (NULL: of every item), in name order.  Damaged ones do not hide the others. */
must_check int vault_point_list(struct vault *v, const char *item, vault_point_fn *fn, void *arg,
    struct err *e);

/* 1 if it is there (and was removed), 0 if not, -1.  Chunks stay until vault_collect(). */
must_check int vault_point_delete(struct vault *v, const char *item, const char *point,
    struct err *e);

/* The same for one that cannot be read, by the name that vault_point_list() told.  ERR_CONFLICT if it
 * can be read. */
must_check int vault_point_delete_damaged(struct vault *v, const char *object, struct err *e);

/* ---- restore ---- */
/* Write the disk's data to `sink` from byte `from` on (a multiple of the chunk
 * size; 0 from the start); every chunk is authenticated and its id checked,
 * ERR_CORRUPT names the chunk.  Holes are not written.  *io_durable, if not NULL, is
 * advanced to a position up to which everything has been written and synced:
 * where to go on after a crash. */
must_check int vault_restore_disk(struct vault_point *p, const char *name, struct disk_sink *sink,
    int64_t from, int64_t *io_durable, const struct vault_progress *progress, struct err *e);

/* As vault_restore_disk(), into an image of the disk's size that holds something already: only
 * what differs is written, and what the disk does not have is cleared.  With `known` the image is
 * known to be as that disk of that point was, but for the dirty extents; the rest of it is not even
 * read.  Without, everything is read and compared.  Interrupted, the image is neither the one nor the
 * other: go on from *io_durable, or start again without `known`. */
struct vault_in_place_stats {	/* bytes */
	_Atomic int64_t compared, written, cleared;
};
must_check int vault_restore_in_place(struct vault_point *p, const char *name,
    struct disk_sink *sink, const struct vault_base *known, int64_t from, int64_t *io_durable,
    const struct vault_progress *progress, struct vault_in_place_stats *ret_stats, struct err *e);

/* Where disk `name` of point `b` differs from that of `a` (NULL, or without the disk: from an empty
 * one), in order, in whole chunks.  Only branches that differ are read.  ERR_CONFLICT if the two are
 * cut into chunks of different sizes. */
typedef int vault_extent_fn(void *arg, const struct extent *x, struct err *e);
must_check int vault_diff(struct vault_point *a, struct vault_point *b, const char *name,
    vault_extent_fn *fn, void *arg, struct err *e);

/* ---- verification ---- */
/* Read and authenticate every chunk of the point; the first damage ends it. */
must_check int vault_verify_point(struct vault_point *p, const struct vault_progress *progress,
    struct err *e);

/* What a verification of a whole vault found out about one point; kept in the vault. */
struct vault_check {
	int64_t round_us;	/* when that verification began: the same for all its points */
	int64_t at_us;		/* when this was noted */
	bool is_complete;	/* false: it was interrupted at `offset` of disk number `disk` */
	int64_t covered, total;	/* bytes of data */
	int64_t damaged;	/* chunks, map nodes and tables */
	char first[256];	/* the first of them, in words; "" */
	size_t disk;
	int64_t offset;
};

/* As vault_point_fn: with `damage`, `c` is NULL too. */
typedef int vault_check_fn(void *arg, const char *item, const char *point,
    const struct vault_check *c, const struct err *damage, struct err *e);

struct vault_verify_opts {
	int64_t bytes_per_s;	/* plain bytes to read a second at most; 0: no limit */
	bool resume;		/* go on with the newest verification: what it has read is not read again */
	const struct vault_progress *progress;	/* of the point under way; may be NULL */
};

/* Read, authenticate and hash every chunk that any point needs, once, and tell of each point.  Damage
 * does not end it: damaged chunks are noted and stored anew by the next backup that meets them on a
 * live disk.  Beside a writer of another process it is safe.  ERR_BUSY while another one of this
 * open vault runs. */
must_check int vault_verify(struct vault *v, const struct vault_verify_opts *opts,
    vault_check_fn *fn, void *arg, struct err *e);

/* What the last verification noted: 1 and *ret, 0 if there was none, -1. */
must_check int vault_check_get(struct vault *v, const char *item, const char *point,
    struct vault_check *ret, struct err *e);

/* ---- figures ---- */
struct vault_stat {
	uint32_t version;	/* of the format */
	uint8_t id[16];
	size_t chunk_size;	/* of disks that are backed up now */
	int64_t packs, pack_bytes;
	int64_t chunks, chunk_bytes;	/* sealed; of each chunk once */
	int64_t duplicates;	/* records that another one makes superfluous */
	int64_t bad_chunks, bad_tables;
	int64_t points;
	int64_t point_bytes;
};
must_check int vault_stat(struct vault *v, struct vault_stat *ret, struct err *e);

/* ---- collection ---- */
struct vault_collect_opts {
	unsigned compact_percent;	/* packs of which less than this is needed are rewritten;
					 * 0: none, 100: all */
	const struct vault_progress *progress;	/* may be NULL; totals of 0: not known yet */
};

struct vault_collect_stats {
	int64_t points;
	int64_t live_chunks, dead_chunks, missing;	/* missing: needed, but nowhere */
	int64_t live_bytes;		/* sealed */
	int64_t removed_packs, compacted_packs;
	int64_t freed_bytes, rewritten_bytes;
};

/* Remove what no point needs, while backups and restores go on.  Points that are being written or
 * read are safe; a crash or failure at any time loses nothing that is needed.  `opts` NULL: packs
 * are rewritten when less than 70 % of them is needed.  ERR_BUSY while another collection of the
 * vault runs; ERR_CORRUPT names the point whose needs cannot be told, and nothing is removed. */
must_check int vault_collect(struct vault *v, const struct vault_collect_opts *opts,
    struct vault_collect_stats *ret_stats, struct err *e);

#endif
