/* engine.h - the open vault, as the files of this folder share it.
 *
 * Locks, in the order in which they may be taken:
 *   1. vault.collect_mu	one collection at a time
 *   2. vault.verify_mu		one verification of a whole vault at a time
 *   3. vault.writer_mu		while the right to write is asked for
 *   4. vault.refresh_mu	one look at the store for new packs at a time
 *   5. vault.commit_mu		held from "is there a point of that name" to its put
 *   6. a flow's mu, a queue's mu, vault.roots_mu (leaves)
 *   7. vault.index_lock	a leaf: nothing else is taken under it, and no store is asked
 * A session belongs to one caller at a time; while vault_backup_disk() runs,
 * the pack it fills belongs to the writer thread, and full packs to the putter. */
#ifndef VAULT_ENGINE_H
#define VAULT_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "vault/copy.h"
#include "vault/flow.h"
#include "vault/index.h"
#include "vault/pack.h"

struct vault_pack {
	uint8_t id[PACK_ID_SIZE];
	int64_t size;		/* bytes of the object */
	uint32_t count;		/* records that its table names, or that a scan found */
	bool is_gone;		/* removed; its number is not used again */
	bool has_bad_table;	/* its records were found by a scan */
	bool is_inflight;	/* a session is putting it: not yet to be built on, nor collected */
};

struct vault {
	struct object_store *store;
	struct vault_keys keys;
	unsigned chunk_shift;	/* of disks, unless a session says otherwise */
	uint32_t version;
	pthread_mutex_t collect_mu, verify_mu;
	pthread_mutex_t writer_mu;
	_Atomic bool is_writer;	/* set under writer_mu and refresh_mu: this process alone may change the store */
	pthread_mutex_t refresh_mu;
	pthread_mutex_t commit_mu;
	pthread_mutex_t roots_mu;
	vault_peer_fn *peer;		/* guarded by roots_mu, like all up to the index's lock */
	void *peer_arg;
	struct vault_roots *roots;	/* guarded by roots_mu: maps in use by open points */
	bool is_collecting;		/* guarded by roots_mu */
	struct chunk_id *committed;	/* owned; guarded by roots_mu: roots of points committed since
					 * the collection under way began, and their levels */
	unsigned *committed_levels;	/* owned */
	size_t committed_count, committed_cap;
	pthread_rwlock_t index_lock;	/* guards all below */
	struct chunk_index index;	/* only chunks whose pack is durable */
	struct vault_pack *packs;	/* by the numbers in the index, owned */
	size_t pack_count, pack_cap;
	bool has_bad;			/* some chunk is, or was, noted as damaged */
	uint64_t duplicates;		/* records that are not the one the index names */
	unsigned generation;		/* 0 or 1: of sessions that begin now */
	unsigned live[2];		/* sessions under way, by generation */
	unsigned idle_refreshes;	/* in a row, that found nothing new since a point was opened */
	bool has_lost_places;	/* a pack went, and others may hold copies of what the index had there */
};

/* ---- the index ---- */
/* Where a chunk is; false if it is nowhere.  *ret_pack is the pack's id. */
bool vault_find(struct vault *v, const struct chunk_id *id, struct chunk_place *ret,
    uint8_t ret_pack[PACK_ID_SIZE]);

/* As vault_find() for a session of `generation`, which from now on relies on the chunk: it is
 * pinned.  A chunk known to be bad is not found, so that it is stored anew. */
bool vault_use(struct vault *v, const struct chunk_id *id, unsigned generation,
    struct chunk_place *ret);

/* Flags of a chunk; 0 if it is nowhere. */
unsigned vault_flags(struct vault *v, const struct chunk_id *id);
void vault_raise(struct vault *v, const struct chunk_id *id, unsigned flags);

size_t vault_pack_count(struct vault *v);
void vault_pack_get(struct vault *v, size_t number, struct vault_pack *ret);

/* A pack with a number, before it is put: until vault_learn() it is in flight.  *ret_number. */
must_check int vault_pack_begin(struct vault *v, const uint8_t id[PACK_ID_SIZE],
    uint32_t *ret_number, struct err *e);
/* It will not be: whatever of it is in the store is waste. */
void vault_pack_abandon(struct vault *v, uint32_t number);

