/* t_object.c - the directory store, the fault filter and the delay filter. */
#include "t.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "object/object.h"

struct fixture {
	char dir[64];
	struct object_store *s;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	strcpy(f->dir, "/tmp/t_object.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	OK(object_dir_open(f->dir, false, &f->s, &e));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	object_close(f->s);
	/* Only still mounted if a test failed half way. */
	(void)snprintf(path, sizeof(path), "%s/small", f->dir);
	(void)umount2(path, MNT_DETACH);
	(void)snprintf(path, sizeof(path), "%s/ro", f->dir);
	(void)umount2(path, MNT_DETACH);
	(void)nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void a_store_that_could_not_be_written_to_can_be_later(void **state)
{
	struct fixture *f = *state;
	struct object_store *s = NULL;
	char path[128];
	auto_close int fd = -1;
	struct err e;

	object_close(f->s);
	f->s = NULL;
	(void)snprintf(path, sizeof(path), "%s/#tmp", f->dir);
	assert_int_equal(rmdir(path), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);	/* in the way */
	assert_true(fd >= 0);
	OK(object_dir_open(f->dir, false, &s, &e));
	assert_int_equal(object_put(s, "a", "1", 1, &e), -1);
	assert_int_equal(unlink(path), 0);
	OK(object_put(s, "a", "1", 1, &e));
	object_close(s);
}

static void reads_back_what_was_put(void **state)
{
	struct fixture *f = *state;
	struct object_info info;
	auto_buf struct buf all = { 0 };
	char part[4];
	struct err e = { 0 };

	OK(object_put(f->s, "packs/aa/one", "hello world", 11, &e));
	OK(object_get(f->s, "packs/aa/one", 6, part, 4, &e));
	assert_memory_equal(part, "worl", 4);
	assert_int_equal(object_head(f->s, "packs/aa/one", &info, &e), 1);
	assert_string_equal(info.name, "packs/aa/one");
	assert_int_equal(info.size, 11);
	OK(object_put(f->s, "packs/aa/one", "new", 3, &e));
	OK(object_get_all(f->s, "packs/aa/one", 3, &all, &e));
	assert_string_equal(all.p, "new");
	FAILS(object_get_all(f->s, "packs/aa/one", 2, &all, &e), ERR_INVALID);
	OK(object_put(f->s, "empty", "", 0, &e));
	buf_clear(&all);
	OK(object_get_all(f->s, "empty", 0, &all, &e));
	assert_int_equal(all.n, 0);
}

static void absent_and_short_objects_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct object_info info;
	char part[8];
	struct err e = { 0 };

	FAILS(object_get(f->s, "no", 0, part, 1, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, "'no'");
	OK(object_put(f->s, "a/b", "12345", 5, &e));
	FAILS(object_get(f->s, "a/b", 0, part, 8, &e), ERR_CORRUPT);
	FAILS(object_get(f->s, "a/b", 9, part, 1, &e), ERR_CORRUPT);
	FAILS(object_get(f->s, "a/b", -1, part, 1, &e), ERR_INVALID);
	FAILS(object_get(f->s, "a", 0, part, 1, &e), ERR_NOT_FOUND);
	FAILS(object_get(f->s, "a/b/c", 0, part, 1, &e), ERR_NOT_FOUND);
	assert_int_equal(object_head(f->s, "a", &info, &e), 0);
	assert_int_equal(object_head(f->s, "a/b/c", &info, &e), 0);
	FAILS(object_put(f->s, "a", "x", 1, &e), ERR_CONFLICT);
	OK(object_del(f->s, "a/b", &e));
	OK(object_del(f->s, "a/b", &e));
	OK(object_del(f->s, "never/was", &e));
	assert_int_equal(object_head(f->s, "a/b", &info, &e), 0);
}

static void bad_names_never_reach_the_file_system(void **state)
{
	static const char *const bad[] = {
		"", "/", "/etc/passwd", "../out", "a/../b", "a/..", ".", "..", "./a", "a/./b",
		"a//b", "a/", "a b", "a\\b", "a\nb", "a%2e", "#tmp/x", "a:b", "\xc3\xa9", "~", "a*",
	};
	struct fixture *f = *state;
	struct object_info info;
	char longest[300], c;
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		FAILS(object_put(f->s, bad[i], "x", 1, &e), ERR_INVALID);
		FAILS(object_get(f->s, bad[i], 0, &c, 1, &e), ERR_INVALID);
		FAILS(object_head(f->s, bad[i], &info, &e), ERR_INVALID);
		FAILS(object_del(f->s, bad[i], &e), ERR_INVALID);
	}
	memset(longest, 'n', sizeof(longest));
	longest[256] = '\0';
	FAILS(object_put(f->s, longest, "x", 1, &e), ERR_INVALID);
	longest[255] = '\0';
	OK(object_put(f->s, longest, "x", 1, &e));
	OK(object_put(f->s, "...", "x", 1, &e));
	OK(object_put(f->s, ".hidden/..a/b..", "x", 1, &e));
}

struct seen {
	char text[1024];
	int stop_after;
};

static int note(void *arg, const struct object_info *info, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	(void)snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%s:%lld ",
	    info->name, (long long)info->size);
	return s->stop_after != 0 && --s->stop_after == 0 ? 7 : 0;
}

