/* t_disk.c - images as sources and sinks; what may be registered. */
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk.h"
#include "disk_dir.h"

static void raw_extents_cover_the_data_and_little_more(void **state)
{
	char path[128], piece[4096];
	struct disk_src *src = NULL;
	struct extent x[16];
	int64_t next = 0, size = 12 * MIB + 512, sum = 0;
	size_t n = 0;
	struct err e;

	(void)state;
	make_raw(in_dir("a.img", path), size);
	OK(disk_src_open(path, DISK_RAW, &src, &e));
	assert_int_equal(disk_src_size(src), size);
	OK(disk_src_extents(src, 0, size, x, 16, &n, &next, &e));
	assert_int_equal(next, size);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		sum += x[i].length;
	assert_true(sum < MIB);
	assert_int_equal(x[0].offset, 0);
	/* one at a time, and clipped to the range */
	OK(disk_src_extents(src, 0, size, x, 1, &n, &next, &e));
	assert_int_equal(n, 1);
	OK(disk_src_extents(src, next, size - next, x, 1, &n, &next, &e));
	assert_int_equal(x[0].offset, 5 * MIB);
	OK(disk_src_extents(src, 6 * MIB, MIB, x, 4, &n, &next, &e));
	assert_int_equal(n, 0);
	assert_int_equal(next, 7 * MIB);
	FAILS(disk_src_read(src, piece, sizeof(piece), size - 100, &e), ERR_INVALID);
	FAILS(disk_src_read(src, piece, sizeof(piece), -1, &e), ERR_INVALID);
	disk_src_close(src);
	disk_src_close(NULL);
}

static void a_shrunken_file_is_named(void **state)
{
	char path[128], piece[4096];
	struct disk_src *src = NULL;
	struct extent x[4];
	int64_t next = 0;
	size_t n = 0;
	struct err e;

	(void)state;
	make_raw(in_dir("shrink.img", path), 8 * MIB);
	OK(disk_src_open(path, DISK_RAW, &src, &e));
	assert_int_equal(truncate(path, MIB), 0);
	FAILS(disk_src_read(src, piece, sizeof(piece), 4 * MIB, &e), ERR_IO);
	CONTAINS(e.msg, path);
	/* what is gone must not pass for a hole */
	FAILS(disk_src_extents(src, 0, 8 * MIB, x, 4, &n, &next, &e), ERR_IO);
	CONTAINS(e.msg, path);
	disk_src_close(src);
	FAILS(disk_src_open("/nonexistent/x.img", DISK_RAW, &src, &e), ERR_NOT_FOUND);
}

/* Copy src to a sink by its extents. */
static void copy_by_extents(struct disk_src *src, struct disk_sink *sink)
{
	static _Alignas(4096) char piece[MIB];	/* aligned: read and written directly */
	int64_t at = 0, size = disk_src_size(src);
	struct extent x[4];
	size_t n = 0;
	struct err e;

	while (at < size) {
		OK(disk_src_extents(src, at, size - at, x, 4, &n, &at, &e));
		for (size_t i = 0; i < n; i++)
			for (int64_t o = 0; o < x[i].length; o += MIB) {
				size_t part = (size_t)(x[i].length - o < MIB ? x[i].length - o : MIB);

				OK(disk_src_read(src, piece, part, x[i].offset + o, &e));
				OK(disk_sink_write(sink, piece, part, x[i].offset + o, &e));
			}
	}
}

