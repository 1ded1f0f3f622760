/* pairing.h - what one of two paired servers tells the other about itself.
 *
 * A file of `holdfast region export`, one JSON document:
 *   {"version":2,"region":"eastus","pair":"westus","server":"https://…",
 *    "tenant":…,"subscription":…,"keys":[public keys of its tokens, as in a JWKS],
 *    "secrets":{"pairKey":hex,"administrator":{"clientId":…,"clientSecret":…},
 *     "principals":[{"clientId":…,"objectId":…,"name":…,"role":…,"credentials":[{"id":…,
 *      "kind":…,"createdUs":…,"expiresUs":…, and texts of its kind as in the database}]}]}}
 * Secrets are for the first pairing, when the other server is made, and to take principals over. */
#ifndef CLI_PAIRING_H
#define CLI_PAIRING_H

#include <limits.h>

#include "base/codec.h"
#include "json/json.h"
#include "model/credential.h"
#include "model/principal.h"
#include "work/settings.h"

#define PAIRING_REGION_SIZE 48

struct pairing {
	char region[PAIRING_REGION_SIZE];	/* that the server has */
	char pair[PAIRING_REGION_SIZE];		/* its pair there, "" for none */
	char server[SERVER_URL_SIZE];
	char tenant[40], subscription[40];	/* GUIDs */
	json_t *keys;			/* an array: public members only */
	bool has_secrets;		/* what follows is there */
	uint8_t pair_key[32];
	char admin[GUID_SIZE];		/* client id of the administrator, one of the principals */
	char admin_secret[256];		/* as it is typed */
	struct principal *principals;
	size_t count;
	struct credential *credentials;	/* of all principals */
	size_t credential_count;
};

void pairing_done(struct pairing *p);	/* wipes secrets; zeroed storage is fine */
#define auto_pairing cleanup_with(pairing_done)

/* Fill a zeroed *ret from a file ("-": standard input).  ERR_INVALID names file and member. */
must_check int pairing_load(const char *file, struct pairing *ret, struct err *e);
/* Same from a text. */
must_check int pairing_parse(struct str text, struct pairing *ret, struct err *e);

/* The document; new reference. */
must_check int pairing_json(const struct pairing *p, json_t **ret, struct err *e);

/* Its principals come into the database, each with exactly the credentials that it has there
 * and the role assignments that it has here; others that the database has stay. */
must_check int pairing_put_principals(const struct pairing *p, struct db_conn *c, struct err *e);

/* Keep its public keys as DIR/keys/peers/REGION.json, a JWKS, whole or not at all. */
must_check int pairing_keep_keys(const struct pairing *p, const char *dir, struct err *e);

#endif
