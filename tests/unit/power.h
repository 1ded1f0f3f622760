/* power.h - what a directory may hold after a power cut.
 *
 * power_log.c records every change that is made below a directory, and every sync.  power_disk.c
 * makes, of the first so many of these events, a directory as the disk may have it: what was synced
 * is there, of the rest any part. */
#ifndef TESTS_POWER_H
#define TESTS_POWER_H

#include "base/base.h"

enum power_kind {
	POWER_WRITE,	/* data at offset of file `node` */
	POWER_SIZE,	/* file `node` is `offset` bytes long */
	POWER_SYNC,	/* of file `node` */
	POWER_SYNC_DIR,	/* of directory `node` */
	POWER_NAME,	/* `name` in directory `node` is `value` now; 0: it is not there */
	POWER_MARK,	/* power_mark() */
};

struct power_event {
	enum power_kind kind;
	int node, value;
	bool with_next;		/* both halves of a rename */
	char name[80];
	int64_t offset;
	size_t n;
	uint8_t *data;		/* owned */
};

#define POWER_EVENTS 4096u
#define POWER_NODES 1024
#define POWER_ROOT 1

extern struct power_event power_events[POWER_EVENTS];
extern unsigned power_count;
extern bool power_is_dir[POWER_NODES];

void power_record(const char *root);	/* which is there, and empty */
void power_mark(int value);
void power_stop(void);
void power_forget(void);

/* ---- what is on the disk after the first `prefix` events ---- */
struct power_cut {
	unsigned prefix;
	/* In order: as a journal has it, names change in the order in which they did, up to some
	 * moment; any sync makes all before it last, and renames are whole.  Otherwise each name stands for
	 * itself, and only syncing its directory makes it last. */
	bool in_order;
	enum { OLDEST, NEWEST, ANY } names;
	enum { NOTHING, EVERYTHING, BLOCKS } data;	/* of what was not synced */
	/* Syncs from that event on are as if they had been forgotten; 0: none. */
	unsigned forget_dirs_from, forget_files_from;
};

struct power_disk;
struct power_disk *power_disk_new(const struct power_cut *c, uint64_t *rng);
void power_disk_free(struct power_disk *d);
uint64_t power_disk_hash(const struct power_disk *d);	/* of names and bytes */
/* Write it below `root`, which is there, and empty. */
must_check int power_disk_write(const struct power_disk *d, const char *root, struct err *e);

#endif
