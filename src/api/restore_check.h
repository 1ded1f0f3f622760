/* restore_check.h - is a restore request sound, and what does it come to?
 *
 * One checker serves the restore itself, which answers the first problem, and
 * the validate calls, which list them all.  It only reads. */
#ifndef API_RESTORE_CHECK_H
#define API_RESTORE_CHECK_H

#include "api/api.h"

enum restore_kind { RESTORE_DISKS, RESTORE_ORIGINAL, RESTORE_ALTERNATE };

struct restore_input {
	struct db_conn *conn;
	struct arena *arena;
	const struct settings *settings;
	const char *region;	/* where everything must be: the vault's, or its pair's */
	const struct resource *vault, *item, *point;
	const json_t *request;	/* the restore request proper, or NULL */
	const char *path;	/* where in the body it is, for texts: "properties" */
};

#define RESTORE_PROBLEMS_MAX 12
struct restore_problems {
	struct err list[RESTORE_PROBLEMS_MAX];	/* kind, status, code and text */
	unsigned count;
};

struct restore_plan {
	enum restore_kind kind;
	json_t *target;		/* args.target of work.h */
	json_t *bag;		/* what the job shows from its start (propertyBag) */
};
void restore_plan_done(struct restore_plan *p);
#define auto_restore_plan cleanup_with(restore_plan_done)

const char *restore_kind_name(enum restore_kind k);	/* "RestoreDisks", ... */

/* 0: judged; without problems *ret (zeroed before) is filled.  -1: judging failed. */
must_check int restore_check(const struct restore_input *in, struct restore_plan *ret,
    struct restore_problems *problems, struct err *e);

#endif
