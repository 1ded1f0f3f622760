/* t_golden.c - vaults made by earlier builds are read by this one.
 *
 * tests/golden/vN is a vault of format version N, made once and never changed.  The disks in it are
 * computed here.  To make one for a new version: HOLDFAST_GOLDEN=DIR t_golden. */
#include "t.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "vault/vault.h"

#define CHUNK ((size_t)256 << 10)
#define SIZE (5 * CHUNK + 512)

static void key_bytes(uint8_t key[32])
{
	for (unsigned i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
}

/* Text, a hole, text again (the same chunk), a little of many bytes, a hole, and an end that does
 * not compress.  The second point's disk has one byte changed and one chunk more a hole. */
static void golden_disk(uint8_t *p, int point)
{
	static const char text[] = "holdfast golden vault. ";
	uint32_t x = 2463534242u;

	memset(p, 0, SIZE);
	for (size_t i = 0; i < CHUNK; i++)
		p[i] = p[2 * CHUNK + i] = (uint8_t)text[i % (sizeof(text) - 1)];
	for (size_t i = 0; i < 256; i++)
		p[3 * CHUNK + 1000 * i] = (uint8_t)i;
	for (size_t i = 0; i < 512; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		p[5 * CHUNK + i] = (uint8_t)x;
	}
	if (point == 2) {
		p[10] = '!';
		memset(p + 3 * CHUNK, 0, CHUNK);
	}
}

static void write_file(const char *path, const uint8_t *p, size_t n)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct err e;

	assert_true(fd >= 0);
	OK(fs_pwrite_full(fd, p, n, 0, path, &e));
}

static void add_point(struct vault *v, const char *dir, int point)
{
	auto_json json_t *meta = json_pack("{s:{s:s}}", "properties", "recoveryPointTime",
	    point == 1 ? "2026-01-02T03:04:05Z" : "2026-01-03T03:04:05Z");
	auto_free uint8_t *disk = malloc(SIZE);
	struct vault_disk_stats st;
	struct vault_session *s = NULL;
	struct disk_src *src = NULL;
	char path[256], name[8];
	struct err e;

	golden_disk(disk, point);
	(void)snprintf(path, sizeof(path), "%s.disk", dir);
	(void)snprintf(name, sizeof(name), "p%d", point);
	write_file(path, disk, SIZE);
	OK(disk_src_open(path, DISK_RAW, &src, &e));
	OK(vault_session_begin(v, "an item", &s, &e));
	OK(vault_session_chunk_size(s, CHUNK, &e));
	OK(vault_backup_disk(s, "a disk", src, NULL, &st, &e));
	OK(vault_session_commit(s, name, meta, &e));
	vault_session_end(s);
	disk_src_close(src);
	(void)unlink(path);
}

static void make(const char *dir)
{
	struct object_store *store = NULL;
	struct vault *v = NULL;
	uint8_t key[32];
	struct err e;

	key_bytes(key);
	OK(object_dir_open(dir, true, &store, &e));
	OK(vault_create(store, key, &e));
	OK(vault_open(store, key, &v, &e));
	add_point(v, dir, 1);
	add_point(v, dir, 2);
	vault_close(v);
}

/* The golden directory is not written to: it may be read-only, and stays as it is. */
static void copy_of(const char *version, char ret[64])
{
	char command[512];

	strcpy(ret, "/tmp/t_golden.XXXXXX");
	assert_non_null(mkdtemp(ret));
	(void)snprintf(command, sizeof(command), "cp -r %s/tests/golden/%s/. %s && chmod -R u+w %s",
	    SOURCE_ROOT, version, ret, ret);
	assert_int_equal(system(command), 0);
}

static void remove_copy(const char *dir)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s %s.out %s.disk", dir, dir, dir);
	assert_int_equal(system(command), 0);
}

static void assert_restores(struct vault *v, const char *dir, int point)
{
	auto_free uint8_t *want = malloc(SIZE), *got = malloc(SIZE + 1);
	auto_close int fd = -1;
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	char path[256], name[8];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s.out", dir);
	(void)snprintf(name, sizeof(name), "p%d", point);
	OK(vault_point_open(v, "an item", name, &p, &e));
	assert_int_equal(vault_point_disk_size(p, "a disk"), (int64_t)SIZE);
	OK(disk_sink_create(path, DISK_RAW, (int64_t)SIZE, &sink, &e));
	OK(vault_restore_disk(p, "a disk", sink, 0, NULL, NULL, &e));
	OK(disk_sink_finish(&sink, &e));
	vault_point_close(p);
	golden_disk(want, point);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, got, SIZE + 1, 0), (ssize_t)SIZE);
	assert_memory_equal(got, want, SIZE);
	(void)unlink(path);
}

static void check(const char *version, uint32_t number)
{
	struct object_store *store = NULL;
	struct vault_collect_stats collected;
	struct vault *v = NULL;
	struct vault_stat st;
	uint8_t key[32];
	char dir[64];
	struct err e;

	key_bytes(key);
	copy_of(version, dir);
	OK(object_dir_open(dir, false, &store, &e));
	OK(vault_open(store, key, &v, &e));
	OK(vault_stat(v, &st, &e));
	assert_int_equal(st.version, number);
	assert_int_equal(st.points, 2);
	assert_int_equal(st.bad_tables, 0);
	assert_restores(v, dir, 1);
	assert_restores(v, dir, 2);
	/* and goes on: a new point, an old one away, garbage collected */
	assert_int_equal(vault_point_delete(v, "an item", "p1", &e), 1);
	OK(vault_collect(v, NULL, &collected, &e));
	add_point(v, dir, 1);
	assert_restores(v, dir, 1);
	assert_restores(v, dir, 2);
	vault_close(v);
	remove_copy(dir);
}

static void a_vault_of_version_1_is_read_and_goes_on(void **state)
{
	(void)state;
	check("v1", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vault_of_version_1_is_read_and_goes_on),
	};
	const char *dir = getenv("HOLDFAST_GOLDEN");

	if (dir != NULL) {
		make(dir);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