static void lists_in_name_order_by_prefix(void **state)
{
	static const char *const names[] = { "a0", "a/x", "a.b", "a-b", "a/w/deep", "b", "ab/c" };
	struct fixture *f = *state;
	struct seen all = { 0 }, some = { 0 }, deep = { 0 }, first = { .stop_after = 1 };
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		OK(object_put(f->s, names[i], "xyz", i % 3, &e));
	OK(object_list(f->s, "", note, &all, &e));
	assert_string_equal(all.text, "a-b:0 a.b:2 a/w/deep:1 a/x:1 a0:0 ab/c:0 b:2 ");
	OK(object_list(f->s, "a/", note, &some, &e));
	assert_string_equal(some.text, "a/w/deep:1 a/x:1 ");
	OK(object_list(f->s, "a/w/d", note, &deep, &e));
	assert_string_equal(deep.text, "a/w/deep:1 ");
	assert_int_equal(object_list(f->s, "ab", note, &first, &e), 7);
	assert_string_equal(first.text, "ab/c:0 ");
	OK(object_list(f->s, "nothing/here", note, &first, &e));
}

static int temporaries(const char *dir)
{
	char path[128];
	struct dirent *de;
	int n = 0;
	DIR *h;

	(void)snprintf(path, sizeof(path), "%s/#tmp", dir);
	h = opendir(path);
	if (h == NULL)
		return 0;
	while ((de = readdir(h)) != NULL)
		n += de->d_name[0] != '.';
	(void)closedir(h);
	return n;
}

