/* t_sink.c - images written: qcow2, images overwritten in place, zeros, locks, crashes. */
#include "t.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "disk/disk.h"
#include "disk_dir.h"

#define KIB 1024

static const struct kind {
	const char *name, *qemu;
	enum disk_format format;
	int64_t size;
} kinds[] = {
	{ "k.img", "raw", DISK_RAW, 8 * MIB + 700 },
	{ "k.vhd", "vpc", DISK_VHD, 8 * MIB },
	{ "k.qcow2", "qcow2", DISK_QCOW2, 8 * MIB + 512 },
};

/* Numbers that are the same in every run and for every sink. */
static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(draw(&seed) >> 32 | 1);
}

/* ---- many threads ---- */

#define REGION (8 * MIB)
#define SCATTERED_SIZE (10 * REGION + 512)	/* the last regions stay holes */

struct writer {
	struct disk_sink *sink;
	int number;
	struct err e;
};

/* Aligned and unaligned writes and zeros, here and there in the writer's own region. */
static void *scatter(void *arg)
{
	struct writer *w = arg;
	uint64_t seed = (uint64_t)w->number + 1;
	uint8_t *data = aligned_alloc(4096, 256 * KIB), *back = aligned_alloc(4096, 256 * KIB);
	bool good = data != NULL && back != NULL;

	for (int i = 0; good && i < 60; i++) {
		size_t n = draw(&seed) % (256 * KIB) + 1;
		int64_t at = (int64_t)(draw(&seed) % (REGION / 4 - 256 * KIB));

		if (i % 2 == 0) {
			at = at / 4096 * 4096;
			n = (n + 4095) / 4096 * 4096;
		}
		at += (int64_t)w->number * REGION;
		fill(data, n, seed);
		if (i % 5 == 4) {
			memset(data, 0, n);
			good = disk_sink_zero(w->sink, at, (int64_t)n, &w->e) == 0;
		} else {
			good = disk_sink_write(w->sink, data, n, at, &w->e) == 0;
		}
		good = good && disk_sink_read(w->sink, back, n, at, &w->e) == 0 &&
		    memcmp(data, back, n) == 0;
	}
	free(data);
	free(back);
	return good ? NULL : arg;
}

