/* vault_tool.c - a vault driven from the command line, for benchmarks: no server, no database.
 *
 *   vault_tool create DIR
 *   vault_tool backup DIR ITEM POINT IMAGE      raw image
 *   vault_tool since DIR ITEM POINT IMAGE BASE EXTENTS   only what changed since point BASE:
 *                                                        "offset length" lines in file EXTENTS
 *   vault_tool restore DIR ITEM POINT OUTPUT    new raw image
 *   vault_tool inplace DIR ITEM POINT IMAGE KNOWN   into an image that is as point KNOWN ("-": compare)
 *   vault_tool verify DIR ITEM POINT
 *   vault_tool copy DIR OTHER                   what the copy in OTHER lacks; prints bytes
 *   vault_tool open DIR                         reads all tables; prints ms
 *   vault_tool points DIR ITEM                  lists the item's points, opens one; prints ms
 *   vault_tool commits DIR ITEM N               N points of one small disk
 *
 * The key is fixed: these vaults hold nothing secret. */
#include <stdio.h>

#include "base/clock.h"
#include "base/fs.h"
#include "vault/copy.h"

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

/* "offset length" lines. */
static int read_extents(const char *path, struct extent **ret, size_t *ret_count, struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct extent *x = NULL;
	size_t n = 0, used = 0;
	char *line, *save = NULL;

	if (fs_read_all(path, 64u << 20, &text, e) != 0)
		return -1;
	for (line = text.p != NULL ? strtok_r(text.p, "\n", &save) : NULL; line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		long long at, length;
		struct extent *grown;

		if (sscanf(line, "%lld %lld", &at, &length) != 2)
			continue;
		if (n == used) {
			used = used == 0 ? 1024 : used * 2;
			grown = reallocarray(x, used, sizeof(*x));
			if (grown == NULL) {
				free(x);
				return err_nomem(e);
			}
			x = grown;
		}
		x[n++] = (struct extent){ at, length };
	}
	*ret = x;
	*ret_count = n;
	return 0;
}

static int backup_with(char **argv, const struct vault_base *base, struct err *e)
{
	struct vault *v = NULL;
	struct vault_session *s = NULL;
	struct disk_src *src = NULL;
	struct vault_disk_stats stats = { 0 };
	auto_json json_t *meta = json_object();
	int r = -1;

	if (open_vault(argv[2], &v, e) == 0 && disk_src_open(argv[5], DISK_RAW, &src, e) == 0 &&
	    vault_session_begin(v, argv[3], &s, e) == 0 &&
	    vault_backup_disk_since(s, DISK, src, base, NULL, &stats, e) == 0)
		r = vault_session_commit(s, argv[4], meta, e);
	if (r == 0)
		(void)printf("read %lld stored %lld reused %lld\n", (long long)stats.read,
		    (long long)stats.stored, (long long)stats.reused);
	vault_session_end(s);
	disk_src_close(src);
	vault_close(v);
	return r;
}

static int backup(char **argv, struct err *e)
{
	return backup_with(argv, NULL, e);
}

