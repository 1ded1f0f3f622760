/* t_vault.c - whole backups and restores of random disks, damage, failures, threads. */
#include "t.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "vault/vault.h"

#define MIB ((int64_t)1 << 20)

struct fixture {
	char dir[64];
	char store[96];		/* path of the object store */
	uint8_t key[32];
	struct vault *v;
	struct object_store *fault;	/* filter in front of v's store */
	uint64_t rng;
};

/* ---- helpers ---- */
static uint64_t rnd(struct fixture *f)
{
	f->rng ^= f->rng << 13;
	f->rng ^= f->rng >> 7;
	f->rng ^= f->rng << 17;
	return f->rng;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static struct object_store *open_store(const struct fixture *f)
{
	struct object_store *s;
	struct err e = { 0 };

	OK(object_dir_open(f->store, true, &s, &e));
	return s;
}

static int try_open(struct fixture *f, struct err *e)
{
	struct object_store *below = open_store(f);
	struct err e2 = { 0 };

	vault_close(f->v);
	f->v = NULL;
	if (object_fault_open(below, &f->fault, &e2) != 0)
		return -1;
	return vault_open(f->fault, f->key, &f->v, e);
}

static void reopen(struct fixture *f)
{
	struct err e = { 0 };

	OK(try_open(f, &e));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct object_store *s;
	struct err e = { 0 };

	strcpy(f->dir, "/tmp/t_vault.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->store, sizeof(f->store), "%s/store", f->dir);
	random_bytes(f->key, sizeof(f->key));
	f->rng = random_u64() | 1;
	print_message("seed %llu\n", (unsigned long long)f->rng);
	s = open_store(f);
	OK(vault_create(s, f->key, &e));
	object_close(s);
	reopen(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vault_close(f->v);
	(void)nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static char *path_of(const struct fixture *f, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", f->dir, name) > 0);
	return path;
}

static void make_disk(const struct fixture *f, const char *name, int64_t size)
{
	auto_free char *path = path_of(f, name);
	auto_close int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
}

enum fill { NOISE, TEXT, ZERO };

static void fill_disk(struct fixture *f, const char *name, int64_t offset, size_t n,
    enum fill with)
{
	auto_free char *path = path_of(f, name);
	auto_close int fd = open(path, O_WRONLY);
	auto_free uint8_t *p = malloc(n);
	struct err e = { 0 };

	assert_true(fd >= 0 && p != NULL);
	for (size_t i = 0; i < n; i++)
		p[i] = with == NOISE ? (uint8_t)(rnd(f) >> 24) :
		    with == TEXT ? (uint8_t)"the quick brown fox "[(i * i / 997) % 20] : 0;
	if (with == TEXT)
		p[0] = (uint8_t)rnd(f);
	OK(fs_pwrite_full(fd, p, n, offset, path, &e));
}

/* A disk of some `size` with runs of every kind at odd places. */
static void random_disk(struct fixture *f, const char *name, int64_t size, int runs)
{
	make_disk(f, name, size);
	for (int i = 0; i < runs; i++) {
		int64_t at = (int64_t)(rnd(f) % (uint64_t)size) & ~(int64_t)511;
		int64_t n = (int64_t)(rnd(f) % (3 * MIB)) + 1;

		fill_disk(f, name, at, (size_t)(at + n > size ? size - at : n),
		    (enum fill)(rnd(f) % 3));
	}
}

static int backup_one(struct fixture *f, struct vault_session *s, const char *disk,
    const struct vault_progress *p, struct vault_disk_stats *stats, struct err *e)
{
	auto_free char *path = path_of(f, disk);
	struct disk_src *src;
	int r;

	if (disk_src_open(path, DISK_RAW, &src, e) != 0)
		return -1;
	r = vault_backup_disk(s, disk, src, p, stats, e);
	disk_src_close(src);
	return r;
}

/* One point of one disk. */
static int backup(struct fixture *f, const char *item, const char *point, const char *disk,
    struct vault_disk_stats *stats, struct err *e)
{
	auto_json json_t *meta = json_pack("{s:s}", "made", point);
	struct vault_session *s;
	int r;

	if (vault_session_begin(f->v, item, &s, e) != 0)
		return -1;
	r = backup_one(f, s, disk, NULL, stats, e);
	if (r == 0)
		r = vault_session_commit(s, point, meta, e);
	vault_session_end(s);
	return r;
}

static int restore(struct fixture *f, const char *item, const char *point, const char *disk,
    const struct vault_progress *p, int64_t from, int64_t *durable, struct err *e)
{
	auto_free char *path = path_of(f, "restored");
	struct vault_point *pt;
	struct disk_sink *sink;
	int r;

	if (vault_point_open(f->v, item, point, &pt, e) != 0)
		return -1;
	if (from == 0)
		(void)unlink(path);
	r = from == 0 ?
	    disk_sink_create(path, DISK_RAW, vault_point_disk_size(pt, disk), &sink, e) :
	    disk_sink_reopen(path, DISK_RAW, vault_point_disk_size(pt, disk), &sink, e);
	if (r == 0) {
		r = vault_restore_disk(pt, disk, sink, from, durable, p, e);
		if (r == 0)
			r = disk_sink_finish(&sink, e);
		else
			disk_sink_close(sink);
	}
	vault_point_close(pt);
	return r;
}

static int verify(struct fixture *f, const char *item, const char *point, struct err *e)
{
	struct vault_point *pt;
	int r;

	if (vault_point_open(f->v, item, point, &pt, e) != 0)
		return -1;
	r = vault_verify_point(pt, NULL, e);
	vault_point_close(pt);
	return r;
}

static bool same_files(const struct fixture *f, const char *a, const char *b)
{
	auto_free char *pa = path_of(f, a), *pb = path_of(f, b);
	auto_close int fa = open(pa, O_RDONLY), fb = open(pb, O_RDONLY);
	auto_free char *x = malloc(1 << 20), *y = malloc(1 << 20);

	for (;;) {
		ssize_t n = read(fa, x, 1 << 20), m = read(fb, y, 1 << 20);

		if (n != m || n < 0 || memcmp(x, y, (size_t)n) != 0)
			return false;
		if (n == 0)
			return true;
	}
}

static void check_restore(struct fixture *f, const char *item, const char *point,
    const char *disk)
{
	struct err e = { 0 };

	OK(restore(f, item, point, disk, NULL, 0, NULL, &e));
	assert_true(same_files(f, disk, "restored"));
}

struct names {
	char text[4096];
};

static int note_point(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct names *n = arg;

	(void)e;
	assert_null(damage);
	assert_string_equal(jstr(meta, "made", ""), point);
	(void)snprintf(n->text + strlen(n->text), sizeof(n->text) - strlen(n->text), "%s/%s ",
	    item, point);
	return 0;
}

static void assert_points(struct fixture *f, const char *item, const char *want)
{
	struct names n = { .text = "" };
	struct err e = { 0 };

	OK(vault_point_list(f->v, item, note_point, &n, &e));
	assert_string_equal(n.text, want);
}

/* ---- tests ---- */
static void random_disks_come_back_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	char point[16];
	struct err e = { 0 };

	for (int i = 0; i < 6; i++) {
		random_disk(f, "d", (int64_t)(rnd(f) % 40 + 1) * MIB + (int64_t)(rnd(f) % 9) * 512,
		    i * 3);
		(void)snprintf(point, sizeof(point), "p%d", i);
		OK(backup(f, "item", point, "d", &st, &e));
		assert_true(st.read <= st.virtual_size);
		check_restore(f, "item", point, "d");
		OK(verify(f, "item", point, &e));
		reopen(f);
		check_restore(f, "item", point, "d");
	}
}

static void sizes_at_the_edges(void **state)
{
	static const int64_t sizes[] = { 512, 4096, MIB - 512, MIB, MIB + 512, 512 * MIB,
		512 * MIB + 512 };
	struct fixture *f = *state;
	struct vault_disk_stats st;
	char point[16];
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		make_disk(f, "d", sizes[i]);
		fill_disk(f, "d", 0, 512, TEXT);
		fill_disk(f, "d", sizes[i] - 512, 512, NOISE);
		(void)snprintf(point, sizeof(point), "p%zu", i);
		OK(backup(f, "item", point, "d", &st, &e));
		check_restore(f, "item", point, "d");
	}
}

/* Text over and over: neighbours are one chunk in the vault, which is restored many times. */
static void equal_neighbours_come_back(void **state)
{
	struct fixture *f = *state;
	auto_free char *path = path_of(f, "d");
	auto_close int fd = -1;
	struct vault_disk_stats st;
	char line[4096];
	struct err e = { 0 };

	make_disk(f, "d", 9 * MIB);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	memset(line, 'x', sizeof(line));
	for (int64_t at = 0; at < 8 * MIB; at += (int64_t)sizeof(line))
		assert_int_equal(pwrite(fd, line, sizeof(line), at), (ssize_t)sizeof(line));
	OK(backup(f, "item", "p", "d", &st, &e));
	assert_true(st.stored < 100000);
	check_restore(f, "item", "p", "d");
	reopen(f);
	check_restore(f, "item", "p", "d");
}

static void a_disk_of_holes_stores_no_chunk(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct err e = { 0 };

	make_disk(f, "d", 9 * MIB);
	fill_disk(f, "d", MIB, (size_t)(3 * MIB), ZERO);
	OK(backup(f, "item", "p", "d", &st, &e));
	assert_int_equal(st.stored, 0);
	assert_int_equal(st.reused, 0);
	check_restore(f, "item", "p", "d");
	OK(verify(f, "item", "p", &e));
}

static void huge_sparse_disks_have_deep_maps(void **state)
{
	static const int64_t at[] = { 0, 511 * MIB, 512 * MIB, 300000 * MIB,
		(2 << 20) * MIB - MIB };
	struct fixture *f = *state;
	auto_free char *path = path_of(f, "restored"), *from = path_of(f, "d");
	auto_free uint8_t *x = malloc(MIB), *y = malloc(MIB);
	struct vault_disk_stats st;
	struct stat info;
	struct err e = { 0 };

	make_disk(f, "d", (2 << 20) * MIB);	/* 2 TiB */
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		fill_disk(f, "d", at[i], MIB, NOISE);
	OK(backup(f, "item", "p", "d", &st, &e));
	assert_int_equal(st.read, 5 * MIB);
	assert_true(st.stored < 6 * MIB);
	OK(restore(f, "item", "p", "d", NULL, 0, NULL, &e));
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_size, (2 << 20) * MIB);
	assert_true(info.st_blocks * 512 < 16 * MIB);
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		auto_close int a = open(from, O_RDONLY), b = open(path, O_RDONLY);

		OK(fs_pread_full(a, x, MIB, at[i], from, &e));
		OK(fs_pread_full(b, y, MIB, at[i], path, &e));
		assert_memory_equal(x, y, MIB);
	}
}

