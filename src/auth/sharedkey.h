/* sharedkey.h - Azure Storage's SharedKey check; SharedKeyLite is refused.
 * Source: learn.microsoft.com "Authorize with Shared Key (Blob service)". */
#ifndef AUTH_SHAREDKEY_H
#define AUTH_SHAREDKEY_H

#include "arm/id.h"
#include "base/base.h"
#include "http/server.h"

/* Check "Authorization: SharedKey account:signature" of a request against one
 * of the account's keys (base64).  `path` as sent; in path-style addressing the
 * canonicalised resource is "/" account followed by the whole path, which itself
 * starts with "/account": both that and the path alone are accepted.
 * ERR_DENIED, status 403, AuthenticationFailed. */
must_check int sharedkey_check(const struct http_req *req, const struct arm_query *query,
    const char *account, const char *const *keys, size_t key_count, int64_t now_us, struct err *e);

/* The signature for a string, for tests and clients: base64 appended to `ret`. */
struct buf;
must_check int sharedkey_sign(const char *key_base64, struct str text, struct buf *ret,
    struct err *e);

#endif