static void raw_copies_are_identical_and_sparse(void **state)
{
	char from[128], to[128];
	struct disk_src *src = NULL;
	struct disk_sink *sink = NULL;
	struct stat st;
	struct err e;

	(void)state;
	make_raw(in_dir("from.img", from), 20 * MIB);
	OK(disk_src_open(from, DISK_RAW, &src, &e));
	OK(disk_sink_create(in_dir("to.img", to), DISK_RAW, 20 * MIB, &sink, &e));
	copy_by_extents(src, sink);
	FAILS(disk_sink_write(sink, "x", 1, 20 * MIB, &e), ERR_INVALID);
	OK(disk_sink_finish(&sink, &e));
	assert_null(sink);
	assert_int_equal(run("cmp '%s' '%s'", from, to), 0);
	assert_int_equal(stat(to, &st), 0);
	assert_true(st.st_blocks * 512 < MIB);
	FAILS(disk_sink_create(to, DISK_RAW, MIB, &sink, &e), ERR_CONFLICT);
	OK(disk_sink_reopen(to, DISK_RAW, 20 * MIB, &sink, &e));
	disk_sink_close(sink);
	assert_int_equal(run("cmp '%s' '%s'", from, to), 0);
	disk_src_close(src);
}

static void qemu_reads_our_vhd(void **state)
{
	static const int64_t sizes[] = { MIB, 7 * MIB, 600LL * MIB, 40LL * 1024 * MIB };
	char from[128], to[128];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct disk_src *src = NULL, *back = NULL;
		struct disk_sink *sink = NULL;

		(void)unlink(in_dir("v.img", from));
		(void)unlink(in_dir("v.vhd", to));
		assert_int_equal(run("truncate -s %lld '%s'", (long long)sizes[i], from), 0);
		assert_int_equal(run("dd if=/dev/urandom of='%s' bs=4096 count=20 conv=notrunc status=none",
		    from), 0);
		OK(disk_src_open(from, DISK_RAW, &src, &e));
		OK(disk_sink_create(to, DISK_VHD, disk_vhd_size(sizes[i]), &sink, &e));
		copy_by_extents(src, sink);
		OK(disk_sink_finish(&sink, &e));
		assert_int_equal(run("qemu-img compare -q -f vpc -F raw '%s' '%s'", to, from), 0);
		OK(disk_src_open(to, DISK_VHD, &back, &e));
		assert_int_equal(disk_src_size(back), sizes[i]);
		disk_src_close(back);
		disk_src_close(src);
	}
	assert_int_equal(disk_vhd_size(1), MIB);
	assert_int_equal(disk_vhd_size(MIB), MIB);
	assert_int_equal(disk_vhd_size(MIB + 1), 2 * MIB);
}

static void qcow2_reads_as_qemu_does(void **state)
{
	char raw[128], qcow[128], out[128];
	struct disk_src *src = NULL;
	struct disk_sink *sink = NULL;
	struct extent x[64];
	int64_t next = 0, sum = 0;
	size_t n = 0;
	struct err e;

	(void)state;
	make_raw(in_dir("q.raw", raw), 30 * MIB);
	in_dir("q.qcow2", qcow);
	for (int compressed = 0; compressed < 2; compressed++) {
		assert_int_equal(run("qemu-img convert %s -f raw -O qcow2 '%s' '%s'",
		    compressed != 0 ? "-c" : "", raw, qcow), 0);
		OK(disk_src_open(qcow, DISK_QCOW2, &src, &e));
		assert_int_equal(disk_src_size(src), 30 * MIB);
		OK(disk_src_extents(src, 0, 30 * MIB, x, 64, &n, &next, &e));
		assert_int_equal(next, 30 * MIB);
		for (size_t i = 0; i < n; i++)
			sum += x[i].length;
		assert_true(n >= 3 && sum < 2 * MIB);
		(void)unlink(in_dir("q.out", out));
		OK(disk_sink_create(out, DISK_RAW, 30 * MIB, &sink, &e));
		copy_by_extents(src, sink);
		OK(disk_sink_finish(&sink, &e));
		assert_int_equal(run("cmp '%s' '%s'", raw, out), 0);
		disk_src_close(src);
	}
}