static void a_second_backup_stores_what_changed(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats first, second, third;
	struct err e = { 0 };

	make_disk(f, "d", 64 * MIB);
	fill_disk(f, "d", 0, 20 * MIB, NOISE);
	OK(backup(f, "item", "p1", "d", &first, &e));
	assert_true(first.stored > 20 * MIB && first.stored < 21 * MIB);
	assert_int_equal(first.reused, 0);
	OK(backup(f, "item", "p2", "d", &second, &e));
	assert_int_equal(second.stored, 0);
	assert_int_equal(second.reused, 20 * MIB);
	fill_disk(f, "d", 5 * MIB + 512, 512, NOISE);
	reopen(f);
	OK(backup(f, "other item", "p1", "d", &third, &e));
	/* one chunk of them is new, whatever the size of chunks is */
	assert_true(third.reused >= 19 * MIB && third.reused < 20 * MIB);
	assert_true(third.stored > 20 * MIB - third.reused && third.stored < 2 * MIB);
	check_restore(f, "other item", "p1", "d");
}

static void packs_fill_up_and_all_are_read_back(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct err e = { 0 };

	make_disk(f, "d", 90 * MIB);
	fill_disk(f, "d", 0, 75 * MIB, NOISE);
	fill_disk(f, "d", 80 * MIB, 10 * MIB, TEXT);
	OK(backup(f, "item", "p", "d", &st, &e));
	check_restore(f, "item", "p", "d");
	OK(verify(f, "item", "p", &e));
	/* no pack is left in memory only */
	reopen(f);
	check_restore(f, "item", "p", "d");
}