static void leftovers_of_a_crash_are_unlisted_and_removed(void **state)
{
	struct fixture *f = *state;
	struct object_store *second;
	struct seen seen = { 0 };
	char path[128];
	struct err e = { 0 };

	(void)snprintf(path, sizeof(path), "%s/#tmp/half", f->dir);
	assert_true(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	OK(object_list(f->s, "", note, &seen, &e));
	assert_string_equal(seen.text, "");
	OK(object_dir_open(f->dir, false, &second, &e));
	assert_int_equal(temporaries(f->dir), 1);	/* it may be the first store's */
	object_close(second);
	object_close(f->s);
	OK(object_dir_open(f->dir, false, &f->s, &e));
	assert_int_equal(temporaries(f->dir), 0);
}

/* A put that fails for want of space leaves the old object and no temporary. */
static void check_failed_put(struct object_store *s, const char *dir, enum err_kind kind)
{
	size_t n = 4 << 20;
	auto_free char *big = calloc(1, n);
	auto_buf struct buf old = { 0 };
	struct object_info info;
	struct err e = { 0 };

	assert_non_null(big);
	FAILS(object_put(s, "o/new", big, n, &e), kind);
	FAILS(object_put(s, "o/old", big, n, &e), kind);
	OK(object_get_all(s, "o/old", 100, &old, &e));
	assert_string_equal(old.p, "small");
	assert_int_equal(object_head(s, "o/new", &info, &e), 0);
	assert_int_equal(temporaries(dir), 0);
}

static void full_disk_is_no_space(void **state)
{
	struct fixture *f = *state;
	struct object_store *s;
	char path[128];
	struct err e = { 0 };

	(void)snprintf(path, sizeof(path), "%s/small", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("none", path, "tmpfs", 0, "size=1m") != 0)
		skip();
	OK(object_dir_open(path, false, &s, &e));
	OK(object_put(s, "o/old", "small", 5, &e));
	check_failed_put(s, path, ERR_NO_SPACE);
	object_close(s);
	assert_int_equal(umount(path), 0);
}

static void read_only_store_reads_but_denies_puts(void **state)
{
	struct fixture *f = *state;
	struct object_store *s;
	struct seen seen = { 0 };
	char path[128];
	struct err e = { 0 };

	(void)snprintf(path, sizeof(path), "%s/ro", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("none", path, "tmpfs", 0, "size=1m") != 0)
		skip();
	OK(object_dir_open(path, false, &s, &e));
	OK(object_put(s, "o", "small", 5, &e));
	object_close(s);
	assert_int_equal(mount("none", path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	OK(object_dir_open(path, false, &s, &e));
	OK(object_list(s, "", note, &seen, &e));
	assert_string_equal(seen.text, "o:5 ");
	FAILS(object_put(s, "o", "x", 1, &e), ERR_DENIED);
	FAILS(object_del(s, "o", &e), ERR_DENIED);
	FAILS(object_lock(s, &e), ERR_DENIED);
	CONTAINS(e.msg, path);
	object_close(s);
	assert_int_equal(umount(path), 0);
}

static void file_size_limit_fails_cleanly(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, small;
	struct err e = { 0 };

	OK(object_put(f->s, "o/old", "small", 5, &e));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 1 << 20;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	check_failed_put(f->s, f->dir, ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
}

static void opening_makes_the_directory_only_if_asked(void **state)
{
	struct fixture *f = *state;
	struct object_store *s;
	char path[128];
	struct err e = { 0 };

	(void)snprintf(path, sizeof(path), "%s/x/y", f->dir);
	FAILS(object_dir_open(path, false, &s, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, path);
	OK(object_dir_open(path, true, &s, &e));
	object_close(s);
}

static void *put_many(void *arg)
{
	struct object_store *s = arg;
	struct err e = { 0 };
	char name[64];
	int failed = 0;

	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "t/%d/%d/x", i % 7, i);
		failed += object_put(s, name, name, strlen(name), &e) != 0;
	}
	return (void *)(intptr_t)failed;
}

static int count(void *arg, const struct object_info *info, struct err *e)
{
	(void)info;
	(void)e;
	++*(int *)arg;
	return 0;
}

static void threads_may_put_side_by_side(void **state)
{
	struct fixture *f = *state;
	pthread_t t[4];
	struct err e = { 0 };
	int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, put_many, f->s), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *failed;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	OK(object_list(f->s, "t/", count, &n, &e));
	assert_int_equal(n, 40);
}

/* ---- large transfers, past the page cache where that can be ---- */

#define BIG_MAX ((size_t)5 << 20)

/* What a big object begins with: no two blocks are alike.  First called by one thread only. */
static const uint8_t *pattern(void)
{
	static uint8_t bytes[BIG_MAX + 1];

	if (bytes[0] == 0)
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)((i * 2654435761u) >> 13 ^ i >> 12) | (i == 0);
	return bytes;
}

/* Memory that begins `skew` bytes after a block's begin; *ret_base is to be freed. */
static uint8_t *skewed(size_t n, size_t skew, void **ret_base)
{
	*ret_base = aligned_alloc(4096, (n + skew + 4095) / 4096 * 4096 + 4096);
	assert_non_null(*ret_base);
	return (uint8_t *)*ret_base + skew;
}

static void put_big(struct object_store *s, const char *name, size_t n, size_t skew)
{
	auto_free void *base = NULL;
	uint8_t *p = skewed(n, skew, &base);
	struct err e = { 0 };

	memcpy(p, pattern(), n);
	OK(object_put(s, name, p, n, &e));
}

/* Reads exactly that into `p` and nothing beyond. */
static bool reads(struct object_store *s, const char *name, size_t offset, size_t n, uint8_t *p)
{
	const uint8_t *right = pattern() + offset;
	uint8_t beyond = right[n] ^ 1;
	struct err e = { 0 };

	p[n] = beyond;
	return object_get(s, name, (int64_t)offset, p, n, &e) == 0 && memcmp(p, right, n) == 0 &&
	    p[n] == beyond;
}

static void check_reads(struct object_store *s, const char *name, size_t size)
{
	static const size_t offsets[] = { 0, 1, 512, 4095, 4096, 4097, 65536, 123456 };
	static const size_t lengths[] = { 65535, 65536, 65537, 69632, 200000, 1048576, 1056768,
		1056769, 2500000 };
	static const size_t skews[] = { 0, 16 };

	for (size_t k = 0; k < ARRAY_LEN(skews); k++) {
		auto_free void *base = NULL;
		uint8_t *p = skewed(size, skews[k], &base);

		assert_true(reads(s, name, 0, size, p));
		for (size_t i = 0; i < ARRAY_LEN(offsets); i++)
			for (size_t j = 0; j < ARRAY_LEN(lengths); j++)
				if (offsets[i] + lengths[j] <= size)
					assert_true(reads(s, name, offsets[i], lengths[j], p));
		for (size_t j = 0; j < ARRAY_LEN(lengths); j++)
			if (lengths[j] <= size)
				assert_true(reads(s, name, size - lengths[j], lengths[j], p));
	}
}

/* `end` is where the message is to say that the object ends. */
static void check_short(struct object_store *s, size_t offset, size_t n, size_t end)
{
	auto_free uint8_t *p = malloc(n);
	char says[64];
	struct err e = { 0 };

	assert_non_null(p);
	FAILS(object_get(s, "big", (int64_t)offset, p, n, &e), ERR_CORRUPT);
	(void)snprintf(says, sizeof(says), "it ends at %zu, %zu bytes early", end,
	    offset + n - end);
	CONTAINS(e.msg, says);
}

static void check_big(struct object_store *s)
{
	static const struct { size_t size, skew; } puts[] = { { 65536, 0 }, { 200001, 16 },
		{ 1048576, 16 }, { 1048576 + 4095, 0 }, { BIG_MAX - 100, 16 }, { BIG_MAX, 0 } };
	auto_free uint8_t *p = malloc(100000);
	struct err e = { 0 };

	assert_non_null(p);
	for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
		size_t size = puts[i].size;

		put_big(s, "big", size, puts[i].skew);
		check_reads(s, "big", size);
		check_short(s, 0, size + 1, size);
		check_short(s, 10, 6 << 20, size);
		check_short(s, size - 1, 65536, size);
		check_short(s, size, 65536, size);
		check_short(s, size + 1, 65536, size + 1);
		check_short(s, (size_t)1 << 40, 100000, (size_t)1 << 40);
	}
	FAILS(object_get(s, "none", 0, p, 100000, &e), ERR_NOT_FOUND);
	OK(object_put(s, "d/o", "x", 1, &e));
	FAILS(object_get(s, "d", 0, p, 100000, &e), ERR_NOT_FOUND);
}

