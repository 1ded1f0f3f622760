/* init.c - holdfast init: the command line of making a data directory. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/datadir.h"
#include "cli/pairing.h"

static const char help[] =
    "Usage: holdfast init DIR [--images PATH]... [--listen ADDR:PORT] [--name HOST]...\n"
    "                     [--pair FILE [--region NAME]]\n"
    "\n"
    "Makes the data directory DIR: settings, a certificate authority and a server certificate,\n"
    "keys, an empty database and an administrator.\n"
    "\n"
    "  --images PATH       another directory from which disk images may be registered\n"
    "                      (DIR/images always may); may be given again\n"
    "  --listen ADDR:PORT  numeric address to listen on (127.0.0.1:8443)\n"
    "  --name HOST         name or address by which clients reach the server, besides\n"
    "                      localhost, 127.0.0.1 and ::1; may be given again\n"
    "  --pair FILE         make the second server of a pair: FILE is what 'holdfast region export\n"
    "                      --with-secrets' printed at the first (- for standard input)\n"
    "  --region NAME       with --pair: the region that the new server has, if not the pair of\n"
    "                      the first one's\n"
    "  --help              this text\n";

struct words {
	const char *word[IMAGE_DIRS_MAX + 1];	/* NULL-terminated */
	size_t count;
};

struct args {
	const char *dir, *listen, *pair, *region;
	struct words names, images;
};

static bool add_word(struct words *w, const char *word)
{
	if (w->count == ARRAY_LEN(w->word) - 1)
		return false;
	w->word[w->count++] = word;
	return true;
}

/* The directories as absolute paths, so that settings mean the same from everywhere. */
static int resolve_images(struct words *w, char *paths[IMAGE_DIRS_MAX], struct err *e)
{
	for (size_t i = 0; i < w->count; i++) {
		struct stat st;

		paths[i] = realpath(w->word[i], NULL);
		if (paths[i] == NULL || stat(paths[i], &st) != 0)
			return err_sys(e, errno, "image directory '%s'", w->word[i]);
		if (!S_ISDIR(st.st_mode))
			return err_set(
			    e, ERR_INVALID, "image directory '%s' is not a directory", paths[i]);
		w->word[i] = paths[i];
	}
	return 0;
}

/* The second server of a pair: what the first says, and which region is the new one's. */
static int load_pairing(struct args *a, struct pairing *p, struct err *e)
{
	if (pairing_load(a->pair, p, e) != 0)
		return -1;
	if (!p->has_secrets)
		return err_set(e, ERR_INVALID, "'%s' has no secrets, without which a second server "
		    "cannot be made: 'holdfast region export --with-secrets' prints them", a->pair);
	if (a->region == NULL && *p->pair == '\0')
		return err_set(e, ERR_INVALID, "region '%s' of the first server has no pair: say "
		    "with --region which region the second has", p->region);
	if (a->region == NULL)
		a->region = p->pair;
	if (!region_name_valid(a->region))
		return err_set(e, ERR_INVALID, "--region: '%.60s' is not a region's name",
		    a->region);
	return strcmp(a->region, p->region) != 0 ? 0 : err_set(e, ERR_INVALID,
	    "--region: '%s' is the first server's", a->region);
}

static void print_made(const char *dir, const struct datadir_made *m)
{
	(void)printf(
	    "Made the data directory %s\n"
	    "  address       %s\n"
	    "  tenant        %s\n"
	    "  subscription  %s\n"
	    "  settings      %s/holdfast.conf\n"
	    "  disk images   %s/images\n"
	    "  administrator %s/admin.env (keep it secret)\n"
	    "  master key    %s/keys/master.key (back it up: without it no backup can be read)\n"
	    "\n",
	    dir, m->url, m->tenant, m->subscription, dir, dir, dir, dir);
}

