/* t_incremental.c - backups that read only what changed, against full ones of the same disk. */
#include "t.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "vault/vault.h"

#define MIB ((int64_t)1 << 20)
#define DIRTY_MAX 64

struct fixture {
	char dir[64], disk[96], out[96];
	struct vault *v;
	size_t chunk;		/* bytes; 0: as the vault has it */
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct object_store *s = NULL;
	char store[96];
	uint8_t key[32];
	struct err e;

	assert_non_null(f);
	strcpy(f->dir, "/tmp/t_incremental.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->disk, sizeof(f->disk), "%s/disk", f->dir);
	(void)snprintf(f->out, sizeof(f->out), "%s/out", f->dir);
	(void)snprintf(store, sizeof(store), "%s/store", f->dir);
	random_bytes(key, sizeof(key));
	OK(object_dir_open(store, true, &s, &e));
	OK(vault_create(s, key, &e));
	OK(vault_open(s, key, &f->v, &e));
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

static void resize(struct fixture *f, int64_t size)
{
	int fd = open(f->disk, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
}

/* Write noise, or zeros; note the extent. */
static void change(struct fixture *f, int64_t at, size_t n, bool zeros, struct extent *dirty,
    size_t *count)
{
	auto_close int fd = open(f->disk, O_WRONLY);
	auto_free uint8_t *p = calloc(1, n);
	struct err e;

	assert_true(fd >= 0 && p != NULL);
	if (!zeros)
		random_bytes(p, n);
	OK(fs_pwrite_full(fd, p, n, at, f->disk, &e));
	if (dirty != NULL)
		dirty[(*count)++] = (struct extent){ at, (int64_t)n };
}

static int try_backup(struct fixture *f, const char *point, const struct vault_base *base,
    struct vault_disk_stats *st, struct err *e)
{
	auto_json json_t *meta = json_object();
	struct vault_session *s = NULL;
	struct disk_src *src = NULL;
	int r;

	assert_int_equal(disk_src_open(f->disk, DISK_RAW, &src, e), 0);
	assert_int_equal(vault_session_begin(f->v, "item", &s, e), 0);
	if (f->chunk != 0)
		assert_int_equal(vault_session_chunk_size(s, f->chunk, e), 0);
	r = base != NULL ? vault_backup_disk_since(s, "disk", src, base, NULL, st, e) :
	    vault_backup_disk(s, "disk", src, NULL, st, e);
	if (r == 0)
		r = vault_session_commit(s, point, meta, e);
	vault_session_end(s);
	disk_src_close(src);
	return r;
}

static void backup(struct fixture *f, const char *point, const struct vault_base *base,
    struct vault_disk_stats *st)
{
	struct err e;

	OK(try_backup(f, point, base, st, &e));
}

static void assert_restores(struct fixture *f, const char *point)
{
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	char command[256];
	struct err e;

	(void)unlink(f->out);
	OK(vault_point_open(f->v, "item", point, &p, &e));
	OK(disk_sink_create(f->out, DISK_RAW, vault_point_disk_size(p, "disk"), &sink, &e));
	OK(vault_restore_disk(p, "disk", sink, 0, NULL, NULL, &e));
	OK(disk_sink_finish(&sink, &e));
	vault_point_close(p);
	(void)snprintf(command, sizeof(command), "cmp '%s' '%s'", f->disk, f->out);
	assert_int_equal(system(command), 0);
}

static int64_t data_of(struct fixture *f, const char *point)
{
	struct vault_point *p = NULL;
	int64_t data;
	struct err e;

	OK(vault_point_open(f->v, "item", point, &p, &e));
	data = vault_point_disk_data(p, "disk");
	vault_point_close(p);
	return data;
}

static void only_what_changed_is_read(void **state)
{
	struct fixture *f = *state;
	struct extent dirty[DIRTY_MAX];
	struct vault_disk_stats st;
	size_t n = 0;

	f->chunk = (size_t)MIB;
	resize(f, 1500 * MIB + 512);	/* two levels of map, a short last chunk */
	for (int64_t at = 0; at < 1500; at += 7)
		change(f, at * MIB, 9000, false, NULL, NULL);
	backup(f, "full", NULL, &st);
	change(f, 14 * MIB, 100, false, dirty, &n);
	change(f, 700 * MIB + 5, 2 * (size_t)MIB, false, dirty, &n);
	change(f, 1500 * MIB, 512, false, dirty, &n);
	backup(f, "inc", &(struct vault_base){ "full", "disk", dirty, n }, &st);
	assert_int_equal(st.read, 4 * MIB + 512);	/* the chunks touched, no more */
	assert_restores(f, "inc");
	/* it says of itself what a full backup would */
	backup(f, "again", NULL, &st);
	assert_int_equal(data_of(f, "inc"), data_of(f, "again"));
	assert_true(st.stored < 4096);	/* every chunk and map node was there already */
}

static void nothing_changed_costs_nothing(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;

	resize(f, 600 * MIB);
	change(f, 0, 3 * (size_t)MIB, false, NULL, NULL);
	change(f, 590 * MIB, 100, false, NULL, NULL);
	backup(f, "full", NULL, &st);
	backup(f, "same", &(struct vault_base){ "full", "disk", NULL, 0 }, &st);
	assert_int_equal(st.read, 0);
	assert_int_equal(st.stored, 0);
	assert_restores(f, "same");
}

static void what_became_zeros_becomes_a_hole(void **state)
{
	struct fixture *f = *state;
	struct extent dirty[DIRTY_MAX];
	struct vault_disk_stats st;
	size_t n = 0;

	resize(f, 20 * MIB);
	change(f, 0, 20 * (size_t)MIB, false, NULL, NULL);
	backup(f, "full", NULL, &st);
	change(f, 4 * MIB, 3 * (size_t)MIB, true, dirty, &n);
	backup(f, "inc", &(struct vault_base){ "full", "disk", dirty, n }, &st);
	assert_int_equal(data_of(f, "inc"), 17 * MIB);
	assert_restores(f, "inc");
}

static void a_disk_that_grew_goes_on(void **state)
{
	struct fixture *f = *state;
	struct extent dirty[DIRTY_MAX];
	struct vault_disk_stats st;
	struct err e;
	size_t n = 0;

	resize(f, 10 * MIB + 512);
	change(f, 9 * MIB, (size_t)MIB + 512, false, NULL, NULL);
	backup(f, "full", NULL, &st);
	resize(f, 30 * MIB);
	change(f, 25 * MIB, 77, false, dirty, &n);
	backup(f, "grown", &(struct vault_base){ "full", "disk", dirty, n }, &st);
	assert_restores(f, "grown");
	FAILS(try_backup(f, "x", &(struct vault_base){ "nothere", "disk", NULL, 0 }, &st, &e),
	    ERR_NOT_FOUND);
	FAILS(try_backup(f, "x", &(struct vault_base){ "full", "other", NULL, 0 }, &st, &e),
	    ERR_NOT_FOUND);
	resize(f, 30 * MIB);
	FAILS(try_backup(f, "x", &(struct vault_base){ "full", "disk",
	    &(struct extent){ -1, 5 }, 1 }, &st, &e), ERR_INVALID);
}

static void a_disk_may_grow_past_the_height_of_its_map(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;

	f->chunk = 256 * 1024;	/* one node covers 128 MiB, two levels 64 GiB */
	resize(f, 100 * MIB);
	change(f, 3 * MIB, 5 * (size_t)MIB, false, NULL, NULL);
	backup(f, "small", NULL, &st);
	resize(f, 700 * MIB);
	change(f, 650 * MIB, 100, false, NULL, NULL);	/* in what is new: nobody has to say so */
	backup(f, "large", &(struct vault_base){ "small", "disk", NULL, 0 }, &st);
	assert_true(st.read <= MIB);
	assert_restores(f, "large");
	resize(f, 80 * (int64_t)1024 * MIB);
	backup(f, "huge", &(struct vault_base){ "large", "disk", NULL, 0 }, &st);
	assert_true(st.read <= MIB);
	assert_int_equal(data_of(f, "huge"), data_of(f, "large"));
}

static void a_disk_that_shrank_loses_what_was_cut_off(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;

	f->chunk = 256 * 1024;
	resize(f, 700 * MIB);
	for (int64_t at = 0; at < 700; at += 11)
		change(f, at * MIB, 3000, false, NULL, NULL);
	backup(f, "large", NULL, &st);
	resize(f, 300 * MIB + 4096);
	backup(f, "less", &(struct vault_base){ "large", "disk", NULL, 0 }, &st);
	assert_true(st.read <= MIB);
	assert_restores(f, "less");
	resize(f, 33 * MIB + 512);	/* lower than the base's map, and cut inside a chunk */
	backup(f, "little", &(struct vault_base){ "less", "disk", NULL, 0 }, &st);
	assert_restores(f, "little");
	backup(f, "whole", NULL, &st);
	assert_int_equal(data_of(f, "little"), data_of(f, "whole"));
	assert_true(st.stored < 4096);
}

static void chunk_sizes_are_checked(void **state)
{
	struct fixture *f = *state;
	struct vault_session *s = NULL;
	struct err e;

	OK(vault_session_begin(f->v, "item", &s, &e));
	FAILS(vault_session_chunk_size(s, 128 * 1024, &e), ERR_INVALID);
	FAILS(vault_session_chunk_size(s, 300 * 1024, &e), ERR_INVALID);
	FAILS(vault_session_chunk_size(s, 8 * (size_t)MIB, &e), ERR_INVALID);
	OK(vault_session_chunk_size(s, 4 * (size_t)MIB, &e));
	vault_session_end(s);
}

/* A chain of random changes; every point restores, and the last equals a full backup. */
static void long_chains_stay_right(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	uint64_t seed = random_u64() | 1;
	char from[24] = "p0", to[24];

	print_message("seed %llu\n", (unsigned long long)seed);
	f->chunk = (size_t)1 << (18 + seed % 5);
	resize(f, 1100 * MIB);
	backup(f, from, NULL, &st);
	for (unsigned i = 1; i <= 12; i++) {
		struct extent dirty[DIRTY_MAX];
		size_t n = 0;

		for (int64_t at = 0; n < 8;) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			at += (int64_t)(seed % (130 * (uint64_t)MIB));
			change(f, at, (size_t)(seed >> 40) % (3 * (size_t)MIB) + 1, seed % 3 == 0, dirty, &n);
			at += dirty[n - 1].length;
		}
		if (i % 3 == 0)
			resize(f, (1000 + (int64_t)(seed % 900)) * MIB + 512 * (i % 2));
		(void)snprintf(to, sizeof(to), "p%u", i);
		backup(f, to, &(struct vault_base){ from, "disk", dirty, n }, &st);
		if (i % 4 == 0)
			assert_restores(f, to);
		memcpy(from, to, sizeof(from));
	}
	backup(f, "whole", NULL, &st);
	assert_int_equal(data_of(f, "whole"), data_of(f, from));
	assert_true(st.stored < 4096);
}

/* Of the tiny pack of such a backup, table and trailer are more than half. */
static void a_tiny_backup_is_not_rewritten_by_every_collection(void **state)
{
	struct fixture *f = *state;
	struct extent dirty[1];
	struct vault_base base = { "a", "disk", dirty, 0 };
	struct vault_collect_stats collected;
	struct vault_disk_stats st;
	struct err e;

	resize(f, MIB);
	change(f, 0, (size_t)MIB, false, NULL, NULL);
	backup(f, "a", NULL, &st);
	change(f, 0, (size_t)MIB / 4, true, dirty, &base.dirty_count);
	backup(f, "b", &base, &st);
	OK(vault_collect(f->v, NULL, &collected, &e));
	assert_int_equal(collected.dead_chunks, 0);
	assert_int_equal(collected.compacted_packs, 0);
	assert_restores(f, "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_changed_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_changed_costs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_became_zeros_becomes_a_hole, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_that_grew_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_may_grow_past_the_height_of_its_map, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_disk_that_shrank_loses_what_was_cut_off, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(chunk_sizes_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(long_chains_stay_right, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tiny_backup_is_not_rewritten_by_every_collection, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