static void scatter_from_three(struct disk_sink *sink)
{
	struct writer w[3];
	pthread_t t[3];
	bool good = true;

	for (int i = 0; i < 3; i++) {
		w[i] = (struct writer){ .sink = sink, .number = i };
		assert_int_equal(pthread_create(&t[i], NULL, scatter, &w[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		if (failed != NULL)
			print_error("writer %d: %s\n", i, w[i].e.msg);
		good = good && failed == NULL;
	}
	assert_true(good);
}

static int64_t sum_of_extents(struct disk_sink *sink, int64_t from, int64_t length)
{
	struct extent x[8];
	int64_t at = from, sum = 0;
	size_t n = 0;
	struct err e;

	while (at < from + length) {
		OK(disk_sink_extents(sink, at, from + length - at, x, 8, &n, &at, &e));
		for (size_t i = 0; i < n; i++)
			sum += x[i].length;
	}
	return sum;
}

static void a_qcow2_holds_what_a_raw_image_holds(void **state)
{
	char raw[128], qcow[128];
	struct disk_sink *sink = NULL;
	struct stat st;
	struct err e;

	(void)state;
	OK(disk_sink_create(in_dir("s.img", raw), DISK_RAW, SCATTERED_SIZE, &sink, &e));
	scatter_from_three(sink);
	OK(disk_sink_finish(&sink, &e));
	OK(disk_sink_create(in_dir("s.qcow2", qcow), DISK_QCOW2, SCATTERED_SIZE, &sink, &e));
	assert_int_equal(disk_sink_size(sink), SCATTERED_SIZE);
	scatter_from_three(sink);
	OK(disk_sink_sync(sink, &e));
	assert_int_equal(sum_of_extents(sink, 3 * REGION, 7 * REGION + 512), 0);
	assert_in_range(sum_of_extents(sink, 0, SCATTERED_SIZE), MIB, REGION);
	OK(disk_sink_finish(&sink, &e));
	assert_null(sink);
	assert_int_equal(run("qemu-img compare -q -f raw -F qcow2 '%s' '%s'", raw, qcow), 0);
	assert_int_equal(run("qemu-img check -q -f qcow2 '%s'", qcow), 0);
	assert_int_equal(stat(qcow, &st), 0);
	assert_true(st.st_blocks * 512 < REGION);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void sizes_of_a_qcow2_are_whole_sectors(void **state)
{
	static const int64_t sizes[][2] = { { 0, 0 }, { 1, 512 }, { 512, 512 }, { MIB + 1, MIB + 512 },
		{ INT64_C(3) << 40, INT64_C(3) << 40 } };
	struct disk_sink *sink = NULL;
	char path[128], byte = 1;
	struct err e;

	(void)state;
	in_dir("sizes.qcow2", path);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		OK(disk_sink_create(path, DISK_QCOW2, sizes[i][0], &sink, &e));
		assert_int_equal(disk_sink_size(sink), sizes[i][1]);
		FAILS(disk_sink_write(sink, &byte, 1, sizes[i][1], &e), ERR_INVALID);
		if (sizes[i][0] > 0)
			OK(disk_sink_write(sink, &byte, 1, sizes[i][0] - 1, &e));
		disk_sink_close(sink);
		FAILS(disk_sink_reopen(path, DISK_QCOW2, sizes[i][1] + 512, &sink, &e), ERR_INVALID);
		OK(disk_sink_reopen(path, DISK_QCOW2, sizes[i][0], &sink, &e));
		OK(disk_sink_finish(&sink, &e));
		assert_int_equal(unlink(path), 0);
	}
}

/* ---- overwritten in place ---- */

/* What the image should hold, and the sink that should hold it. */
struct model {
	uint8_t *bytes;
	int64_t size;
	struct disk_sink *sink;
};

static void put(struct model *m, size_t n, int64_t at, uint64_t seed)
{
	struct err e;

	fill(m->bytes + at, n, seed);
	OK(disk_sink_write(m->sink, m->bytes + at, n, at, &e));
}

static void zero(struct model *m, int64_t n, int64_t at)
{
	struct err e;

	memset(m->bytes + at, 0, (size_t)n);
	OK(disk_sink_zero(m->sink, at, n, &e));
}

static void check(struct model *m)
{
	uint8_t *back = aligned_alloc(4096, (size_t)(m->size + 4095) / 4096 * 4096);
	struct err e;

	assert_non_null(back);
	OK(disk_sink_read(m->sink, back, (size_t)m->size, 0, &e));
	assert_memory_equal(back, m->bytes, (size_t)m->size);
	/* by aligned pieces, which go past the page cache */
	for (int64_t at = 0; at + 64 * KIB <= m->size; at += 64 * KIB)
		OK(disk_sink_read(m->sink, back + at, 64 * KIB, at, &e));
	assert_memory_equal(back, m->bytes, (size_t)m->size);
	free(back);
}

/* A complete image of that kind, full of data, closed. */
static void make_full(struct model *m, const struct kind *k, const char *path)
{
	struct err e;

	(void)unlink(path);
	m->size = k->size;
	m->bytes = aligned_alloc(4096, (size_t)(k->size + 4095) / 4096 * 4096);
	assert_non_null(m->bytes);
	OK(disk_sink_create(path, k->format, k->size, &m->sink, &e));
	put(m, (size_t)k->size, 0, 7);
	OK(disk_sink_finish(&m->sink, &e));
}

static void read_footer(const char *path, int64_t size, uint8_t footer[512])
{
	int fd = open(path, O_RDONLY);

	assert_int_equal(pread(fd, footer, 512, size), 512);
	assert_int_equal(lseek(fd, 0, SEEK_END), size + 512);
	(void)close(fd);
}

static void compare_with_qemu(struct model *m, const struct kind *k, const char *path)
{
	char plain[128];
	struct err e;

	OK(fs_write_atomic(in_dir("plain", plain), m->bytes, (size_t)m->size, 0600, &e));
	assert_int_equal(run("qemu-img compare -q -f raw -F %s '%s' '%s'", k->qemu, plain, path), 0);
	if (k->format == DISK_QCOW2)
		assert_int_equal(run("qemu-img check -q -f qcow2 '%s'", path), 0);
}

static void overwrite(const struct kind *k)
{
	uint8_t before[512], after[512];
	struct model m = { 0 };
	struct stat st, full;
	char path[128];
	struct err e;

	make_full(&m, k, in_dir(k->name, path));
	assert_int_equal(stat(path, &full), 0);
	if (k->format == DISK_VHD)
		read_footer(path, k->size, before);
	OK(disk_sink_open(path, k->format, &m.sink, &e));
	assert_int_equal(disk_sink_size(m.sink), k->size);
	check(&m);
	put(&m, 64 * KIB, MIB, 8);		/* aligned */
	put(&m, 12345, 2 * MIB + 77, 9);	/* not */
	zero(&m, 3 * MIB, 4 * MIB);		/* whole clusters */
	zero(&m, 100001, 2 * MIB + 5000);	/* parts of blocks */
	zero(&m, 10, 3 * MIB + 1);		/* less than one */
	zero(&m, k->size - 7 * MIB - 13, 7 * MIB + 13);	/* to the end */
	zero(&m, 0, MIB);
	put(&m, 4096, 5 * MIB, 10);		/* into what was zeroed */
	check(&m);
	/* in the middle of the hole are 4 KiB, or what the format has for a unit */
	assert_in_range(sum_of_extents(m.sink, 4 * MIB, 3 * MIB), 4096, 64 * KIB);
	assert_in_range(sum_of_extents(m.sink, 0, 4 * MIB), 3 * MIB, 4 * MIB);
	OK(disk_sink_sync(m.sink, &e));
	OK(disk_sink_finish(&m.sink, &e));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 < full.st_blocks * 512 - 3 * MIB);
	if (k->format != DISK_QCOW2)
		assert_int_equal(st.st_size, full.st_size);
	if (k->format == DISK_VHD) {
		read_footer(path, k->size, after);
		assert_memory_equal(before, after, sizeof(before));
	}
	compare_with_qemu(&m, k, path);
	free(m.bytes);
}

static void images_are_overwritten_in_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		overwrite(&kinds[i]);
}

/* Other kinds of qcow2, as their owners made them. */
static void every_kind_of_qcow2_is_overwritten(void **state)
{
	static const char *const options[] = { "compat=0.10", "cluster_size=512", "cluster_size=2M",
		"extended_l2=on,cluster_size=64k", "preallocation=metadata", "lazy_refcounts=on",
		"compression_type=zstd" };
	const struct kind *k = &kinds[2];
	char full[128], path[128];
	struct err e;

	(void)state;
	in_dir("full.qcow2", full);
	in_dir("kind.qcow2", path);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		struct model m = { 0 };

		make_full(&m, k, full);
		assert_int_equal(run("qemu-img convert %s -f qcow2 -O qcow2 -o %s '%s' '%s'",
		    strstr(options[i], "zstd") != NULL ? "-c" : "", options[i], full, path), 0);
		assert_int_equal(run("qemu-img snapshot -c before '%s'", path), 0);
		OK(disk_sink_open(path, DISK_QCOW2, &m.sink, &e));
		put(&m, 12345, 2 * MIB + 77, 9);
		zero(&m, 3 * MIB + 99, 4 * MIB - 40);
		check(&m);
		OK(disk_sink_finish(&m.sink, &e));
		compare_with_qemu(&m, k, path);
		(void)unlink(path);
		free(m.bytes);
	}
}

