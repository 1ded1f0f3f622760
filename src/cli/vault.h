/* vault.h - the verbs of holdfast vault, which look into vaults on this host, with or without a server. */
#ifndef CLI_VAULT_H
#define CLI_VAULT_H

#include <pthread.h>

#include "base/arena.h"
#include "cli/cli.h"
#include "cli/offline.h"

struct vault_args {
	const char *words[4];	/* after the verb, the vault's name first */
	const char *dir, *item, *disk, *format, *known;
	int64_t rate;		/* bytes a second; 0: no limit */
	unsigned compact;	/* percent */
	bool as_json, resume, in_place, is_copy, is_archive;
};

/* What a verb works with; the vault is open. */
struct vault_cmd {
	const struct vault_args *args;
	struct offline *offline;
	struct resource *row;	/* of a copy: as the copy has it */
	struct vault *vault;	/* NULL for verbs that do not open it */
	struct vault *hot;	/* with --archive the vault itself, `vault` its archive; else NULL */
	const struct region_settings *copy_region;	/* it is a copy, in that region; else NULL */
	const char *copy_store;	/* name of the copy's directory */
	struct arena arena;
	pthread_mutex_t peer_mu;	/* guards both below */
	struct vault *peer;
	bool has_looked;
};

/* Fill row and vault (`opens`): of the vault that is named, or of its copy or
 * archive. */
must_check int vault_cmd_open(struct vault_cmd *c, bool opens, struct err *e);

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
