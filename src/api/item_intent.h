/* item_intent.h - what the PUT of a protected item asks for.
 *
 * One call does six things, told apart by its members: protect or resume
 * (policyId), change the policy or the disks (the same on an item that
 * exists), stop and keep the data (policyId "" and a stopped state),
 * undelete (isRehydrate). */
#ifndef API_ITEM_INTENT_H
#define API_ITEM_INTENT_H

#include "base/base.h"
#include "json/json.h"

enum item_intent_kind { INTENT_PROTECT, INTENT_STOP, INTENT_UNDELETE };

struct item_intent {
	enum item_intent_kind kind;
	const char *source_id;	/* the VM, or NULL: as the item has it; texts are the body's */
	const char *policy_id;	/* NULL: as the item has it */
	const char *state;	/* INTENT_STOP: "ProtectionStopped" or "BackupsSuspended" */
	bool sets_disks;	/* the selection of disks changes to... */
	const json_t *exclusion;	/* ...this diskExclusionProperties; NULL: every disk */
};

/* `body` is the request's.  ERR_INVALID with BMSUserErrorInvalidConfigureProtectionRequest and
 * the JSON path. */
must_check int item_intent_read(const json_t *body, struct item_intent *ret, struct err *e);

/* Replaces e->msg, which names the cause, by the wire's text followed by the cause; -1. */
int item_intent_refuse(struct err *e);

#endif
