/* crash.h - what the process that is killed tells the one that kills and checks. */
#ifndef TESTS_CRASH_H
#define TESTS_CRASH_H

#include "../unit/vault_kit.h"

enum verb { BACKUP, DELETE, COLLECT, RESTORE, IN_PLACE, VERIFY, VERBS };
enum phase {
	BEGUN,		/* before the call */
	DONE,		/* it returned success: acknowledged */
	REFUSED,	/* it failed, as it may */
	BROKEN,		/* it failed, or succeeded wrongly: `what` says how */
};

struct line {			/* one write() to a file opened with O_APPEND */
	enum phase phase;
	enum verb verb;
	uint32_t op;		/* a new point's name */
	uint32_t point, item;	/* what it is done to */
	struct kit_disk disk;	/* of the point, or of the image */
	char what[512];
};

#define POINTS_MAX 48u
#define ITEMS 4u

enum state { ACKNOWLEDGED, COMING, GOING, GONE };

struct known_point {
	uint32_t op, item;
	enum state state;
	bool is_listed;
	struct kit_disk disk;
};

struct world {
	char dir[512];
	uint8_t key[32];
	int log;
	uint32_t next_op;
	struct known_point points[2 * POINTS_MAX];
	size_t count;
	uint32_t image_point;	/* the image for restores in place is as this point; 0: it is not known */
	struct kit_disk image;
};

struct crash_names {
	char item[16], point[16];
};

static inline struct crash_names names_of(uint32_t item, uint32_t op)
{
	struct crash_names n;

	(void)snprintf(n.item, sizeof(n.item), "vm%u", item);
	(void)snprintf(n.point, sizeof(n.point), "p%u", op);
	return n;
}

/* Work on the vault until killed. */
_Noreturn void child_main(struct world *w, uint64_t seed);

#endif