/* Make the chunks of durable pack `number` known, with `flags`. */
must_check int vault_learn(struct vault *v, uint32_t number, int64_t size,
    const struct pack_entry *t, uint32_t count, unsigned flags, struct err *e);

/* Read the tables of packs that are not known yet, and forget packs that are gone.  Nothing to do
 * for the writer. */
must_check int vault_refresh(struct vault *v, struct err *e);
/* The same once more, and then this is the writer. */
must_check int vault_refresh_to_write(struct vault *v, struct err *e);

/* What a pack's table names, or, where it is damaged, what a scan finds.  malloc'd. */
must_check int vault_pack_entries(struct vault *v, const struct vault_pack *p,
    struct pack_entry **ret, uint32_t *ret_count, struct err *e);

/* ---- the right to write ---- */
/* Taken at the first need and kept until the vault is closed.  ERR_BUSY if another has it. */
must_check int vault_lock_writer(struct vault *v, struct err *e);
bool vault_is_writer(struct vault *v);

/* ---- damage ---- */
/* A chunk was read and is damaged: note it, in the store too if this process may write, so that
 * the next backup that meets the chunk stores it anew. */
void vault_note_bad(struct vault *v, const struct chunk_id *id);
/* The same, in the store in any case: for verification, which others may do for the writer. */
void vault_report_bad(struct vault *v, const struct chunk_id *id);
/* In memory only. */
void vault_raise_bad(struct vault *v, const struct chunk_id *id);
/* It was noted, but can be read where the index says. */
void vault_clear_bad(struct vault *v, const struct chunk_id *id);
/* Heed what was noted in the store, as far as the index names what cannot be read.  Notes stay as
 * long as any pack holds a copy that cannot be read: the index may name that one after a restart. */
must_check int vault_load_bad(struct vault *v, struct err *e);

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
	/* neighbouring records, read at once */
	uint8_t *ahead;		/* owned, AHEAD_MAX; NULL until the first time */
	uint8_t ahead_pack[PACK_ID_SIZE];
	uint32_t ahead_at;
	size_t ahead_n;		/* 0: nothing */
	/* What cannot be read here is asked of the vault's other copy.  Not for who wants to rely on, or
	 * to verify, what is here. */
	bool asks_peer;
	struct chunk_reader *peer;	/* owned; NULL until it is needed */
};
#define AHEAD_MAX ((size_t)2 << 20)

/* If these chunks' records lie near each other in one pack, read them at once: chunk_read() then
 * finds them in memory.  Otherwise, and on any failure, without effect. */
void chunk_prefetch(struct chunk_reader *r, const struct chunk_id *ids, unsigned count);
must_check int chunk_reader_init(struct chunk_reader *r, struct vault *v, struct err *e);
void chunk_reader_done(struct chunk_reader *r);

/* The chunk's plain bytes into `out` (CHUNK_MAX of room), authenticated, its id checked.
 * ERR_CORRUPT names chunk and object.  *ret_pack is its pack's number, UINT32_MAX if it came from
 * the other copy. */
must_check int chunk_read(struct chunk_reader *r, enum record_kind kind,
    const struct chunk_id *id, uint8_t *out, size_t *ret_n, uint32_t *ret_pack, struct err *e);

/* As chunk_read(), from the other copy; damage here is noted.  -1 also if there is none to ask. */
must_check int chunk_read_peer(struct chunk_reader *r, enum record_kind kind,
    const struct chunk_id *id, uint8_t *out, size_t *ret_n, struct err *e);

/* 0 if a record of that id authenticates there; ERR_CORRUPT if not. */
must_check int chunk_probe(struct chunk_reader *r, const struct chunk_id *id,
    const struct chunk_place *at, struct err *e);

/* The chunk lies at `other` too.  If it is relied on and cannot be read where the index says,
 * `other` is its place from now on, provided that it is good. */
must_check int chunk_settle(struct chunk_reader *r, const struct chunk_id *id,
    const struct chunk_place *other, struct err *e);

/* A map node that must be of `level`.  `bytes` is scratch of CHUNK_MAX. */
must_check int node_read(struct chunk_reader *r, const struct chunk_id *id, unsigned level,
    uint8_t *bytes, struct map_node *ret, uint32_t *ret_pack, struct err *e);

