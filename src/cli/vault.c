/* vault.c - holdfast vault: its verbs and options. */
#include "cli/vault.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "Usage: holdfast vault VERB VAULT [--dir DIR] [--json] ...\n"
    "\n"
    "  ls VAULT                  recovery points, as the vault itself lists them\n"
    "  stat VAULT                figures: points, packs, chunks, bytes, damage\n"
    "  verify VAULT              read every chunk that any point needs, authenticate it and check its\n"
    "                            id; exits with 1 if any point is damaged.  What is damaged is mended\n"
    "                            from the vault's copy in the paired region, or the other way round\n"
    "    --resume                go on with a verification that was interrupted\n"
    "    --rate MIB              read at most so many MiB a second\n"
    "  expire VAULT POINT        remove a recovery point; one that is damaged by the name that ls gives\n"
    "  gc VAULT                  remove what no point needs\n"
    "    --compact PERCENT       rewrite packs of which less than this is needed; preset 70,\n"
    "                            0: none, 100: all\n"
    "  diff VAULT POINT POINT    where the second point's disks differ from the first's\n"
    "    --disk NAME             of this disk only\n"
    "  restore VAULT POINT DISK FILE   write a disk into a new image\n"
    "    --format FORMAT         raw (preset), vhd or qcow2\n"
    "    --in-place              FILE is an image already: write only what differs\n"
    "    --known POINT           with --in-place: FILE is as the disk was at that point; what did not\n"
    "                            change since is not even read\n"
    "  rebuild VAULT             make the server's list of points anew from the vault, and rewrite packs\n"
    "                            whose tables are damaged; not while the server runs\n"
    "  export-key VAULT          print the vault's key: with it and docs/format.md the vault can be\n"
    "                            read without this program.  Keep it secret\n"
    "  import-key VAULT KEYFILE  wrap the key in KEYFILE (as export-key prints it; - for standard input)\n"
    "                            with this data directory's master key; not while the server runs\n"
    "\n"
    "  VAULT         the vault's name, or its resource id\n"
    "  --dir DIR     the data directory; without it $HOLDFAST_DIR\n"
    "  --item ITEM   the item of POINT, where several items have one of that name\n"
    "  --copy        the copy in the paired region; where only that is at hand, it is taken anyway\n"
    "  --archive     the vault's archive: the points that were moved to the archive tier\n"
    "  --json        one JSON document a line\n"
    "  --help        this text\n";

static const struct verb {
	const char *name;
	int words;		/* after the verb */
	bool is_open, is_alone;	/* the vault is opened; the server must not run */
	int (*run)(struct vault_cmd *c);
} verbs[] = {
	{ "ls", 1, true, false, vault_cmd_ls },
	{ "stat", 1, true, false, vault_cmd_stat },
	{ "verify", 1, true, false, vault_cmd_verify },
	{ "expire", 2, true, true, vault_cmd_expire },
	{ "gc", 1, true, false, vault_cmd_gc },
	{ "diff", 3, true, false, vault_cmd_diff },
	{ "restore", 4, true, false, vault_cmd_restore },
	{ "rebuild", 1, true, true, vault_cmd_rebuild },
	{ "export-key", 1, false, false, vault_cmd_export_key },
	{ "import-key", 2, false, true, vault_cmd_import_key },
};

int vault_cmd_print(json_t *doc, struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_json json_t *mine = doc;

	if (doc == NULL)
		return err_nomem(e);
	if (jdump(mine, &text, e) != 0 || buf_ok(&text, e) != 0)
		return -1;
	(void)printf("%s\n", text.p);
	return 0;
}

static bool number(const char *text, long max, long *ret)
{
	char *end;

	*ret = strtol(text, &end, 10);
	return *text != '\0' && *end == '\0' && *ret >= 0 && *ret <= max;
}

