/* format.h - the bytes of a vault's objects, below the seal.
 *
 * docs/format.md describes them.  Every parser here takes untrusted bytes,
 * checks every bound and answers ERR_CORRUPT; none touches a store or a key. */
#ifndef VAULT_FORMAT_H
#define VAULT_FORMAT_H

#include "base/base.h"
#include "base/buf.h"

#define FORMAT_VERSION 1	/* what is written; 0 was the same bytes and is read too */

#define ID_SIZE 32		/* a chunk's id */
#define PACK_ID_SIZE 16
#define VAULT_ID_SIZE 16

/* Chunk sizes are powers of two, one for each disk. */
#define CHUNK_SHIFT_MIN 18
#define CHUNK_SHIFT_MAX 22
#define CHUNK_SHIFT_DEFAULT 18
#define CHUNK_MAX ((size_t)1 << CHUNK_SHIFT_MAX)
#define IO_ALIGN ((size_t)4096)	/* of buffers for chunks: disks are then read and written directly */

/* A disk's grid: how many chunks it has, and how long one is (the last may be shorter). */
static inline uint64_t grid_chunks(int64_t size, unsigned shift)
{
	return ((uint64_t)size + ((uint64_t)1 << shift) - 1) >> shift;
}

static inline size_t grid_length(int64_t size, unsigned shift, uint64_t chunk)
{
	int64_t left = size - (int64_t)(chunk << shift);

	return left < (int64_t)1 << shift ? (size_t)left : (size_t)1 << shift;
}

/* A pack is put once it holds this much, so none is larger than PACK_MAX. */
#define PACK_TARGET ((size_t)32 << 20)
#define PACK_RECORDS_MAX 65536u
#define PACK_MAX (PACK_TARGET + ((size_t)8 << 20))

struct chunk_id {
	uint8_t b[ID_SIZE];
};

/* ---- config ---- */
#define CONFIG_SIZE 96
#define CONFIG_SIGNED 32	/* the key check covers these first bytes */
#define CONFIG_SUMMED 64	/* the checksum these */

struct config {
	uint32_t version;
	uint32_t chunk_shift;
	uint8_t vault_id[VAULT_ID_SIZE];
	uint8_t key_check[32];
	uint8_t sum[32];
};

void config_write(const struct config *c, uint8_t out[CONFIG_SIZE]);
/* ERR_INVALID for a version we do not know. */
must_check int config_parse(const void *p, size_t n, struct config *ret, struct err *e);

/* ---- pack ---- */
#define PACK_HEADER_SIZE 32
#define RECORD_HEADER_SIZE 56
#define PACK_ENTRY_SIZE 48
#define PACK_TRAILER_SIZE 32
#define TABLE_NUMBER 0xffffffffu	/* the table's number among the records */

enum record_kind { RECORD_DATA = 1, RECORD_MAP = 2 };
enum record_codec { CODEC_RAW = 0, CODEC_ZSTD = 1 };

struct record {
	enum record_kind kind;
	enum record_codec codec;
	uint32_t number;	/* its place in the pack, from 0: the nonce */
	uint32_t plain_n;	/* bytes once opened and decompressed */
	uint32_t sealed_n;	/* bytes in the pack, without header and tag */
	struct chunk_id id;
};

struct pack_entry {		/* one line of a pack's table */
	struct chunk_id id;
	uint32_t offset;	/* of the record's header in the pack */
	uint32_t sealed_n;
};

struct pack_trailer {
	uint32_t count;		/* entries in the table */
	uint64_t table_offset;
};

void pack_header_write(const uint8_t id[PACK_ID_SIZE], uint8_t out[PACK_HEADER_SIZE]);
must_check int pack_header_parse(const void *p, size_t n, uint8_t ret_id[PACK_ID_SIZE],
    struct err *e);

void record_write(const struct record *r, uint8_t out[RECORD_HEADER_SIZE]);
must_check int record_parse(const void *p, size_t n, struct record *ret, struct err *e);

void pack_entry_write(const struct pack_entry *t, uint8_t out[PACK_ENTRY_SIZE]);
/* Entries lie between header and table, in order, without a gap. */
must_check int pack_table_parse(const void *p, size_t n, const struct pack_trailer *trailer,
    struct pack_entry **ret, struct err *e);	/* malloc'd, trailer->count of them */

void pack_trailer_write(const struct pack_trailer *t, uint8_t out[PACK_TRAILER_SIZE]);
must_check int pack_trailer_parse(const void *p, size_t n, uint64_t pack_size,
    struct pack_trailer *ret, struct err *e);

/* ---- map node ---- */
#define MAP_FANOUT 512u
#define MAP_SHIFT 9
#define MAP_LEVELS_MAX 5	/* 512^5 chunks of 256 KiB: as many as a disk's size can say */
#define MAP_NODE_MAX (8 + MAP_FANOUT / 8 + MAP_FANOUT * ID_SIZE)

struct map_node {
	unsigned level;		/* 0: the children are data chunks */
	uint8_t used[MAP_FANOUT / 8];	/* bit set: a child; clear: a hole */
	struct chunk_id child[MAP_FANOUT];
};

static inline bool map_node_has(const struct map_node *n, unsigned i)
{
	return (n->used[i / 8] >> (i % 8) & 1) != 0;
}

size_t map_node_write(const struct map_node *n, uint8_t out[MAP_NODE_MAX]); /* bytes used */
must_check int map_node_parse(const void *p, size_t n, struct map_node *ret, struct err *e);

/* ---- point ---- */
#define SEALED_HEADER_SIZE 32
#define POINT_MAX ((size_t)16 << 20)
#define POINT_DISKS_MAX 1024u

struct point_disk {
	char *name;		/* owned */
	int64_t size;		/* virtual bytes */
	int64_t data;		/* bytes in chunks, not in holes */
	unsigned chunk_shift;
	unsigned levels;	/* of its map tree; 0: all hole */
	struct chunk_id root;
};

struct point_body {		/* what is sealed */
	char *item, *name;	/* owned, like all below */
	char *meta;		/* JSON text */
	struct point_disk *disks;
	size_t disk_count;
};
void point_body_done(struct point_body *b);
#define auto_point_body cleanup_with(point_body_done)

/* The header of a sealed object; `magic` is 8 bytes, `what` names the kind in errors. */
void sealed_header_write(const char magic[8], const uint8_t salt[16],
    uint8_t out[SEALED_HEADER_SIZE]);
must_check int sealed_header_parse(const char magic[8], const char *what, const void *p, size_t n,
    uint8_t ret_salt[16], struct err *e);

must_check int point_body_write(const struct point_body *b, struct buf *out, struct err *e);
/* *ret must be zeroed; on failure it is zeroed again. */
must_check int point_body_parse(const void *p, size_t n, struct point_body *ret, struct err *e);

/* Levels of the map tree of a disk of `size` bytes that is not all hole. */
unsigned map_levels(int64_t size, unsigned chunk_shift);

#endif