static void the_helper_lives_as_long_as_its_source(void **state)
{
	char qcow[128], piece[512];
	struct disk_src *src = NULL;
	pid_t pid = 0;
	struct err e;

	(void)state;
	OK(disk_src_open(in_dir("q.qcow2", qcow), DISK_QCOW2, &src, &e));
	assert_int_equal(helpers(&pid), 1);
	assert_int_not_equal(getsid(pid), getsid(0));	/* Ctrl-C is for us alone */
	disk_src_close(src);
	assert_int_equal(helpers(&pid), 0);
	/* one that dies under us is an error with the image's name */
	OK(disk_src_open(qcow, DISK_QCOW2, &src, &e));
	assert_int_equal(helpers(&pid), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	FAILS(disk_src_read(src, piece, sizeof(piece), 0, &e), ERR_IO);
	CONTAINS(e.msg, qcow);
	disk_src_close(src);
	assert_int_equal(helpers(&pid), 0);
	/* and neither is left when there was nothing to open */
	FAILS(disk_src_open(in_dir("q.raw", qcow), DISK_QCOW2, &src, &e), ERR_INVALID);
	assert_int_equal(helpers(&pid), 0);
}

/* What we read of every kind of qcow2 is what qemu-img reads of it. */
static void every_kind_of_qcow2_is_whole(void **state)
{
	static const char *const kinds[] = { "compat=0.10", "cluster_size=512", "cluster_size=2M",
		"extended_l2=on,cluster_size=64k", "preallocation=metadata", "lazy_refcounts=on",
		"compression_type=zstd" };
	char raw[128], qcow[128], out[128];
	struct err e;

	(void)state;
	in_dir("q.raw", raw);
	in_dir("kind.qcow2", qcow);
	for (size_t i = 0; i < ARRAY_LEN(kinds) * 2; i++) {
		struct disk_src *src = NULL;
		struct disk_sink *sink = NULL;

		if (i % 2 == 1 && strstr(kinds[i / 2], "metadata") != NULL)
			continue;	/* is not compressed */
		assert_int_equal(run("qemu-img convert %s -f raw -O qcow2 -o %s '%s' '%s'",
		    i % 2 == 1 ? "-c" : "", kinds[i / 2], raw, qcow), 0);
		assert_int_equal(run("qemu-img snapshot -c before '%s'", qcow), 0);
		OK(disk_src_open(qcow, DISK_QCOW2, &src, &e));
		(void)unlink(in_dir("kind.out", out));
		OK(disk_sink_create(out, DISK_RAW, 30 * MIB, &sink, &e));
		copy_by_extents(src, sink);
		OK(disk_sink_finish(&sink, &e));
		disk_src_close(src);
		assert_int_equal(run("cmp '%s' '%s'", raw, out), 0);
		(void)unlink(qcow);
	}
}

/* QEMU would read zeros where the end is missing. */
static void a_qcow2_that_was_cut_short_is_refused(void **state)
{
	char raw[128], qcow[128];
	struct disk_src *src = NULL;
	struct stat st;
	struct err e;

	(void)state;
	in_dir("q.raw", raw);
	for (int compressed = 0; compressed < 2; compressed++) {
		assert_int_equal(run("qemu-img convert %s -f raw -O qcow2 '%s' '%s'",
		    compressed != 0 ? "-c" : "", raw, in_dir("cut.qcow2", qcow)), 0);
		OK(disk_src_open(qcow, DISK_QCOW2, &src, &e));
		disk_src_close(src);
		assert_int_equal(stat(qcow, &st), 0);
		/* the data is in the middle of the file when it is compressed, tables behind it */
		for (int64_t at = (st.st_size - 1) / 65536 * 65536; at > 65536; at -= 65536) {
			assert_int_equal(truncate(qcow, at), 0);
			FAILS(disk_src_open(qcow, DISK_QCOW2, &src, &e), ERR_CORRUPT);
			CONTAINS(e.msg, qcow);
			CONTAINS(e.msg, "cut short");
		}
		assert_int_equal(truncate(qcow, 100), 0);
		FAILS(disk_src_open(qcow, DISK_QCOW2, &src, &e), ERR_INVALID);
		(void)unlink(qcow);
	}
}

static void a_vhd_is_known_by_its_footer(void **state)
{
	enum disk_format vhd = DISK_VHD;
	char raw[128], path[128];
	struct disk_src *src = NULL;
	struct disk_info info;
	struct err e;

	(void)state;
	in_dir("q.raw", raw);
	FAILS(disk_src_open(raw, DISK_VHD, &src, &e), ERR_INVALID);
	FAILS(disk_inspect(raw, &vhd, &info, &e), ERR_INVALID);
	CONTAINS(e.msg, raw);
	assert_int_equal(run("qemu-img convert -f raw -O vpc -o subformat=dynamic '%s' '%s'", raw,
	    in_dir("dynamic.vhd", path)), 0);
	FAILS(disk_src_open(path, DISK_VHD, &src, &e), ERR_INVALID);
	CONTAINS(e.msg, "fixed");
	assert_int_equal(run("qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on '%s' '%s'",
	    raw, in_dir("theirs.vhd", path)), 0);
	OK(disk_inspect(path, &vhd, &info, &e));
	assert_int_equal(info.virtual_size, 30 * MIB);
	OK(disk_src_open(path, DISK_VHD, &src, &e));
	assert_int_equal(disk_src_size(src), 30 * MIB);
	disk_src_close(src);
	assert_int_equal(truncate(path, 20 * MIB), 0);
	FAILS(disk_src_open(path, DISK_VHD, &src, &e), ERR_INVALID);
}

static void *read_all(void *arg)
{
	static const size_t part = 65536;
	struct err e = { 0 };
	char *piece = malloc(part);

	for (int64_t at = 0; piece != NULL && at < 30 * MIB; at += (int64_t)part)
		if (disk_src_read(arg, piece, part, at, &e) != 0) {
			free(piece);
			return arg;
		}
	free(piece);
	return NULL;
}

static void many_threads_may_read_one_source(void **state)
{
	char qcow[128];
	struct disk_src *src = NULL;
	pthread_t t[4];
	struct err e;

	(void)state;
	OK(disk_src_open(in_dir("q.qcow2", qcow), DISK_QCOW2, &src, &e));
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, read_all, src), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	disk_src_close(src);
}

