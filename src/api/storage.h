/* storage.h - storage accounts: what their other users need. */
#ifndef API_STORAGE_H
#define API_STORAGE_H

#include "api/api.h"

#define STORAGE_KEYS 2

/* The account of that name, in whichever group; names are unique.  1, 0, -1; *ret zeroed. */
must_check int storage_find(struct db_conn *conn, const char *name, struct resource *ret,
    struct err *e);

/* The account's directory in its region (blob.h's root). */
must_check int storage_dir(struct api_call *c, const struct resource *account, const char **ret,
    struct err *e);

/* Remove the directory of an account whose row is gone, and all in it; it stays if there is an
 * account of that name again.  Takes the writer: no transaction may be open. */
must_check int storage_remove_dir(struct api_call *c, const struct resource *account,
    struct err *e);

/* A name that no account may have, because a route starts with it. */
bool storage_name_reserved(const char *name);

/* storage_doc.c: the document of a new account, or the old one changed by a request.
 * `old` NULL for a new one; `replace` false keeps what the request does not name.  *ret is the
 * caller's. */
must_check int storage_document(struct api_call *c, const struct resource *old, bool replace,
    const char *location, json_t **ret, struct err *e);

/* As clients see it, endpoints from the request's Host. */
json_t *storage_json(struct api_call *c, const struct resource *account);

/* A new key in base64, put at `index` of internal.keys. */
must_check int storage_new_key(json_t *body, size_t index, struct err *e);

#endif