static void large_objects_are_read_at_any_offset(void **state)
{
	struct fixture *f = *state;

	check_big(f->s);
}

/* tmpfs takes O_DIRECT without doing it (or refuses it, before Linux 6.6); ramfs refuses it. */
static void check_big_on(struct fixture *f, const char *type)
{
	struct object_store *s;
	char path[128];
	struct err e = { 0 };

	(void)snprintf(path, sizeof(path), "%s/small", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("none", path, type, 0, NULL) != 0)
		skip();
	OK(object_dir_open(path, false, &s, &e));
	check_big(s);
	object_close(s);
	assert_int_equal(umount(path), 0);
}

static void large_objects_on_tmpfs(void **state)
{
	check_big_on(*state, "tmpfs");
}

static void large_objects_where_direct_is_refused(void **state)
{
	check_big_on(*state, "ramfs");
}

static size_t cached_pages(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	static unsigned char in[BIG_MAX / 4096];
	size_t n = 0;
	void *map;

	assert_true(fd >= 0);
	map = mmap(NULL, BIG_MAX, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mincore(map, BIG_MAX, in), 0);
	assert_int_equal(munmap(map, BIG_MAX), 0);
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		n += in[i] & 1;
	return n;
}

static void large_transfers_leave_the_page_cache_alone(void **state)
{
	struct fixture *f = *state;
	auto_free uint8_t *p = malloc(BIG_MAX + 1);
	struct statfs fs;
	char path[128];

	assert_non_null(p);
	assert_int_equal(statfs(f->dir, &fs), 0);
	if (fs.f_type != EXT4_SUPER_MAGIC && fs.f_type != XFS_SUPER_MAGIC)
		skip();
	put_big(f->s, "o", BIG_MAX - 1, 16);
	(void)snprintf(path, sizeof(path), "%s/o", f->dir);
	assert_true(cached_pages(path) <= 1);	/* the tail */
	assert_true(reads(f->s, "o", 12345, 3 << 20, p));
	assert_true(reads(f->s, "o", 0, BIG_MAX - 1, p));
	assert_true(cached_pages(path) <= 1);
}