/* -1: go on.  Otherwise an exit code. */
static int option(struct vault_args *a, int o)
{
	long n;

	switch (o) {
	case 'D':
		a->dir = optarg;
		break;
	case 'i':
		a->item = optarg;
		break;
	case 'k':
		a->disk = optarg;
		break;
	case 'f':
		a->format = optarg;
		break;
	case 'K':
		a->known = optarg;
		break;
	case 'j':
		a->as_json = true;
		break;
	case 'r':
		a->resume = true;
		break;
	case 'p':
		a->in_place = true;
		break;
	case 'C':
		a->is_copy = true;
		break;
	case 'A':
		a->is_archive = true;
		break;
	case 'R':
		if (!number(optarg, 1000000, &n))
			return cli_usage("vault", "--rate %s: that is no number of MiB", optarg);
		a->rate = (int64_t)n << 20;
		break;
	case 'c':
		if (!number(optarg, 100, &n))
			return cli_usage("vault", "--compact %s: that is no percentage", optarg);
		a->compact = (unsigned)n;
		break;
	default:
		return -2;
	}
	return -1;
}

static int parse(int argc, char **argv, struct vault_args *a, const struct verb **ret)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'D' }, { "item", required_argument, NULL, 'i' },
		{ "disk", required_argument, NULL, 'k' }, { "format", required_argument, NULL, 'f' },
		{ "known", required_argument, NULL, 'K' }, { "json", no_argument, NULL, 'j' },
		{ "resume", no_argument, NULL, 'r' }, { "in-place", no_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'R' }, { "compact", required_argument, NULL, 'c' },
		{ "copy", no_argument, NULL, 'C' }, { "archive", no_argument, NULL, 'A' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int o, r;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		r = option(a, o);
		if (r == -2)
			return cli_usage("vault", "%s: no such option, or its value is missing",
			    argv[optind - 1]);
		if (r != -1)
			return r;
	}
	if (optind >= argc)
		return cli_usage("vault", "what to do, and with which vault?");
	for (size_t i = 0; i < ARRAY_LEN(verbs) && *ret == NULL; i++)
		if (strcmp(argv[optind], verbs[i].name) == 0)
			*ret = &verbs[i];
	if (*ret == NULL)
		return cli_usage("vault", "'%s' is nothing that can be done with a vault", argv[optind]);
	o = (*ret)->words;
	if (argc - optind - 1 != o) {
		*ret = NULL;
		return cli_usage("vault", "%s needs %d words behind it, and got %d", argv[optind], o,
		    argc - optind - 1);
	}
	for (int i = 0; i < (*ret)->words; i++)
		a->words[i] = argv[optind + 1 + i];
	return CLI_OK;
}

static int run(const struct verb *verb, const struct vault_args *a)
{
	auto_offline struct offline o = { 0 };
	auto_resource struct resource row = { 0 };
	struct vault_cmd c = { .args = a, .offline = &o, .row = &row,
		.peer_mu = PTHREAD_MUTEX_INITIALIZER };
	struct err e = { 0 };
	int r;

	if (offline_open(a->dir, &o, &e) != 0 ||
	    (verb->is_alone && offline_lock(&o, &e) != 0) ||
	    vault_cmd_open(&c, verb->is_open, &e) != 0)
		r = cli_fail("vault", &e);
	else if (verb->is_alone && c.copy_region != NULL)
		r = cli_usage("vault", "%s: '%s' is a copy: this is for the vault itself, in region '%s'",
		    verb->name, row.name, row.location);
	else
		r = verb->run(&c);
	arena_done(&c.arena);
	return r;
}

/* An answer that did not arrive is no answer: a key "exported" to a full disk, say. */
static int check_output(int code)
{
	struct err e = { 0 };

	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return code;
	(void)err_sys(&e, errno, "writing to standard output");
	return cli_fail("vault", &e);
}

int cmd_vault(int argc, char **argv)
{
	struct vault_args a = { .compact = 70 };
	const struct verb *verb = NULL;
	int r = parse(argc, argv, &a, &verb);

	return r != CLI_OK || verb == NULL ? r : check_output(run(verb, &a));
}
