/* vault_tool.c - a vault driven from the command line, for benchmarks: no server, no database.
 *
 *   vault_tool create DIR
 *   vault_tool backup DIR ITEM POINT IMAGE      raw image
 *   vault_tool restore DIR ITEM POINT OUTPUT    new raw image
 *   vault_tool verify DIR ITEM POINT
 *
 * The key is fixed: these vaults hold nothing secret. */
#include <stdio.h>

#include "vault/vault.h"

#define DISK "disk"

static const uint8_t key[32] = "benchmarks use one and the same";

static int open_vault(const char *dir, struct vault **ret, struct err *e)
{
	struct object_store *store = NULL;

	if (object_dir_open(dir, false, &store, e) != 0)
		return -1;
	return vault_open(store, key, ret, e);
}

static int create(char **argv, struct err *e)
{
	struct object_store *store = NULL;
	int r;

	if (object_dir_open(argv[2], true, &store, e) != 0)
		return -1;
	r = vault_create(store, key, e);
	object_close(store);
	return r;
}

static int backup(char **argv, struct err *e)
{
	struct vault *v = NULL;
	struct vault_session *s = NULL;
	struct disk_src *src = NULL;
	struct vault_disk_stats stats = { 0 };
	auto_json json_t *meta = json_object();
	int r = -1;

	if (open_vault(argv[2], &v, e) == 0 && disk_src_open(argv[5], DISK_RAW, &src, e) == 0 &&
	    vault_session_begin(v, argv[3], &s, e) == 0 &&
	    vault_backup_disk(s, DISK, src, NULL, &stats, e) == 0)
		r = vault_session_commit(s, argv[4], meta, e);
	if (r == 0)
		(void)printf("read %lld stored %lld reused %lld\n", (long long)stats.read,
		    (long long)stats.stored, (long long)stats.reused);
	vault_session_end(s);
	disk_src_close(src);
	vault_close(v);
	return r;
}

static int restore(char **argv, struct err *e)
{
	struct vault *v = NULL;
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	int r = -1;

	if (open_vault(argv[2], &v, e) == 0 && vault_point_open(v, argv[3], argv[4], &p, e) == 0 &&
	    disk_sink_create(argv[5], DISK_RAW, vault_point_disk_size(p, DISK), &sink, e) == 0 &&
	    vault_restore_disk(p, DISK, sink, 0, NULL, NULL, e) == 0)
		r = disk_sink_finish(&sink, e);
	disk_sink_close(sink);
	vault_point_close(p);
	vault_close(v);
	return r;
}

static int verify(char **argv, struct err *e)
{
	struct vault *v = NULL;
	struct vault_point *p = NULL;
	int r = -1;

	if (open_vault(argv[2], &v, e) == 0 && vault_point_open(v, argv[3], argv[4], &p, e) == 0)
		r = vault_verify_point(p, NULL, e);
	vault_point_close(p);
	vault_close(v);
	return r;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int argc;
		int (*run)(char **argv, struct err *e);
	} verbs[] = { { "create", 3, create }, { "backup", 6, backup }, { "restore", 6, restore },
		{ "verify", 5, verify } };
	struct err e = { 0 };

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0 || argc != verbs[i].argc)
			continue;
		if (verbs[i].run(argv, &e) == 0)
			return 0;
		(void)fprintf(stderr, "vault_tool %s: %s\n", argv[1], e.msg);
		return 1;
	}
	(void)fprintf(stderr, "usage: see the head of tests/perf/vault_tool.c\n");
	return 2;
}