static void *read_many(void *arg)
{
	struct object_store *s = arg;
	auto_free uint8_t *p = malloc(2 << 20);
	uint64_t x = (uintptr_t)p | 1;
	int failed = 0;

	for (int i = 0; i < 50 && p != NULL; i++) {
		size_t n, offset;

		x = x * 6364136223846793005u + 1442695040888963407u;
		n = 60000 + (x >> 33) % 1200000;
		offset = (x >> 13) % (BIG_MAX - n);
		failed += !reads(s, "o", offset, n, p);
	}
	return (void *)(intptr_t)(p == NULL ? 1 : failed);
}

static void threads_may_read_side_by_side(void **state)
{
	struct fixture *f = *state;
	pthread_t t[20];	/* more than buffers are kept */

	put_big(f->s, "o", BIG_MAX, 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, read_many, f->s), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *failed;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
}

/* ---- the lock ---- */

static void check_locked_by(struct object_store *s, const char *dir, pid_t pid)
{
	char says[128];
	struct err e = { 0 };

	FAILS(object_lock(s, &e), ERR_BUSY);
	(void)snprintf(says, sizeof(says), "'%s': in use by process %d", dir, (int)pid);
	CONTAINS(e.msg, says);
}

static void one_store_of_a_directory_holds_the_lock(void **state)
{
	struct fixture *f = *state;
	struct object_store *second;
	struct seen seen = { 0 };
	struct err e = { 0 };

	OK(object_dir_open(f->dir, false, &second, &e));
	OK(object_lock(f->s, &e));
	OK(object_lock(f->s, &e));
	check_locked_by(second, f->dir, getpid());
	OK(object_put(second, "o", "x", 1, &e));	/* it did not ask */
	OK(object_list(f->s, "", note, &seen, &e));
	assert_string_equal(seen.text, "o:1 ");
	object_close(f->s);
	f->s = second;
	OK(object_lock(second, &e));
	OK(object_dir_open(f->dir, false, &second, &e));
	check_locked_by(second, f->dir, getpid());
	object_close(second);
	OK(object_lock(f->s, &e));
}

static void a_holder_without_pid_is_another_process(void **state)
{
	struct fixture *f = *state;
	struct object_store *second;
	char path[128];
	struct err e = { 0 };

	OK(object_lock(f->s, &e));
	(void)snprintf(path, sizeof(path), "%s/#lock", f->dir);
	assert_int_equal(truncate(path, 0), 0);
	OK(object_dir_open(f->dir, false, &second, &e));
	FAILS(object_lock(second, &e), ERR_BUSY);
	CONTAINS(e.msg, "in use by another process");
	object_close(second);
}

/* Locks the directory in another process, which then waits to be killed. */
static pid_t lock_elsewhere(const char *dir)
{
	struct object_store *s;
	struct err e = { 0 };
	int ready[2];
	pid_t child;
	char c;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)alarm(60);	/* should the test fail before it kills us */
		if (object_dir_open(dir, false, &s, &e) != 0 || object_lock(s, &e) != 0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	return child;
}

static void the_lock_ends_with_its_process(void **state)
{
	struct fixture *f = *state;
	pid_t child = lock_elsewhere(f->dir);
	struct err e = { 0 };
	int status;

	check_locked_by(f->s, f->dir, child);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	OK(object_lock(f->s, &e));
}

static void *lock_once(void *arg)
{
	struct err e = { 0 };

	return object_lock(arg, &e) == 0 ? NULL : arg;
}

static void threads_may_lock_side_by_side(void **state)
{
	struct fixture *f = *state;
	pthread_t t[8];

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, lock_once, f->s), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *failed;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
}