static void points_list_open_and_delete(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct vault_point *p;
	auto_json json_t *meta = json_pack("{s:s}", "made", "two");
	struct vault_session *s;
	struct err e = { 0 };

	random_disk(f, "a", 5 * MIB, 3);
	random_disk(f, "b", 7 * MIB + 512, 3);
	OK(vault_session_begin(f->v, "x", &s, &e));
	OK(backup_one(f, s, "a", NULL, &st, &e));
	FAILS(backup_one(f, s, "a", NULL, &st, &e), ERR_CONFLICT);
	OK(backup_one(f, s, "b", NULL, &st, &e));
	assert_points(f, NULL, "");
	OK(vault_session_commit(s, "two", meta, &e));
	vault_session_end(s);
	OK(vault_point_open(f->v, "x", "two", &p, &e));
	assert_int_equal(vault_point_disk_size(p, "a"), 5 * MIB);
	assert_int_equal(vault_point_disk_size(p, "b"), 7 * MIB + 512);
	assert_int_equal(vault_point_disk_size(p, "c"), -1);
	assert_int_equal(vault_point_disk_data(p, "c"), -1);
	assert_true(vault_point_disk_data(p, "b") <= 7 * MIB + 512);
	assert_string_equal(jstr(vault_point_meta(p), "made", ""), "two");
	FAILS(vault_restore_disk(p, "c", NULL, 0, NULL, NULL, &e), ERR_NOT_FOUND);
	FAILS(vault_restore_disk(p, "a", NULL, 5, NULL, NULL, &e), ERR_INVALID);
	vault_point_close(p);
	check_restore(f, "x", "two", "a");
	check_restore(f, "x", "two", "b");
	OK(backup(f, "x", "one", "a", &st, &e));
	OK(backup(f, "y", "two", "a", &st, &e));
	FAILS(backup(f, "x", "two", "b", &st, &e), ERR_CONFLICT);
	FAILS(backup(f, "x", "../two", "b", &st, &e), ERR_INVALID);
	FAILS(backup(f, "x", "a/b", "b", &st, &e), ERR_INVALID);
	assert_points(f, "x", "x/one x/two ");
	assert_points(f, "y", "y/two ");
	assert_points(f, "z", "");
	FAILS(vault_point_open(f->v, "z", "two", &p, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, "'z'");
	CONTAINS(e.msg, "'two'");
	assert_int_equal(vault_point_delete(f->v, "x", "two", &e), 1);
	assert_int_equal(vault_point_delete(f->v, "x", "two", &e), 0);
	assert_points(f, "x", "x/one ");
	check_restore(f, "y", "two", "a");
}

static void a_dropped_session_leaves_no_point(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct vault_session *s;
	struct err e = { 0 };

	random_disk(f, "d", 50 * MIB, 30);
	OK(vault_session_begin(f->v, "x", &s, &e));
	OK(backup_one(f, s, "d", NULL, &st, &e));
	vault_session_end(s);
	vault_session_end(NULL);
	assert_points(f, NULL, "");
	reopen(f);
	assert_points(f, NULL, "");
	OK(backup(f, "x", "p", "d", &st, &e));
	check_restore(f, "x", "p", "d");
}

static void keys_and_existing_vaults_are_respected(void **state)
{
	struct fixture *f = *state;
	struct object_store *s = open_store(f);
	struct vault *v;
	uint8_t other[32];
	struct err e = { 0 };

	FAILS(vault_create(s, f->key, &e), ERR_CONFLICT);
	memcpy(other, f->key, sizeof(other));
	other[31] ^= 1;
	FAILS(vault_open(s, other, &v, &e), ERR_DENIED);
	CONTAINS(e.msg, "wrong key");
	strcat(f->store, "-none");
	s = open_store(f);
	FAILS(vault_open(s, f->key, &v, &e), ERR_NOT_FOUND);
}

/* ---- damage ---- */
struct object_names {
	char name[16][256];
	int64_t size[16];
	size_t n;
};

static int note_object(void *arg, const struct object_info *info, struct err *e)
{
	struct object_names *o = arg;

	(void)e;
	assert_true(o->n < ARRAY_LEN(o->name));
	memcpy(o->name[o->n], info->name, sizeof(info->name));
	o->size[o->n++] = info->size;
	return 0;
}

static void list_objects(const struct fixture *f, struct object_names *ret)
{
	struct object_store *s = open_store(f);
	struct err e = { 0 };

	ret->n = 0;
	OK(object_list(s, "", note_object, ret, &e));
	object_close(s);
}

static void flip(const struct fixture *f, const char *object, int64_t offset, uint8_t mask)
{
	char path[512];
	uint8_t c;
	struct err e = { 0 };

	(void)snprintf(path, sizeof(path), "%s/%s", f->store, object);
	auto_close int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	OK(fs_pread_full(fd, &c, 1, offset, path, &e));
	c ^= mask;
	OK(fs_pwrite_full(fd, &c, 1, offset, path, &e));
}

/* Something between opening and verifying complains; and a restore that succeeds all the same
 * gives the right bytes. */
static void assert_damage_is_found(struct fixture *f, const char *object, int64_t offset)
{
	struct err e = { 0 };
	bool found = false;

	if (try_open(f, &e) != 0) {
		found = true;
		assert_true(e.kind == ERR_CORRUPT);
	} else {
		found = verify(f, "item", "p", &e) != 0;
		assert_true(!found || e.kind == ERR_CORRUPT);
		if (restore(f, "item", "p", "d", NULL, 0, NULL, &e) == 0)
			assert_true(same_files(f, "d", "restored"));
		else
			assert_true(e.kind == ERR_CORRUPT);
	}
	if (!found)
		print_error("flip in %s at %lld went unseen\n", object, (long long)offset);
	assert_true(found);
}

static void one_small_point(struct fixture *f)
{
	struct vault_disk_stats st;
	struct err e = { 0 };

	make_disk(f, "d", 4 * MIB);
	fill_disk(f, "d", 0, 70000, TEXT);
	fill_disk(f, "d", 2 * MIB, 3000, NOISE);
	fill_disk(f, "d", 4 * MIB - 512, 512, NOISE);
	OK(backup(f, "item", "p", "d", &st, &e));
}

static void every_flipped_bit_is_found(void **state)
{
	struct fixture *f = *state;
	struct object_names o;

	one_small_point(f);
	list_objects(f, &o);
	assert_int_equal(o.n, 3);	/* config, a pack, a point */
	for (size_t i = 0; i < o.n; i++) {
		int64_t step = o.size[i] > 600 ? 37 : 1;

		for (int64_t at = 0; at < o.size[i];
		     at += at < 200 || at > o.size[i] - 100 ? 1 : step) {
			uint8_t mask = (uint8_t)(1u << (rnd(f) % 8));

			flip(f, o.name[i], at, mask);
			assert_damage_is_found(f, o.name[i], at);
			flip(f, o.name[i], at, mask);
		}
	}
	reopen(f);
	check_restore(f, "item", "p", "d");
}

static void cut_and_missing_objects_are_found(void **state)
{
	struct fixture *f = *state;
	struct object_names o;
	struct err e = { 0 };

	one_small_point(f);
	list_objects(f, &o);
	for (size_t i = 0; i < o.n; i++) {
		struct object_store *s = open_store(f);
		auto_buf struct buf whole = { 0 };

		OK(object_get_all(s, o.name[i], 1 << 24, &whole, &e));
		for (size_t n = 0; n < whole.n; n += whole.n / 40 + 1) {
			OK(object_put(s, o.name[i], whole.p, n, &e));
			assert_damage_is_found(f, o.name[i], (int64_t)n);
		}
		OK(object_put(s, o.name[i], whole.p, whole.n - 1, &e));
		assert_damage_is_found(f, o.name[i], (int64_t)whole.n - 1);
		buf_add(&whole, "x", 1);
		OK(object_put(s, o.name[i], whole.p, whole.n, &e));
		assert_damage_is_found(f, o.name[i], (int64_t)whole.n);
		OK(object_del(s, o.name[i], &e));
		assert_true(try_open(f, &e) != 0 || verify(f, "item", "p", &e) != 0);
		if (strncmp(o.name[i], "packs/", 6) == 0)
			assert_int_equal(e.kind, ERR_CORRUPT);
		OK(object_put(s, o.name[i], whole.p, whole.n - 1, &e));
		object_close(s);
	}
	reopen(f);
	check_restore(f, "item", "p", "d");
}

static void damage_while_open_names_chunk_and_object(void **state)
{
	struct fixture *f = *state;
	struct object_names o;
	struct err e = { 0 };

	one_small_point(f);
	list_objects(f, &o);
	assert_memory_equal(o.name[1], "packs/", 6);
	flip(f, o.name[1], 200, 4);
	FAILS(restore(f, "item", "p", "d", NULL, 0, NULL, &e), ERR_CORRUPT);
	CONTAINS(e.msg, o.name[1]);
	CONTAINS(e.msg, "chunk ");
	CONTAINS(e.msg, "disk 'd'");
	flip(f, o.name[1], 200, 4);
	OK(verify(f, "item", "p", &e));
	flip(f, o.name[1], o.size[1] - 60, 4);
	FAILS(verify(f, "item", "p", &e), ERR_CORRUPT);
	CONTAINS(e.msg, o.name[1]);
}

static void a_pack_without_its_table_still_restores(void **state)
{
	struct fixture *f = *state;
	struct object_names o;
	struct err e = { 0 };

	one_small_point(f);
	list_objects(f, &o);
	flip(f, o.name[1], o.size[1] - 1, 1);
	reopen(f);
	check_restore(f, "item", "p", "d");
	FAILS(verify(f, "item", "p", &e), ERR_CORRUPT);
}

static void a_point_does_not_open_under_another_name(void **state)
{
	struct fixture *f = *state;
	struct object_store *s;
	struct vault_point *p;
	auto_buf struct buf whole = { 0 };
	struct object_names o;
	char name[256];
	struct err e = { 0 };

	one_small_point(f);
	list_objects(f, &o);
	s = open_store(f);
	OK(object_get_all(s, o.name[2], 1 << 20, &whole, &e));
	(void)snprintf(name, sizeof(name), "%.*sq", (int)strlen(o.name[2]) - 1, o.name[2]);
	OK(object_put(s, name, whole.p, whole.n, &e));
	object_close(s);
	FAILS(vault_point_open(f->v, "item", "q", &p, &e), ERR_CORRUPT);
	CONTAINS(e.msg, name);
}

/* ---- failures of the store ---- */
static void every_store_failure_in_a_backup_is_clean(void **state)
{
	static const enum err_kind kinds[] = { ERR_IO, ERR_NO_SPACE };
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct err e = { 0 };
	bool ended = false;

	one_small_point(f);
	random_disk(f, "e", 40 * MIB, 25);
	fill_disk(f, "e", 0, 33 * MIB, NOISE);	/* two packs */
	for (unsigned nth = 1; !ended; nth++) {
		unsigned calls;
		int r;

		assert_true(nth < 100);
		fill_disk(f, "e", 0, 33 * MIB, NOISE);
		reopen(f);
		object_fault_arm(f->fault, nth, kinds[nth % 2], nth % 3 == 0);
		r = backup(f, "item", "q", "e", &st, &e);
		calls = object_fault_calls(f->fault);
		ended = calls < nth;
		if (ended)
			assert_int_equal(r, 0);
		else
			assert_true(r < 0 && e.kind == kinds[nth % 2]);
		reopen(f);
		assert_points(f, NULL, ended ? "item/p item/q " : "item/p ");
		OK(verify(f, "item", "p", &e));
	}
	check_restore(f, "item", "q", "e");
}

static void every_store_failure_in_a_restore_is_told(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	bool ended = false;

	one_small_point(f);
	for (unsigned nth = 1; !ended; nth++) {
		struct object_store *below = open_store(f);
		int r;

		assert_true(nth < 100);
		vault_close(f->v);
		f->v = NULL;
		OK(object_fault_open(below, &f->fault, &e));
		object_fault_arm(f->fault, nth, ERR_IO, nth % 2 == 0);
		/* the filter is gone with a vault that did not open */
		if (vault_open(f->fault, f->key, &f->v, &e) != 0) {
			assert_int_equal(e.kind, ERR_IO);
			continue;
		}
		r = restore(f, "item", "p", "d", NULL, 0, NULL, &e);
		ended = object_fault_calls(f->fault) < nth;
		if (ended)
			assert_int_equal(r, 0);
		else
			assert_true(r < 0 && e.kind == ERR_IO);
	}
	assert_true(same_files(f, "d", "restored"));
}

/* ---- progress ---- */
struct watch {
	int64_t stop_at;	/* cancel once that many bytes are done; -1: never */
	int64_t done, total;
};

static bool tick(void *arg, int64_t done, int64_t total)
{
	struct watch *w = arg;

	assert_true(done >= w->done && done <= total);
	w->done = done;
	w->total = total;
	return w->stop_at >= 0 && done >= w->stop_at;
}

static void backups_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct watch w = { .stop_at = 40 * MIB }, all = { .stop_at = -1 };
	struct vault_progress p = { tick, &w }, q = { tick, &all };
	auto_json json_t *meta = json_pack("{s:s}", "made", "p");
	struct vault_disk_stats st;
	struct vault_session *s;
	struct err e = { 0 };

	make_disk(f, "d", 80 * MIB);
	fill_disk(f, "d", 0, 70 * MIB, NOISE);
	OK(vault_session_begin(f->v, "item", &s, &e));
	FAILS(backup_one(f, s, "d", &p, &st, &e), ERR_CANCELLED);
	/* the session goes on: the disk can be done again */
	OK(backup_one(f, s, "d", &q, &st, &e));
	assert_int_equal(all.done, 70 * MIB);
	assert_int_equal(all.total, 70 * MIB);
	assert_true(st.reused > 0);
	OK(vault_session_commit(s, "p", meta, &e));
	vault_session_end(s);
	check_restore(f, "item", "p", "d");
}