/* More than one request of the protocol can name. */
static void large_ranges_are_zeroed(void **state)
{
	static const enum disk_format formats[] = { DISK_RAW, DISK_QCOW2 };
	int64_t size = INT64_C(9) << 30;
	struct disk_sink *sink = NULL;
	char path[128], byte = 1;
	struct err e;

	(void)state;
	in_dir("large", path);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		OK(disk_sink_create(path, formats[i], size, &sink, &e));
		for (int64_t at = 0; at < size; at += INT64_C(1) << 30)
			OK(disk_sink_write(sink, &byte, 1, at, &e));
		assert_true(sum_of_extents(sink, 0, size) > 0);
		OK(disk_sink_zero(sink, 0, size, &e));
		assert_int_equal(sum_of_extents(sink, 0, size), 0);
		OK(disk_sink_read(sink, &byte, 1, INT64_C(5) << 30, &e));
		assert_int_equal(byte, 0);
		byte = 1;
		disk_sink_close(sink);
		assert_int_equal(unlink(path), 0);
	}
}

static void ranges_outside_are_refused(void **state)
{
	struct disk_sink *sink = NULL;
	struct extent x[2];
	char path[128], piece[512] = { 0 };
	int64_t next = 0;
	size_t n = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int64_t size = kinds[i].size;

		OK(disk_sink_open(in_dir(kinds[i].name, path), kinds[i].format, &sink, &e));
		FAILS(disk_sink_write(sink, piece, 512, size - 511, &e), ERR_INVALID);
		FAILS(disk_sink_write(sink, piece, 1, -1, &e), ERR_INVALID);
		FAILS(disk_sink_zero(sink, size - 1, 2, &e), ERR_INVALID);
		FAILS(disk_sink_zero(sink, 0, -1, &e), ERR_INVALID);
		FAILS(disk_sink_zero(sink, 1, INT64_MAX, &e), ERR_INVALID);
		FAILS(disk_sink_read(sink, piece, 512, size, &e), ERR_INVALID);
		FAILS(disk_sink_extents(sink, size, 1, x, 2, &n, &next, &e), ERR_INVALID);
		CONTAINS(e.msg, path);
		OK(disk_sink_extents(sink, size, 0, x, 2, &n, &next, &e));
		assert_int_equal(n, 0);
		disk_sink_close(sink);
	}
	disk_sink_close(NULL);
}

