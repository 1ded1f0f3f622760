/* vault.h - the verbs of holdfast vault, which look into vaults on this host, with or without a server. */
#ifndef CLI_VAULT_H
#define CLI_VAULT_H

#include "cli/cli.h"
#include "cli/offline.h"

struct vault_args {
	const char *words[4];	/* after the verb, the vault's name first */
	const char *dir, *item, *disk, *format, *known;
	int64_t rate;		/* bytes a second; 0: no limit */
	unsigned compact;	/* percent */
	bool as_json, resume, in_place;
};

/* What a verb works with; the vault is open. */
struct vault_cmd {
	const struct vault_args *args;
	struct offline *offline;
	const struct resource *row;
	struct vault *vault;	/* NULL for verbs that do not open it */
};

/* Each returns an exit code, and has printed why if it is not CLI_OK. */
int vault_cmd_ls(struct vault_cmd *c);
int vault_cmd_stat(struct vault_cmd *c);
int vault_cmd_diff(struct vault_cmd *c);
int vault_cmd_verify(struct vault_cmd *c);
int vault_cmd_expire(struct vault_cmd *c);
int vault_cmd_gc(struct vault_cmd *c);
int vault_cmd_rebuild(struct vault_cmd *c);
int vault_cmd_restore(struct vault_cmd *c);
int vault_cmd_export_key(struct vault_cmd *c);
int vault_cmd_import_key(struct vault_cmd *c);

/* Open the point that `name` means: of --item, or of the only item that has one of that name. */
must_check int vault_cmd_point(struct vault_cmd *c, const char *name, struct vault_point **ret,
    struct err *e);

/* One line on stdout; drops `doc`. */
must_check int vault_cmd_print(json_t *doc, struct err *e);

#endif
