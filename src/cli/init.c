/* init.c - holdfast init: the command line of making a data directory. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/datadir.h"

static const char help[] =
    "Usage: holdfast init DIR [--images PATH]... [--listen ADDR:PORT] [--name HOST]...\n"
    "\n"
    "Makes the data directory DIR: settings, a certificate authority and a server certificate,\n"
    "keys, an empty database and an administrator.\n"
    "\n"
    "  --images PATH       another directory from which disk images may be registered\n"
    "                      (DIR/images always may); may be given again\n"
    "  --listen ADDR:PORT  numeric address to listen on (127.0.0.1:8443)\n"
    "  --name HOST         name or address by which clients reach the server, besides\n"
    "                      localhost, 127.0.0.1 and ::1; may be given again\n"
    "  --help              this text\n";

struct words {
	const char *word[IMAGE_DIRS_MAX + 1];	/* NULL-terminated */
	size_t count;
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
	    "\n"
	    "Next:\n"
	    "  holdfast serve %s &\n"
	    "  set -a; . %s/admin.env; set +a\n"
	    "  curl --cacert \"$HOLDFAST_CA\" -H \"Authorization: Bearer $(holdfast token %s)\" "
	    "\\\n"
	    "    \"$HOLDFAST_URL/subscriptions?api-version=2022-12-01\"\n",
	    dir, m->url, m->tenant, m->subscription, dir, dir, dir, dir, dir, dir, dir);
}

static int run(const char *dir, struct words *names, struct words *images, const char *listen)
{
	char *paths[IMAGE_DIRS_MAX] = { NULL };
	struct datadir_made made = { 0 };
	struct err e = { 0 };
	int rc = resolve_images(images, paths, &e);

	if (rc == 0)
		rc = datadir_make(dir, &(struct settings_new){ listen, names->word, images->word },
		    &made, &e);
	for (size_t i = 0; i < IMAGE_DIRS_MAX; i++)
		free(paths[i]);
	if (rc != 0)
		return cli_fail("init", &e);
	print_made(made.dir, &made);
	return CLI_OK;
}

int cmd_init(int argc, char **argv)
{
	static const struct option options[] = {
		{ "images", required_argument, NULL, 'i' },
		{ "listen", required_argument, NULL, 'l' },
		{ "name", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct words names = { 0 }, images = { 0 };
	const char *listen = NULL;
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o == 'l')
			listen = optarg;
		else if (o != 'i' && o != 'n')
			return cli_usage(argv[0], "%s: no such option, or its value is missing",
			    argv[optind - 1]);
		else if (!add_word(o == 'i' ? &images : &names, optarg))
			return cli_usage(argv[0], "too many of one option");
	}
	if (argc - optind != 1)
		return cli_usage(argv[0], "one directory is wanted");
	return run(argv[optind], &names, &images, listen);
}