static void print_next(const char *dir)
{
	(void)printf(
	    "Next:\n"
	    "  holdfast serve %s &\n"
	    "  set -a; . %s/admin.env; set +a\n"
	    "  curl --cacert \"$HOLDFAST_CA\" -H \"Authorization: Bearer $(holdfast token %s)\" "
	    "\\\n"
	    "    \"$HOLDFAST_URL/subscriptions?api-version=2022-12-01\"\n",
	    dir, dir, dir);
}

static void print_next_of_pair(const char *dir, const char *url, const char *region,
    const struct pairing *p)
{
	(void)printf(
	    "Next, here:\n"
	    "  holdfast region export %s %s > %s.json\n"
	    "then at the first server, %s, write in its holdfast.conf\n"
	    "  [region %s]\n"
	    "  server = %s\n"
	    "  store = PATH         (%s/regions/%s, where that host has it mounted)\n"
	    "and there, with its data directory,\n"
	    "  holdfast region import DIR %s.json\n"
	    "and start it again.  Copies of vaults of %s go to the first server once\n"
	    "  %s/holdfast.conf\n"
	    "gives the store of [region %s].  Remove the file that this server was made from.\n"
	    "  holdfast serve %s &\n",
	    dir, region, region, p->server, region, url, dir, region, region, region, dir,
	    p->region, dir);
}

static int make(struct args *a, struct err *e)
{
	auto_pairing struct pairing pairing = { 0 };
	struct settings_new_region regions[3] = { { 0 } };
	struct settings_new o = { a->listen, a->names.word, a->images.word, NULL };
	struct datadir_made made = { 0 };

	if (a->pair != NULL) {
		if (load_pairing(a, &pairing, e) != 0)
			return -1;
		regions[0] = (struct settings_new_region){ a->region, pairing.region, NULL };
		regions[1] = (struct settings_new_region){ pairing.region, a->region,
			pairing.server };
		o.regions = regions;
	}
	if (datadir_make(a->dir, &o, a->pair != NULL ? &pairing : NULL, &made, e) != 0)
		return -1;
	print_made(made.dir, &made);
	if (a->pair != NULL)
		print_next_of_pair(made.dir, made.url, a->region, &pairing);
	else
		print_next(made.dir);
	return 0;
}

static int run(struct args *a)
{
	char *paths[IMAGE_DIRS_MAX] = { NULL };
	struct err e = { 0 };
	int rc = resolve_images(&a->images, paths, &e);

	if (rc == 0)
		rc = make(a, &e);
	for (size_t i = 0; i < IMAGE_DIRS_MAX; i++)
		free(paths[i]);
	return rc != 0 ? cli_fail("init", &e) : CLI_OK;
}

/* CLI_OK, or an exit code. */
static int take_option(struct args *a, int o, const char *word)
{
	switch (o) {
	case 'l':
		a->listen = optarg;
		return CLI_OK;
	case 'p':
		a->pair = optarg;
		return CLI_OK;
	case 'r':
		a->region = optarg;
		return CLI_OK;
	case 'i':
	case 'n':
		if (add_word(o == 'i' ? &a->images : &a->names, optarg))
			return CLI_OK;
		return cli_usage("init", "too many of one option");
	}
	return cli_usage("init", "%s: no such option, or its value is missing", word);
}

int cmd_init(int argc, char **argv)
{
	static const struct option options[] = {
		{ "images", required_argument, NULL, 'i' },
		{ "listen", required_argument, NULL, 'l' },
		{ "name", required_argument, NULL, 'n' },
		{ "pair", required_argument, NULL, 'p' },
		{ "region", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct args a = { 0 };
	int o, rc;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		rc = take_option(&a, o, argv[optind - 1]);
		if (rc != CLI_OK)
			return rc;
	}
	if (argc - optind != 1)
		return cli_usage(argv[0], "one directory is wanted");
	if (a.region != NULL && a.pair == NULL)
		return cli_usage(argv[0], "--region is for --pair only");
	a.dir = argv[optind];
	return run(&a);
}
