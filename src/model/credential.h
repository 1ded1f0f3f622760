/* credential.h - what proves a principal: client secrets, certificates, subjects of other issuers.
 *
 * A principal may have several of each kind.  Texts are bounded, so that a row can be kept on the
 * stack; where a member does not belong to the kind it is "". */
#ifndef MODEL_CREDENTIAL_H
#define MODEL_CREDENTIAL_H

#include "base/base.h"
#include "db/db.h"

#define CREDENTIALS_MAX 20	/* of one principal */

enum credential_kind {
	CREDENTIAL_SECRET,
	CREDENTIAL_CERTIFICATE,
	CREDENTIAL_FEDERATED,	/* a subject of another issuer */
};

struct credential {
	char client_id[40];	/* GUID, lower case: the principal's */
	char id[40];		/* GUID, lower case; unique within the principal */
	enum credential_kind kind;
	int64_t created_us;	/* 0: not known */
	int64_t expires_us;	/* 0: never */
	/* secret */
	char hint[8];		/* its first three characters; "": not known */
	char secret[256];	/* secret_hash() */
	/* certificate; base64url */
	char x5t[32], x5t_s256[48];	/* SHA-1 and SHA-256 of its DER */
	char modulus[700], exponent[16];	/* its RSA key */
	/* federated */
	char issuer[320], subject[256], audience[256];
};

struct credentials {
	struct credential *all;
	size_t count;
};
void credentials_done(struct credentials *list);	/* zeroed storage is fine */
#define auto_credentials cleanup_with(credentials_done)

/* "secret", "certificate", "federated". */
const char *credential_kind_name(enum credential_kind kind);
must_check bool credential_kind_find(const char *name, enum credential_kind *ret);

/* The text members that depend on the kind, for whoever stores or sends them. */
struct credential_text {
	const char *name;	/* of the column */
	size_t offset, size;	/* in struct credential; size with the NUL */
};
extern const struct credential_text credential_texts[];	/* ends with name NULL */

/* Add one.  ERR_CONFLICT: the principal has one of that id, or somebody the subject already;
 * ERR_INVALID: the principal has CREDENTIALS_MAX. */
must_check int credential_add(struct db_conn *c, const struct credential *k, struct err *e);

/* All of a principal, the oldest first; fills a zeroed *ret. */
must_check int credentials_load(struct db_conn *c, const char *client_id, struct credentials *ret,
    struct err *e);

/* The federated one of a subject.  1, 0, -1. */
must_check int credential_by_subject(struct db_conn *c, const char *issuer, const char *subject,
    struct credential *ret, struct err *e);

/* Those of the kind but `except` end at `until_us`, unless they end before. */
must_check int credentials_expire(struct db_conn *c, const char *client_id,
    enum credential_kind kind, const char *except, int64_t until_us, struct err *e);

/* All of the principal's. */
must_check int credentials_delete(struct db_conn *c, const char *client_id, struct err *e);

/* 1 if it was there, 0, -1. */
must_check int credential_delete(struct db_conn *c, const char *client_id, const char *id,
    struct err *e);

static inline bool credential_is_over(const struct credential *k, int64_t now_us)
{
	return k->expires_us != 0 && k->expires_us <= now_us;
}

#endif
