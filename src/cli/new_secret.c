/* new_secret.c - see new_secret.h. */
#include "cli/new_secret.h"

#include <stdio.h>

#include "base/codec.h"

#include "crypto/crypto.h"

#define HINT_SIZE 3

int new_secret(const char *client_id, int64_t now_us, int64_t expires_us, struct credential *ret,
    struct buf *ret_secret, struct err *e)
{
	struct credential k = { .kind = CREDENTIAL_SECRET, .created_us = now_us,
		.expires_us = expires_us };
	auto_buf struct buf hashed = { 0 };
	size_t start = ret_secret->n;

	if (secret_new(ret_secret, e) != 0 || secret_hash((struct str){ ret_secret->p + start,
	    ret_secret->n - start }, &hashed, e) != 0)
		return -1;
	(void)guid_new(k.id);
	(void)snprintf(k.client_id, sizeof(k.client_id), "%s", client_id);
	(void)snprintf(k.hint, sizeof(k.hint), "%.*s", HINT_SIZE, ret_secret->p + start);
	(void)snprintf(k.secret, sizeof(k.secret), "%s", hashed.p);
	*ret = k;
	return 0;
}