static int since(char **argv, struct err *e)
{
	auto_free struct extent *dirty = NULL;
	struct vault_base base = { .point = argv[6], .disk = DISK };

	if (read_extents(argv[7], &dirty, &base.dirty_count, e) != 0)
		return -1;
	base.dirty = dirty;
	return backup_with(argv, &base, e);
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

static int inplace(char **argv, struct err *e)
{
	const struct vault_base known = { .point = argv[6], .disk = DISK };
	struct vault_in_place_stats stats;
	struct vault *v = NULL;
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	int r = -1;

	if (open_vault(argv[2], &v, e) == 0 && vault_point_open(v, argv[3], argv[4], &p, e) == 0 &&
	    disk_sink_open(argv[5], DISK_RAW, &sink, e) == 0 &&
	    vault_restore_in_place(p, DISK, sink, strcmp(argv[6], "-") == 0 ? NULL : &known, 0, NULL,
		NULL, &stats, e) == 0)
		r = disk_sink_finish(&sink, e);
	disk_sink_close(sink);
	vault_point_close(p);
	vault_close(v);
	return r;
}

struct way {
	struct vault *from, *to;
	struct vault_copy_stats sent;
};

static int copy_one(void *arg, const char *object, struct err *e)
{
	struct way *w = arg;

	return vault_copy_point(w->from, w->to, object, NULL, &w->sent, e) < 0 ? -1 : 0;
}

static int copy(char **argv, struct err *e)
{
	struct object_store *store = NULL;
	struct way w = { 0 };
	int r = -1;

	if (open_vault(argv[2], &w.from, e) == 0 && object_dir_open(argv[3], true, &store, e) == 0) {
		r = vault_copy_begin(w.from, store, e);
		object_close(store);
	}
	if (r == 0)
		r = open_vault(argv[3], &w.to, e) == 0 ? vault_point_names(w.from, copy_one, &w, e) : -1;
	if (r == 0)
		(void)printf("sent %lld packs %lld chunks %lld points %lld\n",
		    (long long)w.sent.bytes, (long long)w.sent.packs, (long long)w.sent.chunks,
		    (long long)w.sent.points);
	vault_close(w.to);
	vault_close(w.from);
	return r;
}

static int open_only(char **argv, struct err *e)
{
	int64_t began = clock_monotonic_us();
	struct vault_stat s;
	struct vault *v = NULL;
	int r = open_vault(argv[2], &v, e);

	if (r == 0)
		(void)printf("%.1f ms to open\n", (double)(clock_monotonic_us() - began) / 1000);
	if (r == 0)
		r = vault_stat(v, &s, e);
	if (r == 0)
		(void)printf("%lld packs, %lld chunks, %lld points\n", (long long)s.packs,
		    (long long)s.chunks, (long long)s.points);
	vault_close(v);
	return r;
}

static int count(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	(void)item;
	(void)meta;
	(void)damage;
	(void)e;
	(void)snprintf((char *)arg, 160, "%.128s", point);
	return 0;
}

static int points(char **argv, struct err *e)
{
	char last[160] = "";
	struct vault *v = NULL;
	struct vault_point *p = NULL;
	struct vault_stat s;
	int64_t first, began, listed;
	int r = open_vault(argv[2], &v, e);

	first = clock_monotonic_us();
	if (r == 0)
		r = vault_stat(v, &s, e);
	began = clock_monotonic_us();
	if (r == 0)
		r = vault_point_list(v, argv[3], count, last, e);
	listed = clock_monotonic_us();
	if (r == 0)
		r = vault_point_open(v, argv[3], last, &p, e);
	if (r == 0)
		(void)printf("%.1f ms to list the names, %.1f ms to read them all, %.1f ms to open one\n",
		    (double)(began - first) / 1000, (double)(listed - began) / 1000,
		    (double)(clock_monotonic_us() - listed) / 1000);
	vault_point_close(p);
	vault_close(v);
	return r;
}

/* Points of a disk without data: what they cost is the points. */
static int commits(char **argv, struct err *e)
{
	auto_json json_t *meta = json_pack("{s:{s:s}}", "properties", "recoveryPointTime",
	    "2026-01-02T03:04:05Z");
	struct vault *v = NULL;
	char name[32];
	int r = open_vault(argv[2], &v, e);

	for (long i = 0; r == 0 && i < atol(argv[4]); i++) {
		struct vault_session *s = NULL;

		(void)snprintf(name, sizeof(name), "p%ld", i);
		r = vault_session_begin(v, argv[3], &s, e);
		if (r == 0)
			r = vault_session_commit(s, name, meta, e);
		vault_session_end(s);
	}
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
	} verbs[] = { { "create", 3, create }, { "backup", 6, backup }, { "since", 8, since },
		{ "restore", 6, restore }, { "inplace", 7, inplace }, { "verify", 5, verify },
		{ "copy", 4, copy },
		{ "open", 3, open_only }, { "points", 4, points }, { "commits", 5, commits } };
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