static void what_is_no_whole_image_is_not_opened(void **state)
{
	char path[128], base[128];
	struct disk_sink *sink = NULL;
	struct stat st;
	struct err e;

	(void)state;
	in_dir("missing", path);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		FAILS(disk_sink_open(path, kinds[i].format, &sink, &e), ERR_NOT_FOUND);
		FAILS(disk_sink_reopen(path, kinds[i].format, 8 * MIB, &sink, &e), ERR_NOT_FOUND);
		FAILS(disk_sink_open(dir, kinds[i].format, &sink, &e), ERR_IO);	/* EISDIR */
	}
	assert_int_not_equal(access(path, F_OK), 0);
	in_dir("k.img", base);
	FAILS(disk_sink_open(base, DISK_VHD, &sink, &e), ERR_INVALID);
	FAILS(disk_sink_open(base, DISK_QCOW2, &sink, &e), ERR_INVALID);
	assert_int_equal(symlink(base, in_dir("link", path)), 0);
	assert_true(disk_sink_open(path, DISK_RAW, &sink, &e) != 0);
	assert_int_equal(mkfifo(in_dir("fifo", path), 0600), 0);
	FAILS(disk_sink_open(path, DISK_RAW, &sink, &e), ERR_INVALID);
	assert_int_equal(run("qemu-img create -q -f qcow2 -b '%s' -F raw '%s'", base,
	    in_dir("overlay.qcow2", path)), 0);
	FAILS(disk_sink_open(path, DISK_QCOW2, &sink, &e), ERR_INVALID);
	CONTAINS(e.msg, "backing file");
	assert_int_equal(run("cp '%s/k.qcow2' '%s'", dir, in_dir("cut.qcow2", path)), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size / 2 / 65536 * 65536), 0);
	FAILS(disk_sink_open(path, DISK_QCOW2, &sink, &e), ERR_CORRUPT);
}

