/* vault.c - holdfast vault: looking into a vault on this host, with or without a server. */
#include <getopt.h>
#include <stdio.h>

#include "base/codec.h"
#include "cli/cli.h"
#include "cli/offline.h"
#include "crypto/crypto.h"

static const char help[] =
    "Usage: holdfast vault ls VAULT [--dir DIR] [--json]\n"
    "       holdfast vault verify VAULT [--dir DIR] [--json]\n"
    "       holdfast vault export-key VAULT [--dir DIR]\n"
    "\n"
    "  ls          recovery points, as the vault itself lists them\n"
    "  verify      read every chunk of every point, authenticate it and check its id; exits with 1\n"
    "              if any point is damaged\n"
    "  export-key  print the vault's key: with it and docs/format.md the vault can be read\n"
    "              without this program.  Keep it secret\n"
    "\n"
    "  VAULT       the vault's name, or its resource id\n"
    "  --dir DIR   the data directory; without it $HOLDFAST_DIR\n"
    "  --json      one JSON document a line\n"
    "  --help      this text\n";

struct look {
	struct vault *vault;
	bool as_json, verify, show_progress;
	unsigned damaged;
	const char *point;	/* being verified */
};

static bool tick(void *arg, int64_t done, int64_t total)
{
	const struct look *l = arg;

	if (l->show_progress)
		(void)fprintf(stderr, "\r%s %3d%% ", l->point,
		    total > 0 ? (int)(done * 100 / total) : 100);
	return false;
}

static int verify_point(struct look *l, const char *item, const char *name, struct err *e)
{
	const struct vault_progress progress = { tick, l };
	struct vault_point *p = NULL;
	int r;

	l->point = name;
	if (vault_point_open(l->vault, item, name, &p, e) != 0)
		return -1;
	r = vault_verify_point(p, &progress, e);
	vault_point_close(p);
	if (l->show_progress)
		(void)fprintf(stderr, "\r%*s\r", (int)strlen(name) + 6, "");
	return r;
}

static void print_point(const struct look *l, const char *item, const char *name,
    const json_t *meta, const char *state)
{
	auto_json json_t *doc = NULL;
	auto_buf struct buf text = { 0 };
	struct err ignored;

	if (!l->as_json) {
		(void)printf("%s  %.19sZ  %-8s %s\n", name,
		    jstr(meta, "properties.recoveryPointTime", "?"), state, item);
		return;
	}
	doc = json_pack("{s:s, s:s, s:O?, s:O?, s:s}", "point", name, "item", item, "time",
	    jat(meta, "properties.recoveryPointTime"), "disks", jat(meta, "internal.disks"), "state",
	    state);
	if (jdump(doc, &text, &ignored) == 0)
		(void)printf("%s\n", text.p);
}

static int each_point(void *arg, const char *item, const char *name, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct look *l = arg;
	struct err why = { 0 };
	const char *state = "whole";

	(void)e;
	if (damage != NULL) {
		l->damaged++;
		(void)fprintf(stderr, "holdfast vault %s: %s\n", l->verify ? "verify" : "ls", damage->msg);
		return 0;
	}
	if (!l->verify) {
		print_point(l, item, name, meta, "listed");
		return 0;
	}
	if (verify_point(l, item, name, &why) != 0) {
		state = "damaged";
		l->damaged++;
		(void)fprintf(stderr, "holdfast vault verify: point '%s': %s\n", name, why.msg);
	}
	print_point(l, item, name, meta, state);
	return 0;
}

static int look_into(struct offline *o, const struct resource *vault, bool verify, bool as_json)
{
	struct look l = { .as_json = as_json, .verify = verify,
		.show_progress = verify && isatty(STDERR_FILENO) == 1 };
	struct err e = { 0 };

	if (world_vault(&o->world, vault, &l.vault, &e) != 0 ||
	    vault_point_list(l.vault, NULL, each_point, &l, &e) < 0)
		return cli_fail("vault", &e);
	return l.damaged == 0 ? CLI_OK : CLI_FAILED;
}

static int export_key(struct offline *o, const struct resource *vault)
{
	const char *store = jstr(vault->body, "internal.store", "");
	const char *hex = jstr(vault->body, "internal.wrappedKey", "");
	uint8_t wrapped[WRAPPED_KEY_SIZE], key[32];
	char text[HEX_SIZE(32)];
	struct err e = { 0 };

	if (hex_decode(str_c(hex), wrapped, sizeof(wrapped)) != (int)sizeof(wrapped)) {
		(void)err_set(&e, ERR_CORRUPT, "vault '%s' has no usable key", vault->id);
		return cli_fail("vault", &e);
	}
	if (key_unwrap(o->world.master_key, str_c(store), wrapped, key, &e) != 0)
		return cli_fail("vault", &e);
	(void)printf("%s\n", hex_encode(key, sizeof(key), text));
	crypto_wipe(key, sizeof(key));
	crypto_wipe(text, sizeof(text));
	return CLI_OK;
}

static int run(const char *verb, const char *dir, const char *name, bool as_json)
{
	auto_offline struct offline o = { 0 };
	auto_resource struct resource vault = { 0 };
	struct err e = { 0 };

	if (offline_open(dir, &o, &e) != 0 || offline_vault(&o, name, &vault, &e) != 0)
		return cli_fail("vault", &e);
	if (strcmp(verb, "export-key") == 0)
		return export_key(&o, &vault);
	return look_into(&o, &vault, strcmp(verb, "verify") == 0, as_json);
}

int cmd_vault(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'D' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *dir = NULL, *verb;
	bool as_json = false;
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'D':
			dir = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		case 'h':
			(void)fputs(help, stdout);
			return CLI_OK;
		default:
			return cli_usage("vault", "%s: no such option, or its value is missing",
			    argv[optind - 1]);
		}
	}
	if (argc - optind != 2)
		return cli_usage("vault", "what to do, and with which vault?");
	verb = argv[optind];
	if (strcmp(verb, "ls") != 0 && strcmp(verb, "verify") != 0 && strcmp(verb, "export-key") != 0)
		return cli_usage("vault", "'%s' is none of ls, verify and export-key", verb);
	return run(verb, dir, argv[optind + 1], as_json);
}