static void fault_filter_fails_the_call_it_was_told(void **state)
{
	struct fixture *f = *state;
	struct object_store *s;
	struct object_info info;
	char c;
	struct err e = { 0 };

	OK(object_fault_open(f->s, &s, &e));
	f->s = s;
	OK(object_put(s, "o", "x", 1, &e));
	assert_int_equal(object_fault_calls(s), 1);
	object_fault_arm(s, 2, ERR_NO_SPACE, false);
	OK(object_get(s, "o", 0, &c, 1, &e));
	FAILS(object_put(s, "o", "y", 1, &e), ERR_NO_SPACE);
	OK(object_get(s, "o", 0, &c, 1, &e));
	assert_int_equal(c, 'x');
	assert_int_equal(object_fault_calls(s), 3);
	object_fault_arm(s, 1, ERR_IO, true);
	FAILS(object_get(s, "o", 0, &c, 1, &e), ERR_IO);
	FAILS(object_head(s, "o", &info, &e), ERR_IO);
	FAILS(object_del(s, "o", &e), ERR_IO);
	FAILS(object_list(s, "", count, NULL, &e), ERR_IO);
	FAILS(object_lock(s, &e), ERR_IO);
	assert_int_equal(object_fault_calls(s), 5);
	object_fault_arm(s, 0, ERR_IO, false);
	OK(object_lock(s, &e));
	OK(object_del(s, "o", &e));
}

/* ---- the delay filter ---- */

static int64_t now_us(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The call succeeds with `want` and takes at least so long. */
#define TAKES(us, want, call) \
	do { \
		int64_t from = now_us(); \
		assert_int_equal(call, want); \
		assert_true(now_us() - from >= (us)); \
	} while (0)

static void delay_filter_delays_every_call(void **state)
{
	struct fixture *f = *state;
	struct object_info info;
	char text[10001];
	struct err e = { 0 };
	int n = 0;

	memset(text, 'x', sizeof(text));
	OK(object_delay_open(f->s, 5000, 1000000, &f->s, &e));
	TAKES(15000, 0, object_put(f->s, "o", text, 10000, &e));
	text[0] = 'y';
	TAKES(9000, 0, object_get(f->s, "o", 0, text, 4000, &e));
	assert_int_equal(text[0], 'x');
	TAKES(5000, 1, object_head(f->s, "o", &info, &e));
	assert_int_equal(info.size, 10000);
	TAKES(5000, 0, object_list(f->s, "", count, &n, &e));
	assert_int_equal(n, 1);
	TAKES(5000, 0, object_lock(f->s, &e));
	TAKES(15001, -1, object_get(f->s, "o", 0, text, 10001, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	TAKES(5000, 0, object_del(f->s, "o", &e));
	TAKES(5000, 0, object_head(f->s, "o", &info, &e));
}

static void delay_filter_without_limit_adds_the_call_only(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	OK(object_delay_open(f->s, 2000, 0, &f->s, &e));
	put_big(f->s, "o", BIG_MAX, 0);
	OK(object_delay_open(f->s, 0, 0, &f->s, &e));	/* the second one adds nothing */
	TAKES(2000, 0, object_lock(f->s, &e));
}

static void *get_once(void *arg)
{
	struct err e = { 0 };
	char c;

	return object_get(arg, "o", 0, &c, 1, &e) == 0 && c == 'x' ? NULL : arg;
}

/* One after the other they would take twenty seconds. */
static void delayed_calls_wait_side_by_side(void **state)
{
	struct fixture *f = *state;
	pthread_t t[100];
	struct err e = { 0 };
	int64_t from;

	OK(object_put(f->s, "o", "x", 1, &e));
	OK(object_delay_open(f->s, 200000, 0, &f->s, &e));
	from = now_us();
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, get_once, f->s), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *failed;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	assert_in_range(now_us() - from, 200000, 10000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(reads_back_what_was_put),
		T(a_store_that_could_not_be_written_to_can_be_later),
		T(absent_and_short_objects_are_told_apart),
		T(bad_names_never_reach_the_file_system),
		T(lists_in_name_order_by_prefix),
		T(leftovers_of_a_crash_are_unlisted_and_removed),
		T(full_disk_is_no_space),
		T(read_only_store_reads_but_denies_puts),
		T(file_size_limit_fails_cleanly),
		T(opening_makes_the_directory_only_if_asked),
		T(threads_may_put_side_by_side),
		T(large_objects_are_read_at_any_offset),
		T(large_objects_on_tmpfs),
		T(large_objects_where_direct_is_refused),
		T(large_transfers_leave_the_page_cache_alone),
		T(threads_may_read_side_by_side),
		T(one_store_of_a_directory_holds_the_lock),
		T(a_holder_without_pid_is_another_process),
		T(the_lock_ends_with_its_process),
		T(threads_may_lock_side_by_side),
		T(fault_filter_fails_the_call_it_was_told),
		T(delay_filter_delays_every_call),
		T(delay_filter_without_limit_adds_the_call_only),
		T(delayed_calls_wait_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