/* ---- where there is less than usual ---- */

/* fallocate() with `mode` fails from now on, or with any if it is 0. */
static void forbid_fallocate(uint32_t mode)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mode == 0 ? UINT32_MAX : mode, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_LEN(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		_exit(77);
}

/* In a process of its own: 0 if the middle was zeroed and the rest is as it was. */
static int zero_without(const char *path, uint32_t mode)
{
	static uint8_t back[3 * MIB];
	struct disk_sink *sink = NULL;
	struct err e;

	forbid_fallocate(mode);
	memset(back, 1, sizeof(back));
	if (disk_sink_open(path, DISK_RAW, &sink, &e) != 0 ||
	    disk_sink_write(sink, back, sizeof(back), 0, &e) != 0 ||
	    disk_sink_zero(sink, 100, sizeof(back) - 200, &e) != 0 ||
	    disk_sink_read(sink, back, sizeof(back), 0, &e) != 0)
		return 1;
	disk_sink_close(sink);
	for (size_t i = 0; i < sizeof(back); i++)
		if (back[i] != (i < 100 || i >= sizeof(back) - 100 ? 1 : 0))
			return 2;
	return 0;
}

static void zeros_are_written_where_holes_cannot_be_made(void **state)
{
	static const uint32_t modes[] = { FALLOC_FL_PUNCH_HOLE, 0 };
	char path[128];

	(void)state;
	in_dir("k.img", path);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		pid_t pid = fork();
		int status = -1;

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(zero_without(path, modes[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
	}
}

/* tmpfs knows no O_DIRECT. */
static void the_page_cache_serves_where_it_must(void **state)
{
	char path[] = "/dev/shm/holdfast-sink-XXXXXX";
	struct disk_sink *sink = NULL;
	struct err e;
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		skip();
	(void)close(fd);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct model m = { 0 };

		make_full(&m, &kinds[i], path);
		OK(disk_sink_open(path, kinds[i].format, &m.sink, &e));
		zero(&m, 3 * MIB + 5, 4 * MIB - 7);
		check(&m);
		OK(disk_sink_finish(&m.sink, &e));
		compare_with_qemu(&m, &kinds[i], path);
		free(m.bytes);
	}
	disk_sink_close(sink);
	assert_int_equal(unlink(path), 0);
}

/* ---- in use ---- */

static void is_busy(const char *path, enum disk_format format)
{
	struct disk_sink *sink = NULL;
	struct err e;

	FAILS(disk_sink_open(path, format, &sink, &e), ERR_BUSY);
	CONTAINS(e.msg, path);
}

static void while_qemu_has_it(const struct kind *k, const char *path, const char *option)
{
	char options[64];
	pid_t pid;

	(void)snprintf(options, sizeof(options), "-f %s %s", k->qemu, option);
	pid = start_qemu_nbd(options, path);
	is_busy(path, k->format);
	stop_qemu_nbd(pid, path);
}

static void an_image_in_use_is_busy(void **state)
{
	struct disk_sink *sink = NULL, *second = NULL;
	struct disk_src *src = NULL;
	char path[128], copy[128];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];

		in_dir(k->name, path);
		while_qemu_has_it(k, path, "");
		while_qemu_has_it(k, path, "--read-only");
		OK(disk_src_open(path, k->format, &src, &e));
		is_busy(path, k->format);
		disk_src_close(src);
		/* and the reverse */
		OK(disk_sink_open(path, k->format, &sink, &e));
		FAILS(disk_src_open(path, k->format, &src, &e), ERR_BUSY);
		FAILS(disk_copy(path, in_dir("copy", copy), NULL, &e), ERR_BUSY);
		is_busy(path, k->format);
		for (int ro = 0; ro < 2; ro++)
			assert_int_not_equal(run("qemu-io %s -f %s -c 'read 0 512' '%s' "
			    ">/dev/null 2>&1", ro != 0 ? "-r" : "", k->qemu, path), 0);
		disk_sink_close(sink);
		OK(disk_sink_open(path, k->format, &second, &e));
		disk_sink_close(second);
		assert_int_equal(run("qemu-io -f %s -c 'write -q 0 512' '%s'", k->qemu, path), 0);
		OK(disk_src_open(path, k->format, &src, &e));
		disk_src_close(src);
	}
}

