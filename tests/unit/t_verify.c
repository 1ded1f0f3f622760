/* t_verify.c - verification of whole vaults: every chunk once, interruptions, damage, pace. */
#include "t.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "vault/vault.h"

#define MIB ((int64_t)1 << 20)

struct fixture {
	char dir[64], store[96], disk[96];
	uint8_t key[32];
	struct vault *v;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void reopen(struct fixture *f)
{
	struct object_store *s = NULL;
	struct err e;

	vault_close(f->v);
	OK(object_dir_open(f->store, true, &s, &e));
	OK(vault_open(s, f->key, &f->v, &e));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct object_store *s = NULL;
	struct err e;

	assert_non_null(f);
	strcpy(f->dir, "/tmp/t_verify.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->store, sizeof(f->store), "%s/store", f->dir);
	(void)snprintf(f->disk, sizeof(f->disk), "%s/disk", f->dir);
	random_bytes(f->key, sizeof(f->key));
	OK(object_dir_open(f->store, true, &s, &e));
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

static void write_disk(struct fixture *f, int64_t size, int64_t at, size_t n)
{
	auto_close int fd = open(f->disk, O_RDWR | O_CREAT, 0600);
	auto_free uint8_t *p = malloc(n);
	struct err e;

	assert_true(fd >= 0 && p != NULL);
	assert_int_equal(ftruncate(fd, size), 0);
	random_bytes(p, n);
	OK(fs_pwrite_full(fd, p, n, at, f->disk, &e));
}

static void backup(struct fixture *f, const char *point, struct vault_disk_stats *st)
{
	auto_json json_t *meta = json_object();
	struct vault_session *s = NULL;
	struct disk_src *src = NULL;
	struct err e;

	OK(disk_src_open(f->disk, DISK_RAW, &src, &e));
	OK(vault_session_begin(f->v, "item", &s, &e));
	OK(vault_backup_disk(s, "disk", src, NULL, st, &e));
	OK(vault_session_commit(s, point, meta, &e));
	vault_session_end(s);
	disk_src_close(src);
}

/* What a verification told. */
struct told {
	unsigned points, damaged, unreadable;
	char first[256];
	int64_t damages;
	/* progress */
	int64_t stop_at;	/* cancel at so many bytes; 0: never */
	int64_t largest;
};

static int tell(void *arg, const char *item, const char *point, const struct vault_check *c,
    const struct err *damage, struct err *e)
{
	struct told *t = arg;

	(void)item;
	(void)point;
	(void)e;
	t->points++;
	if (damage != NULL) {
		t->unreadable++;
		return 0;
	}
	assert_true(c->is_complete);
	assert_int_equal(c->covered, c->total);
	if (c->damaged > 0) {
		t->damaged++;
		t->damages += c->damaged;
		(void)snprintf(t->first, sizeof(t->first), "%s", c->first);
	}
	return 0;
}

static bool tick(void *arg, int64_t done, int64_t total)
{
	struct told *t = arg;

	(void)total;
	if (done > t->largest)
		t->largest = done;
	return t->stop_at > 0 && done >= t->stop_at;
}

static int verify(struct fixture *f, bool resume, int64_t rate, struct told *t, struct err *e)
{
	const struct vault_progress progress = { tick, t };
	const struct vault_verify_opts o = { .bytes_per_s = rate, .resume = resume,
		.progress = &progress };

	return vault_verify(f->v, &o, tell, t, e);
}

static int flip(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	auto_close int fd = -1;
	uint8_t byte;

	(void)ftw;
	if (kind != FTW_F || strstr(path, "/packs/") == NULL)
		return 0;
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, st->st_size / 3), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, st->st_size / 3), 1);
	return 0;
}

static void damage_packs(struct fixture *f)
{
	assert_int_equal(nftw(f->store, flip, 16, FTW_PHYS), 0);
}

static void a_whole_vault_is_whole(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct vault_check c;
	struct told t = { 0 };
	struct err e;

	write_disk(f, 20 * MIB, 0, 9 * (size_t)MIB);
	backup(f, "p1", &st);
	write_disk(f, 20 * MIB, 3 * MIB, 100);
	backup(f, "p2", &st);
	assert_int_equal(vault_check_get(f->v, "item", "p1", &c, &e), 0);
	OK(verify(f, false, 0, &t, &e));
	assert_int_equal(t.points, 2);
	assert_int_equal(t.damaged + t.unreadable, 0);
	assert_int_equal(vault_check_get(f->v, "item", "p1", &c, &e), 1);
	assert_true(c.is_complete && c.damaged == 0 && c.covered == 9 * MIB);
	reopen(f);
	assert_int_equal(vault_check_get(f->v, "item", "p2", &c, &e), 1);
	/* what is known of a point goes with it */
	assert_int_equal(vault_point_delete(f->v, "item", "p2", &e), 1);
	assert_int_equal(vault_check_get(f->v, "item", "p2", &c, &e), 0);
}

