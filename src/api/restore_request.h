/* restore_request.h - the checker's state, and the parts of it that need no database. */
#ifndef API_RESTORE_REQUEST_H
#define API_RESTORE_REQUEST_H

#include "api/restore_check.h"

struct check {
	const struct restore_input *in;
	struct restore_problems *problems;
	enum restore_kind kind;
	json_t *target;		/* being filled */
	/* for the property bag */
	const char *account_name, *group_name, *vm_name, *vnet_group, *vnet_name;
};

/* Adds a problem, answered as HTTP 400; always 0.  check_input() is for members that are wrong by
 * themselves: the wire's text for bad input comes first, then the cause. */
int check_problem(struct check *k, const char *code, const char *fmt, ...) printf_like(3, 4);
int check_input(struct check *k, const char *fmt, ...) printf_like(2, 3);

/* A text member of the request; NULL if it is absent, null or "". */
const char *check_text(const struct check *k, const char *path);

/* The request is an object, its members have the right types, and it asks for something that
 * can be done with the point as it is.  Adds problems. */
void check_request(struct check *k);

/* Members that name what is backed up and where: recoveryPointId, sourceResourceId, region. */
void check_source(struct check *k);

/* restoreDiskLunList against the point; sets target.luns. */
must_check int check_luns(struct check *k, struct err *e);

/* recoveryPointRehydrationInfo, which a point in the archive tier needs; sets
 * target.rehydration. */
must_check int check_rehydration(struct check *k, struct err *e);

#endif