/* ---- files ---- */

/* None of them is an option, a protocol or a list of options to QEMU. */
static void names_may_look_like_anything(void **state)
{
	static const char *const names[] = { "-x", "a:b", "a,b c", "nbd:x", "json:{}",
		"file.filename=x", "%s'\"\\" };
	char was[512];

	(void)state;
	assert_non_null(getcwd(was, sizeof(was)));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			struct disk_sink *sink = NULL;
			char byte = 5;
			struct err e;

			OK(disk_sink_create(names[i], kinds[k].format, 8 * MIB, &sink, &e));
			OK(disk_sink_write(sink, &byte, 1, 12345, &e));
			disk_sink_close(sink);
			OK(disk_sink_reopen(names[i], kinds[k].format, 8 * MIB, &sink, &e));
			OK(disk_sink_finish(&sink, &e));
			OK(disk_sink_open(names[i], kinds[k].format, &sink, &e));
			byte = 0;
			OK(disk_sink_read(sink, &byte, 1, 12345, &e));
			assert_int_equal(byte, 5);
			disk_sink_close(sink);
			assert_int_equal(unlink(names[i]), 0);
		}
	assert_int_equal(chdir(was), 0);
}

/* Programs are looked for in a directory that holds only these. */
static void with_path(const char *programs, char *was)
{
	char bin[128];

	(void)snprintf(was, 4096, "%s", getenv("PATH"));
	in_dir("bin", bin);
	assert_int_equal(run("mkdir '%s' && for p in %s; do ln -s \"$(command -v $p)\" '%s'; done",
	    bin, programs, bin), 0);
	assert_int_equal(setenv("PATH", bin, 1), 0);
}

static void without_path(const char *was)
{
	char bin[128];

	assert_int_equal(setenv("PATH", was, 1), 0);
	assert_int_equal(run("rm -r '%s'", in_dir("bin", bin)), 0);
}

static void a_failed_create_leaves_nothing(void **state)
{
	static const char *const programs[] = { "setsid qemu-nbd", "setsid qemu-img" };
	char path[128], was[4096];
	struct disk_sink *sink = NULL;
	struct stat st;
	pid_t pid;
	struct err e;

	(void)state;
	in_dir("failed", path);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		FAILS(disk_sink_create(path, kinds[i].format, -1, &sink, &e), ERR_INVALID);
		assert_true(disk_sink_create(path, kinds[i].format, INT64_C(1) << 62, &sink, &e) != 0);
		assert_int_not_equal(access(path, F_OK), 0);
		CONTAINS(e.msg, path);
		assert_int_equal(run("echo mine >'%s'", path), 0);
		FAILS(disk_sink_create(path, kinds[i].format, MIB, &sink, &e), ERR_CONFLICT);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, 5);
		assert_int_equal(unlink(path), 0);
	}
	FAILS(disk_sink_create(path, DISK_VHD, MIB + 512, &sink, &e), ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		with_path(programs[i], was);
		FAILS(disk_sink_create(path, DISK_QCOW2, MIB, &sink, &e), ERR_IO);
		without_path(was);
		CONTAINS(e.msg, path);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	assert_int_equal(helpers(&pid), 0);
}