static void cancelled_restores_go_on_where_they_were_durable(void **state)
{
	struct fixture *f = *state;
	struct watch w = { .stop_at = 13 * MIB }, all = { .stop_at = -1 };
	struct vault_progress p = { tick, &w }, q = { tick, &all };
	struct vault_disk_stats st;
	int64_t durable = 0;
	struct err e = { 0 };

	make_disk(f, "d", 700 * MIB);
	for (int i = 0; i < 20; i++)
		fill_disk(f, "d", i * 35 * MIB, MIB, NOISE);
	OK(backup(f, "item", "p", "d", &st, &e));
	FAILS(restore(f, "item", "p", "d", &p, 0, &durable, &e), ERR_CANCELLED);
	assert_true(durable >= 256 * MIB && durable < 700 * MIB);
	assert_int_equal(durable % MIB, 0);
	OK(restore(f, "item", "p", "d", &q, durable, &durable, &e));
	assert_int_equal(durable, 700 * MIB);
	assert_int_equal(all.done, 20 * MIB);
	assert_int_equal(all.total, 20 * MIB);
	assert_true(same_files(f, "d", "restored"));
}

/* ---- threads ---- */
struct worker {
	struct fixture *f;
	const char *disk, *item;
	int ok, conflicts;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct vault_disk_stats st;
	struct err e = { 0 };
	char point[16];