/* ---- sessions ---- */
struct pack_slot {		/* a pack being filled, or on its way into the store */
	struct pack_writer writer;
	struct chunk_index pending;	/* its chunks */
};

#define SESSION_SLOTS 2u

struct vault_session {
	struct vault *v;
	char *item;
	unsigned generation;
	unsigned chunk_shift;
	struct pack_slot slots[SESSION_SLOTS];
	struct pack_slot *filling;	/* NULL: none */
	struct flow flow;		/* IDLE and FULL slots; valid while has_putter */
	struct crew putter;
	bool has_putter;
	bool is_broken;			/* a pack was lost: nothing can be committed */
	_Atomic int64_t sample_left;	/* bytes of reused chunks that are still read back */
	uint8_t sample_salt;
	struct point_disk *disks;	/* owned */
	size_t disk_count, disk_cap;
	struct vault_point **bases;	/* owned: open as long as branches of theirs are relied on */
	size_t base_count, base_cap;
};

/* Add a chunk unless vault or session has it: 1 added, 0 known, -1.  `p` is as it
 * is to be sealed. */
must_check int session_add(struct vault_session *s, struct record *r, const void *p, size_t n,
    struct err *e);

/* The same of plain bytes, which are hashed and, unless the vault has them, compressed into `scratch`
 * (`n` bytes of room).  *ret_id and *ret_sealed (bytes that the record takes, 0 if nothing was added) may be
 * NULL. */
must_check int session_add_plain(struct vault_session *s, struct codec *codec,
    enum record_kind kind, const void *p, size_t n, uint8_t *scratch, struct chunk_id *ret_id,
    int64_t *ret_sealed, struct err *e);

/* A chunk that the vault is said to have: may the session rely on it?  Some are read back first. */
bool session_trusts(struct vault_session *s, struct chunk_reader *r, const struct chunk_id *id,
    size_t n, uint8_t *scratch);
/* Keep `p`, which is taken over also on failure, until the session ends. */
must_check int session_keep_base(struct vault_session *s, struct vault_point *p, struct err *e);

/* putter.c: packs on their way into the store */
must_check int putter_slot(struct vault_session *s, struct err *e);	/* s->filling is not NULL then */
must_check int putter_hand_over(struct vault_session *s, struct err *e);	/* s->filling, now NULL */
/* Wait until everything is stored and read back.  Frees the packs' memory. */
must_check int putter_finish(struct vault_session *s, struct err *e);
void putter_done(struct vault_session *s);	/* drop what is not stored */

/* ---- points ---- */
struct vault_roots {		/* what an open point keeps from being collected */
	struct vault_roots *next, **prev;
	const struct point_body *body;	/* NULL: not in the list */
};

struct vault_point {
	struct vault *v;
	struct point_body body;
	json_t *meta;
	struct vault_roots roots;
};
/* "points/<hash of item>/<point>"; `point` NULL: the prefix for all.  ERR_INVALID for a
 * point's name that no object can have. */
#define POINT_NAME_SIZE 256
must_check int point_object_name(struct vault *v, const char *item, const char *point,
    char ret[POINT_NAME_SIZE], struct err *e);
/* ERR_CONFLICT if there is one. */
must_check int point_put(struct vault *v, const struct point_body *b, struct err *e);
/* The same, of an object `name` that was sealed already, in another copy of the vault. */
must_check int point_put_sealed(struct vault *v, const char *name, const struct buf *bytes,
    const struct point_body *b, struct err *e);
const struct point_disk *point_disk(const struct vault_point *p, const char *name);
/* Remove a point's object, and what is known of it: 1, 0 if it was not there, -1. */
must_check int point_remove(struct vault *v, const char *name, struct err *e);
/* Can an object of this name be a point's? */
bool point_object_valid(const char *name);
/* As vault_point_open(), by the object's name.  ERR_NOT_FOUND without words if it is not there. */
must_check int point_open(struct vault *v, const char *object, struct vault_point **ret,
    struct err *e);
/* The point behind an object's name, without its roots being kept.  ERR_NOT_FOUND if the object is
 * not there. */
must_check int point_load(struct vault *v, const char *object, struct vault_point **ret,
    struct err *e);

#endif