/* Twenty points that share nearly all: at the given rate reading each whole would take far longer. */
static void shared_chunks_are_read_once(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct told t = { 0 };
	char name[16];
	int64_t began;
	struct err e;

	write_disk(f, 16 * MIB, 0, 8 * (size_t)MIB);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "p%02d", i);
		backup(f, name, &st);
	}
	began = clock_monotonic_us();
	OK(verify(f, false, 16 * MIB, &t, &e));
	began = clock_monotonic_us() - began;
	assert_int_equal(t.points, 20);
	/* 8 MiB at 16 MiB/s: the pace is kept, and nothing is read twice (160 MiB would be 10 s) */
	assert_true(began > 300000 && began < 5000000);
}

static void an_interrupted_verification_goes_on(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct vault_check a, b;
	struct told t = { .stop_at = 10 * MIB }, rest = { 0 };
	struct err e;

	write_disk(f, 40 * MIB, 0, 4 * (size_t)MIB);
	backup(f, "a", &st);
	write_disk(f, 40 * MIB, 8 * MIB, 24 * (size_t)MIB);
	backup(f, "b", &st);
	FAILS(verify(f, false, 0, &t, &e), ERR_CANCELLED);
	assert_int_equal(t.points, 1);
	assert_int_equal(vault_check_get(f->v, "item", "a", &a, &e), 1);
	assert_true(a.is_complete);
	reopen(f);		/* nothing is remembered but what the vault notes */
	OK(verify(f, true, 0, &rest, &e));
	assert_int_equal(rest.points, 2);
	assert_int_equal(vault_check_get(f->v, "item", "b", &b, &e), 1);
	assert_true(b.is_complete);
	assert_int_equal(b.round_us, a.round_us);
	OK(verify(f, false, 0, &rest, &e));	/* a new one */
	assert_int_equal(vault_check_get(f->v, "item", "b", &b, &e), 1);
	assert_true(b.round_us > a.round_us);
}

static void damage_is_told_of_every_point_and_does_not_end_it(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct vault_stat s;
	struct told t = { 0 }, after = { 0 };
	struct err e;

	write_disk(f, 30 * MIB, 0, 6 * (size_t)MIB);
	backup(f, "p1", &st);
	write_disk(f, 30 * MIB, 20 * MIB, 2 * (size_t)MIB);
	backup(f, "p2", &st);
	write_disk(f, 30 * MIB, 0, 6 * (size_t)MIB);
	write_disk(f, 30 * MIB, 20 * MIB, 2 * (size_t)MIB);
	backup(f, "p3", &st);
	damage_packs(f);
	OK(verify(f, false, 0, &t, &e));
	assert_int_equal(t.points, 3);
	assert_int_equal(t.damaged, 3);	/* each pack lost a chunk, and p1's is p2's too */
	assert_int_equal(t.damages, 4);
	CONTAINS(t.first, "packs/");
	OK(vault_stat(f->v, &s, &e));
	assert_int_equal(s.bad_chunks, 3);
	/* the next backup of the live disk, which is p3's, mends p3 */
	backup(f, "p4", &st);
	assert_true(st.stored > 0);
	OK(verify(f, false, 0, &after, &e));
	assert_int_equal(after.points, 4);
	assert_int_equal(after.damaged, 2);
}

/* `holdfast vault verify` beside a server that has the vault open and writes to it. */
static void damage_that_another_process_finds_is_mended_too(void **state)
{
	struct fixture *f = *state, other = *f;
	struct vault_disk_stats st;
	struct told t = { 0 }, after = { 0 };
	struct err e;

	write_disk(f, 8 * MIB, 0, 2 * (size_t)MIB);
	backup(f, "p1", &st);
	damage_packs(f);
	other.v = NULL;
	reopen(&other);
	OK(verify(&other, false, 0, &t, &e));
	vault_close(other.v);
	assert_int_equal(t.damages, 1);
	backup(f, "p2", &st);
	assert_true(st.stored > 200000 && st.stored < MIB);	/* one chunk */
	OK(verify(f, false, 0, &after, &e));
	assert_int_equal(after.points, 2);
	assert_int_equal(after.damaged, 0);
}

static void a_point_that_cannot_be_read_is_told_too(void **state)
{
	struct fixture *f = *state;
	struct vault_disk_stats st;
	struct told t = { 0 };
	char command[256];
	struct err e;

	write_disk(f, 5 * MIB, 0, (size_t)MIB);
	backup(f, "p1", &st);
	backup(f, "p2", &st);
	(void)snprintf(command, sizeof(command), "truncate -s -1 %s/points/*/p1", f->store);
	assert_int_equal(system(command), 0);
	OK(verify(f, false, 0, &t, &e));
	assert_int_equal(t.points, 2);
	assert_int_equal(t.unreadable, 1);
	assert_int_equal(t.damaged, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_whole_vault_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(shared_chunks_are_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(an_interrupted_verification_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_told_of_every_point_and_does_not_end_it, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(damage_that_another_process_finds_is_mended_too, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_point_that_cannot_be_read_is_told_too, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
