/* peers.c - public keys of other servers.  See token_issuer_trust(). */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "auth/issuer.h"
#include "base/fs.h"

#define FILE_MAX 65536

static int add_keys(struct token_issuer *t, const json_t *set, struct err *e)
{
	json_t *keys = NULL, *jwk;
	size_t i;

	if (jget_arr(set, "keys", &keys, e) < 0)
		return -1;
	if (json_array_size(keys) == 0)
		return err_set(e, ERR_INVALID, "keys: required, but missing");
	json_array_foreach(keys, i, jwk) {
		if (t->peer_count == TOKEN_PEERS_MAX)
			return err_set(e, ERR_INVALID, "more than %d keys", TOKEN_PEERS_MAX);
		if (jwt_key_public(jwk, &t->peer[t->peer_count], e) != 0)
			return err_in(e, "keys[%zu]", i);
		t->peer_count++;
	}
	return 0;
}

static int add_file(struct token_issuer *t, const char *dir, const char *name, struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_json json_t *set = NULL;
	auto_free char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return err_nomem(e);
	}
	if (fs_read_all(path, FILE_MAX, &text, e) != 0 || jparse(buf_str(&text), &set, e) != 0 ||
	    add_keys(t, set, e) != 0)
		return err_in(e, "reading the public key of a paired server from '%s'", path);
	return 0;
}

static bool is_key_set(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".json") == 0;
}

int token_issuer_trust(struct token_issuer *t, const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *ent;
	int rc = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_sys(e, errno, "listing '%s'", dir);
	while (rc == 0 && (ent = readdir(d)) != NULL)
		if (is_key_set(ent->d_name))
			rc = add_file(t, dir, ent->d_name, e);
	(void)closedir(d);
	return rc;
}
