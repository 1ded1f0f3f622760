/* vault_keys.c - holdfast vault export-key and import-key. */
#include <stdio.h>

#include "base/codec.h"
#include "base/fs.h"
#include "cli/vault.h"
#include "crypto/crypto.h"
#include "work/replicas.h"

static int load_key(struct vault_cmd *c, uint8_t ret[32], struct err *e)
{
	struct world *w = &c->offline->world;

	return c->copy_region != NULL ? replica_key(w, c->copy_region, c->copy_store, ret, e) :
	    world_vault_key(w, c->row, ret, e);
}

int vault_cmd_export_key(struct vault_cmd *c)
{
	char text[HEX_SIZE(32)];
	struct err e = { 0 };
	uint8_t key[32];

	if (load_key(c, key, &e) != 0)
		return cli_fail("vault export-key", &e);
	(void)printf("%s\n", hex_encode(key, sizeof(key), text));
	crypto_wipe(key, sizeof(key));
	crypto_wipe(text, sizeof(text));
	return CLI_OK;
}

/* 64 hex digits, and perhaps a newline. */
static int read_key(const char *path, uint8_t ret[32], struct err *e)
{
	auto_buf struct buf text = { 0 };
	int r = 0;

	if (fs_read_all(strcmp(path, "-") == 0 ? "/dev/stdin" : path, 256, &text, e) != 0)
		return -1;
	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (text.n != 64 || hex_decode((struct str){ text.p, text.n }, ret, 32) != 32)
		r = err_set(e, ERR_INVALID, "'%s' does not hold a key: 64 hex digits", path);
	if (text.p != NULL)
		crypto_wipe(text.p, text.n);
	return r;
}

static int import(struct vault_cmd *c, struct err *e)
{
	uint8_t key[32];
	int r;

	if (read_key(c->args->words[1], key, e) != 0)
		return -1;
	r = world_vault_rewrap(&c->offline->world, c->row, key, e);
	crypto_wipe(key, sizeof(key));
	return r;
}

int vault_cmd_import_key(struct vault_cmd *c)
{
	struct err e = { 0 };

	return import(c, &e) != 0 ? cli_fail("vault import-key", &e) : CLI_OK;
}
