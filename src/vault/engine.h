/* engine.h - the open vault, as the files of this folder share it.
 *
 * Locks, in the order in which they may be taken:
 *   1. vault.commit_mu	held from "is there a point of that name" to its put
 *   2. a flow's mu, a queue's mu (leaves)
 *   3. vault.index_lock	a leaf: nothing else is taken under it, and no store is asked
 * A session belongs to one caller at a time; while vault_backup_disk() runs,
 * its pack writer belongs to the writer thread. */
#ifndef VAULT_ENGINE_H
#define VAULT_ENGINE_H

#include <pthread.h>

#include "vault/index.h"
#include "vault/pack.h"
#include "vault/vault.h"

struct vault {
	struct object_store *store;
	struct vault_keys keys;
	pthread_mutex_t commit_mu;
	pthread_rwlock_t index_lock;	/* guards all below */
	struct chunk_index index;	/* only chunks whose pack is durable */
	uint8_t (*packs)[PACK_ID_SIZE];	/* by the numbers in the index, owned */
	size_t pack_count, pack_cap;
};

/* 1 and *ret with the pack's id, or 0. */
bool vault_find(struct vault *v, const struct chunk_id *id, struct chunk_place *ret,
    uint8_t ret_pack[PACK_ID_SIZE]);
size_t vault_pack_count(struct vault *v);
void vault_pack_id(struct vault *v, size_t number, uint8_t ret[PACK_ID_SIZE]);

/* Make the chunks of a durable pack known. */
must_check int vault_learn(struct vault *v, const uint8_t pack[PACK_ID_SIZE],
    const struct pack_entry *t, uint32_t count, struct err *e);

/* Read every pack's table into the index. */
must_check int vault_load(struct vault *v, struct err *e);

/* Check header, table and trailer of a pack that should be there. */
must_check int vault_check_frame(struct vault *v, const uint8_t pack[PACK_ID_SIZE],
    struct err *e);
/* Read a whole pack back and authenticate it, record by record. */
must_check int vault_check_pack(struct vault *v, const uint8_t pack[PACK_ID_SIZE],
    struct err *e);

/* ---- reading chunks: the tools of one thread ---- */
struct chunk_reader {		/* zeroed storage is fine for _done */
	struct vault *v;
	struct codec *codec;
	struct aead *aead;	/* of the pack read last */
	uint8_t aead_pack[PACK_ID_SIZE];
	uint8_t *sealed;	/* owned: one record */
};
must_check int chunk_reader_init(struct chunk_reader *r, struct vault *v, struct err *e);
void chunk_reader_done(struct chunk_reader *r);

/* The chunk's plain bytes into `out` (CHUNK_SIZE of room), authenticated, its id checked.
 * ERR_CORRUPT names chunk and object.  *ret_pack is its pack's number. */
must_check int chunk_read(struct chunk_reader *r, enum record_kind kind,
    const struct chunk_id *id, uint8_t *out, size_t *ret_n, uint32_t *ret_pack, struct err *e);

/* ---- sessions ---- */
struct vault_session {
	struct vault *v;
	char *item;
	struct pack_writer writer;
	struct chunk_index pending;	/* chunks in the writer's pack: not yet durable */
	uint8_t (*packs)[PACK_ID_SIZE];	/* put by this session, owned */
	size_t pack_count, pack_cap;
	struct point_disk *disks;	/* owned */
	size_t disk_count, disk_cap;
	bool broken;		/* a pack was lost: nothing can be committed */
};

/* Add a chunk unless vault or session has it: 1 added, 0 known, -1.  `p` is as it
 * is to be sealed. */
must_check int session_add(struct vault_session *s, struct record *r, const void *p, size_t n,
    struct err *e);
must_check int session_flush(struct vault_session *s, struct err *e);

/* ---- points ---- */
struct vault_point {
	struct vault *v;
	struct point_body body;
	json_t *meta;
};
/* "points/<hash of item>/<point>"; `point` NULL: the prefix for all.  ERR_INVALID for a
 * point's name that no object can have. */
#define POINT_NAME_SIZE 256
must_check int point_object_name(struct vault *v, const char *item, const char *point,
    char ret[POINT_NAME_SIZE], struct err *e);
/* ERR_CONFLICT if there is one. */
must_check int point_put(struct vault *v, const struct point_body *b, struct err *e);
const struct point_disk *point_disk(const struct vault_point *p, const char *name);

#endif