/* Somebody starts the VM: it must not change the image under our eyes. */
static void qemu_cannot_write_while_we_read(void **state)
{
	static const struct {
		const char *name, *qemu;
		enum disk_format format;
	} images[] = { { "q.raw", "raw", DISK_RAW }, { "q.qcow2", "qcow2", DISK_QCOW2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		struct disk_src *src = NULL, *second = NULL;
		char path[128];
		struct err e;

		in_dir(images[i].name, path);
		OK(disk_src_open(path, images[i].format, &src, &e));
		OK(disk_src_open(path, images[i].format, &second, &e));
		disk_src_close(second);
		assert_int_not_equal(run("qemu-io -f %s -c 'write 0 512' '%s' >/dev/null 2>&1",
		    images[i].qemu, path), 0);
		assert_int_equal(run("qemu-io -r -f %s -c 'read 0 512' '%s' >/dev/null 2>&1",
		    images[i].qemu, path), 0);
		disk_src_close(src);
	}
}

static void an_image_in_use_is_busy(void **state)
{
	char raw[128], copy[128];
	struct disk_src *src = NULL;
	struct err e;
	pid_t pid;

	(void)state;
	make_raw(in_dir("used.img", raw), 4 * MIB);
	pid = start_qemu_nbd("-f raw", raw);
	FAILS(disk_src_open(raw, DISK_RAW, &src, &e), ERR_BUSY);
	CONTAINS(e.msg, raw);
	FAILS(disk_copy(raw, in_dir("used.copy", copy), NULL, &e), ERR_BUSY);
	assert_int_not_equal(access(copy, F_OK), 0);
	stop_qemu_nbd(pid, raw);
}

static void formats_are_told_by_the_magic_alone(void **state)
{
	char path[128], base[128];
	enum disk_format raw = DISK_RAW, qcow2 = DISK_QCOW2;
	struct disk_info info;
	struct err e;

	(void)state;
	OK(disk_inspect(in_dir("q.qcow2", path), NULL, &info, &e));
	assert_int_equal(info.format, DISK_QCOW2);
	assert_int_equal(info.virtual_size, 30 * MIB);
	OK(disk_inspect(path, &raw, &info, &e));
	assert_int_equal(info.format, DISK_RAW);	/* stated: what a guest wrote counts for nothing */
	OK(disk_inspect(in_dir("a.img", path), NULL, &info, &e));
	assert_int_equal(info.format, DISK_RAW);
	FAILS(disk_inspect(path, &qcow2, &info, &e), ERR_INVALID);
	in_dir("q.raw", base);
	assert_int_equal(run("qemu-img create -q -f qcow2 -b '%s' -F raw '%s'", base,
	    in_dir("overlay.qcow2", path)), 0);
	FAILS(disk_inspect(path, NULL, &info, &e), ERR_INVALID);
	CONTAINS(e.msg, "backing file");
	CONTAINS(e.msg, path);
	assert_int_equal(run("qemu-img create -q -f qcow2 -o data_file='%s/ext.raw' '%s' 1M", dir,
	    in_dir("ext.qcow2", path)), 0);
	FAILS(disk_inspect(path, NULL, &info, &e), ERR_INVALID);
	FAILS(disk_inspect(dir, NULL, &info, &e), ERR_INVALID);
}

static void evil_headers_are_refused(void **state)
{
	uint8_t good[QCOW2_HEADER_MAX], bad[QCOW2_HEADER_MAX];
	char path[128];
	int64_t size = 0;
	int fd = open(in_dir("q.qcow2", path), O_RDONLY);
	struct err e;

	(void)state;
	assert_int_equal(pread(fd, good, sizeof(good), 0), sizeof(good));
	(void)close(fd);
	OK(qcow2_header(good, sizeof(good), &size, &e));
	for (size_t n = 0; n < 72; n++)
		FAILS(qcow2_header(good, n, &size, &e), ERR_INVALID);
	static const struct { size_t at; uint8_t v; } change[] = { { 7, 9 }, { 15, 1 }, { 23, 60 },
		{ 24, 0xff }, { 35, 1 }, { 79, 4 }, { 79, 2 }, { 72, 1 } };
	for (size_t i = 0; i < ARRAY_LEN(change); i++) {
		memcpy(bad, good, sizeof(bad));
		bad[change[i].at] = change[i].v;
		FAILS(qcow2_header(bad, sizeof(bad), &size, &e), ERR_INVALID);
	}
}

static void only_files_inside_are_allowed(void **state)
{
	char inside[128], outside[128], link[160], deep[160];
	const char *allowed[] = { inside, NULL };
	auto_free char *got = NULL;
	struct err e;

	(void)state;
	assert_int_equal(mkdir(in_dir("in", inside), 0700), 0);
	make_raw(in_dir("secret.img", outside), 2 * MIB + 6 * MIB);
	(void)snprintf(deep, sizeof(deep), "%s/ok.img", inside);
	make_raw(deep, 8 * MIB);
	OK(disk_path_allowed(deep, allowed, &got, &e));
	assert_string_equal(got, deep);
	FAILS(disk_path_allowed(outside, allowed, &got, &e), ERR_DENIED);
	CONTAINS(e.msg, outside);
	(void)snprintf(link, sizeof(link), "%s/link", inside);
	assert_int_equal(symlink(outside, link), 0);
	FAILS(disk_path_allowed(link, allowed, &got, &e), ERR_DENIED);
	CONTAINS(e.msg, link);
	CONTAINS(e.msg, outside);
	(void)snprintf(deep, sizeof(deep), "%s/../secret.img", inside);
	FAILS(disk_path_allowed(deep, allowed, &got, &e), ERR_DENIED);
	FAILS(disk_path_allowed(inside, allowed, &got, &e), ERR_DENIED);
	FAILS(disk_path_allowed("relative.img", allowed, &got, &e), ERR_INVALID);
	/* what is missing is told inside only */
	(void)snprintf(deep, sizeof(deep), "%s/missing.img", inside);
	FAILS(disk_path_allowed(deep, allowed, &got, &e), ERR_NOT_FOUND);
	FAILS(disk_path_allowed("/etc/missing.img", allowed, &got, &e), ERR_DENIED);
	(void)snprintf(deep, sizeof(deep), "%s/../missing.img", inside);
	FAILS(disk_path_allowed(deep, allowed, &got, &e), ERR_DENIED);
	(void)snprintf(deep, sizeof(deep), "%s/dir", inside);
	assert_int_equal(mkdir(deep, 0700), 0);
	FAILS(disk_path_allowed(deep, allowed, &got, &e), ERR_INVALID);
	(void)snprintf(deep, sizeof(deep), "%s/fifo", inside);
	assert_int_equal(mkfifo(deep, 0600), 0);
	FAILS(disk_path_allowed(deep, allowed, &got, &e), ERR_INVALID);
	/* a directory whose name only begins alike */
	(void)snprintf(deep, sizeof(deep), "%s-evil", inside);
	assert_int_equal(mkdir(deep, 0700), 0);
	(void)snprintf(deep, sizeof(deep), "%s-evil/x.img", inside);
	make_raw(deep, 8 * MIB);
	FAILS(disk_path_allowed(deep, allowed, &got, &e), ERR_DENIED);
}

static void copies_keep_bytes_and_holes(void **state)
{
	_Atomic bool cancel = true;
	char from[128], to[128];
	struct stat st;
	struct err e;

	(void)state;
	in_dir("from.img", from);
	OK(disk_copy(from, in_dir("copy.img", to), NULL, &e));
	assert_int_equal(run("cmp '%s' '%s'", from, to), 0);
	assert_int_equal(stat(to, &st), 0);
	assert_true(st.st_blocks * 512 < MIB);
	FAILS(disk_copy(from, to, NULL, &e), ERR_CONFLICT);
	assert_int_equal(access(to, F_OK), 0);	/* what was there stays */
	if (disk_copy(from, in_dir("cancelled.img", to), &cancel, &e) != 0) {
		assert_int_equal(e.kind, ERR_CANCELLED);
		assert_int_not_equal(access(to, F_OK), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_extents_cover_the_data_and_little_more),
		cmocka_unit_test(a_shrunken_file_is_named),
		cmocka_unit_test(raw_copies_are_identical_and_sparse),
		cmocka_unit_test(qemu_reads_our_vhd),
		cmocka_unit_test(qcow2_reads_as_qemu_does),
		cmocka_unit_test(the_helper_lives_as_long_as_its_source),
		cmocka_unit_test(every_kind_of_qcow2_is_whole),
		cmocka_unit_test(a_qcow2_that_was_cut_short_is_refused),
		cmocka_unit_test(a_vhd_is_known_by_its_footer),
		cmocka_unit_test(many_threads_may_read_one_source),
		cmocka_unit_test(qemu_cannot_write_while_we_read),
		cmocka_unit_test(an_image_in_use_is_busy),
		cmocka_unit_test(formats_are_told_by_the_magic_alone),
		cmocka_unit_test(evil_headers_are_refused),
		cmocka_unit_test(only_files_inside_are_allowed),
		cmocka_unit_test(copies_keep_bytes_and_holes),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