/* ---- crashes ---- */

#define KILLED_SIZE (64 * MIB)
#define SYNCED (16 * MIB)

/* Write and sync, say so, and go on writing until the end, which comes soon. */
static void write_until_killed(const char *path, const uint8_t *data, int say)
{
	struct disk_sink *sink = NULL;
	struct err e;

	if (disk_sink_create(path, DISK_QCOW2, KILLED_SIZE, &sink, &e) != 0)
		_exit(1);
	for (int64_t at = 0; at < SYNCED; at += MIB)
		if (disk_sink_write(sink, data + at, MIB, at, &e) != 0)
			_exit(1);
	if (disk_sink_sync(sink, &e) != 0 || write(say, "s", 1) != 1)
		_exit(1);
	for (int64_t at = SYNCED;; at = at + MIB < KILLED_SIZE ? at + MIB : SYNCED)
		if (disk_sink_write(sink, data + at, MIB, at, &e) != 0)
			_exit(1);
}

/* Its helper ends by itself, or is killed, too, and cannot put the image into order. */
static void kill_writer(const char *path, const uint8_t *data, useconds_t after_us, bool both)
{
	pid_t pid, helper = 0;
	int say[2];
	char byte;

	assert_int_equal(pipe(say), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_until_killed(path, data, say[1]);
	(void)close(say[1]);
	assert_int_equal(read(say[0], &byte, 1), 1);
	assert_int_equal(helpers_of(pid, &helper), 1);
	(void)usleep(after_us);
	if (both)
		assert_int_equal(kill(helper, SIGKILL), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(say[0]);
}

static void a_killed_writer_can_be_followed(void **state)
{
	uint8_t *data = aligned_alloc(4096, KILLED_SIZE), *back = aligned_alloc(4096, KILLED_SIZE);
	char path[128], plain[128];
	struct disk_sink *sink = NULL;
	struct err e;

	(void)state;
	assert_non_null(data);
	assert_non_null(back);
	random_bytes(data, KILLED_SIZE);
	in_dir("killed.qcow2", path);
	OK(fs_write_atomic(in_dir("killed.img", plain), data, KILLED_SIZE, 0600, &e));
	for (useconds_t us = 0; us < 60000; us += 10000) {
		kill_writer(path, data, us, us % 20000 == 0);
		OK(disk_sink_reopen(path, DISK_QCOW2, KILLED_SIZE, &sink, &e));
		OK(disk_sink_read(sink, back, SYNCED, 0, &e));
		assert_memory_equal(back, data, SYNCED);
		OK(disk_sink_write(sink, data + SYNCED, KILLED_SIZE - SYNCED, SYNCED, &e));
		OK(disk_sink_finish(&sink, &e));
		assert_int_equal(run("qemu-img check -q -f qcow2 '%s'", path), 0);
		assert_int_equal(run("qemu-img compare -q -f raw -F qcow2 '%s' '%s'", plain, path), 0);
		assert_int_equal(unlink(path), 0);
	}
	free(data);
	free(back);
}

/* Add to the use count of a cluster, which is 16 bits and in the first block of counts. */
static void change_count(const char *path, int64_t cluster, int change)
{
	uint8_t head[QCOW2_HEADER_MAX], where[8], count[2];
	int fd = open(path, O_RDWR);
	int64_t at;

	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	assert_int_equal(pread(fd, where, 8, (off_t)get_be64(head + 48)), 8);
	at = (int64_t)get_be64(where) + cluster * 2;
	assert_int_equal(pread(fd, count, 2, at), 2);
	count[1] = (uint8_t)(count[1] + change);
	assert_int_equal(pwrite(fd, count, 2, at), 2);
	(void)close(fd);
}

static void what_a_crash_leaves_is_put_in_order(void **state)
{
	char path[128], byte = 1;
	struct disk_sink *sink = NULL;
	struct stat st;
	int64_t end;
	struct err e;

	(void)state;
	OK(disk_sink_create(in_dir("leak.qcow2", path), DISK_QCOW2, MIB, &sink, &e));
	OK(disk_sink_write(sink, &byte, 1, 0, &e));
	disk_sink_close(sink);
	assert_int_equal(stat(path, &st), 0);
	end = (st.st_size + 65535) / 65536;
	/* used, it says, but by nothing */
	assert_int_equal(truncate(path, (end + 1) * 65536), 0);
	change_count(path, end, 1);
	assert_int_not_equal(run("qemu-img check -q -f qcow2 '%s' >/dev/null 2>&1", path), 0);
	OK(disk_sink_reopen(path, DISK_QCOW2, MIB, &sink, &e));
	OK(disk_sink_finish(&sink, &e));
	assert_int_equal(run("qemu-img check -q -f qcow2 '%s'", path), 0);
	/* and the other way round, which no crash leaves */
	change_count(path, end - 1, -1);
	FAILS(disk_sink_reopen(path, DISK_QCOW2, MIB, &sink, &e), ERR_CORRUPT);
	CONTAINS(e.msg, path);
}

/* A crash of the helper fails the sink, which says so; another one goes on. */
static void a_helper_that_dies_is_noticed(void **state)
{
	char path[128], piece[4096] = { 1 }, back[4096] = { 0 };
	struct disk_sink *sink = NULL;
	pid_t pid = 0;
	struct err e;

	(void)state;
	OK(disk_sink_create(in_dir("dies.qcow2", path), DISK_QCOW2, MIB, &sink, &e));
	assert_int_equal(helpers(&pid), 1);
	assert_int_not_equal(getsid(pid), getsid(0));
	OK(disk_sink_write(sink, piece, sizeof(piece), 8192, &e));
	OK(disk_sink_sync(sink, &e));
	assert_int_equal(kill(pid, SIGKILL), 0);
	FAILS(disk_sink_write(sink, piece, sizeof(piece), 0, &e), ERR_IO);
	CONTAINS(e.msg, path);
	FAILS(disk_sink_zero(sink, 0, 4096, &e), ERR_IO);
	FAILS(disk_sink_sync(sink, &e), ERR_IO);
	FAILS(disk_sink_finish(&sink, &e), ERR_IO);
	assert_null(sink);
	OK(disk_sink_reopen(path, DISK_QCOW2, MIB, &sink, &e));
	OK(disk_sink_read(sink, back, sizeof(back), 8192, &e));
	assert_memory_equal(back, piece, sizeof(piece));
	OK(disk_sink_finish(&sink, &e));
	assert_int_equal(helpers(&pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_qcow2_holds_what_a_raw_image_holds),
		cmocka_unit_test(sizes_of_a_qcow2_are_whole_sectors),
		cmocka_unit_test(images_are_overwritten_in_place),
		cmocka_unit_test(every_kind_of_qcow2_is_overwritten),
		cmocka_unit_test(large_ranges_are_zeroed),
		cmocka_unit_test(ranges_outside_are_refused),
		cmocka_unit_test(what_is_no_whole_image_is_not_opened),
		cmocka_unit_test(zeros_are_written_where_holes_cannot_be_made),
		cmocka_unit_test(the_page_cache_serves_where_it_must),
		cmocka_unit_test(an_image_in_use_is_busy),
		cmocka_unit_test(names_may_look_like_anything),
		cmocka_unit_test(a_failed_create_leaves_nothing),
		cmocka_unit_test(a_killed_writer_can_be_followed),
		cmocka_unit_test(what_a_crash_leaves_is_put_in_order),
		cmocka_unit_test(a_helper_that_dies_is_noticed),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