	for (int i = 0; i < 3; i++) {
		(void)snprintf(point, sizeof(point), "p%d", i);
		if (backup(w->f, w->item, point, w->disk, &st, &e) == 0)
			w->ok++;
		else if (e.kind == ERR_CONFLICT)
			w->conflicts++;
		else
			print_error("%s\n", e.msg);
		if (verify(w->f, w->item, point, &e) != 0)
			print_error("%s\n", e.msg);
	}
	return NULL;
}

static void sessions_run_side_by_side(void **state)
{
	struct fixture *f = *state;
	struct worker w[] = {
		{ f, "a", "one", 0, 0 }, { f, "b", "two", 0, 0 }, { f, "b", "one", 0, 0 },
	};
	pthread_t t[ARRAY_LEN(w)];
	struct err e = { 0 };

	make_disk(f, "a", 30 * MIB);
	make_disk(f, "b", 40 * MIB);
	fill_disk(f, "a", 0, 12 * MIB, NOISE);
	f->rng = 42;
	fill_disk(f, "a", 15 * MIB, 5 * MIB, NOISE);
	f->rng = 42;
	fill_disk(f, "b", 0, 35 * MIB, NOISE);
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		(void)pthread_join(t[i], NULL);
	assert_int_equal(w[0].ok + w[2].ok, 3);
	assert_int_equal(w[0].conflicts + w[2].conflicts, 3);
	assert_int_equal(w[1].ok, 3);
	assert_points(f, "one", "one/p0 one/p1 one/p2 ");
	check_restore(f, "two", "p1", "b");
	reopen(f);
	check_restore(f, "two", "p2", "b");
	OK(verify(f, "one", "p0", &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(random_disks_come_back_byte_for_byte),
		T(sizes_at_the_edges),
		T(equal_neighbours_come_back),
		T(a_disk_of_holes_stores_no_chunk),
		T(huge_sparse_disks_have_deep_maps),
		T(a_second_backup_stores_what_changed),
		T(packs_fill_up_and_all_are_read_back),
		T(points_list_open_and_delete),
		T(a_dropped_session_leaves_no_point),
		T(keys_and_existing_vaults_are_respected),
		T(every_flipped_bit_is_found),
		T(cut_and_missing_objects_are_found),
		T(damage_while_open_names_chunk_and_object),
		T(a_pack_without_its_table_still_restores),
		T(a_point_does_not_open_under_another_name),
		T(every_store_failure_in_a_backup_is_clean),
		T(every_store_failure_in_a_restore_is_told),
		T(backups_can_be_cancelled),
		T(cancelled_restores_go_on_where_they_were_durable),
		T(sessions_run_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
