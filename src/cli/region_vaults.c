/* region_vaults.c - see region_vaults.h. */
#include "cli/region_vaults.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"

int region_arguments(int argc, char **argv, const char *verb, const char *help,
    const char **ret_dir, bool *ret_json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o != 'j')
			return cli_usage(verb, "%s: no such option", argv[optind - 1]);
		*ret_json = true;
	}
	if (argc - optind != 1)
		return cli_usage(verb, "one data directory is wanted");
	*ret_dir = argv[optind];
	return CLI_OK;
}

/* ---- vaults ---- */
struct rows {
	const struct settings *settings;
	struct resource *p;	/* owned */
	size_t n, cap;
};

static void rows_done(struct rows *l)
{
	for (size_t i = 0; i < l->n; i++)
		resource_done(&l->p[i]);
	free(l->p);
}

static int add_vault(void *arg, struct resource *vault, struct err *e)
{
	struct rows *l = arg;
	const struct region_settings *r = settings_region(l->settings, vault->location);

	if (!replica_wanted(vault) || r == NULL || !region_is_here(r))
		return 0;
	if (GROW(l->p, l->n, l->cap, 16, e) != 0)
		return -1;
	l->p[l->n++] = *vault;
	*vault = (struct resource){ 0 };
	return 0;
}

static int read_rows(struct offline *o, struct rows *l, struct err *e)
{
	struct resource_query q = { .type = TYPE_VAULT };
	auto_conn struct db_conn *c = NULL;

	return db_read_begin(o->world.db, &c, e) != 0 || resource_list(c, &q, add_vault, l, e) < 0 ?
	    -1 : 0;
}

int region_vaults(struct offline *o, region_vault_fn *fn, void *arg, struct err *e)
{
	cleanup_with(rows_done) struct rows l = { .settings = o->settings };

	if (read_rows(o, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		const struct region_settings *to = NULL;
		struct err why = { 0 };

		if (settings_copy_region(o->settings, l.p[i].location, &to, &why) != 0)
			to = NULL;
		if (fn(arg, &l.p[i], to, &why, e) != 0)
			return -1;
	}
	return 0;
}

int region_print(json_t *doc, struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_json json_t *mine = doc;

	if (doc == NULL)
		return err_nomem(e);
	if (jdump(mine, &text, e) != 0 || buf_ok(&text, e) != 0)
		return -1;
	return puts(text.p) >= 0 && fflush(stdout) == 0 ? 0 :
	    err_sys(e, errno, "writing to standard output");
}
