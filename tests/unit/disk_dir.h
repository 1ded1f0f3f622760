/* disk_dir.h - a directory for a test's images, and what makes and looks at them. */
#ifndef TESTS_DISK_DIR_H
#define TESTS_DISK_DIR_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/codec.h"
#include "disk/internal.h"

#define MIB (1024 * 1024)

static char dir[64];

static inline int make_dir(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/holdfast-disk-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static inline char *in_dir(const char *name, char *out)
{
	(void)snprintf(out, 128, "%s/%s", dir, name);
	return out;
}

/* A shell command; its status. */
static inline int run(const char *fmt, ...) printf_like(1, 2);
static inline int run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

/* A sparse raw image with data at its beginning, in the middle and at its very end. */
static inline void make_raw(const char *path, int64_t size)
{
	char data[8192];
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	random_bytes(data, sizeof(data));
	assert_int_equal(pwrite(fd, data, sizeof(data), 0), sizeof(data));
	assert_int_equal(pwrite(fd, data, sizeof(data), 5 * MIB), sizeof(data));
	assert_int_equal(pwrite(fd, data, 512, size - 512), 512);
	(void)close(fd);
}

/* The children of `parent` that are called qemu-nbd; *ret_pid the last one. */
static inline int helpers_of(pid_t parent, pid_t *ret_pid)
{
	char command[64], line[64];
	int count = 0;
	FILE *f;

	(void)snprintf(command, sizeof(command), "pgrep -x -P %ld qemu-nbd", (long)parent);
	f = popen(command, "re");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f) != NULL; count++)
		*ret_pid = (pid_t)strtol(line, NULL, 10);
	(void)pclose(f);
	return count;
}

static inline int helpers(pid_t *ret_pid)
{
	return helpers_of(getpid(), ret_pid);
}

/* A qemu-nbd that is none of ours and has the image open. */
static inline pid_t start_qemu_nbd(const char *options, const char *image)
{
	static int count;	/* names of its own: the one before may not be gone yet */
	char path[128], line[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/nbd%d", dir, count++);
	assert_int_equal(run("qemu-nbd %s --fork --persistent --pid-file='%s' --socket='%s.s' '%s'",
	    options, path, path, image), 0);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	return (pid_t)strtol(line, NULL, 10);
}

static inline void stop_qemu_nbd(pid_t pid, const char *image)
{
	int fd = open(image, O_RDONLY);

	/* again and again: one that has only just started forgets the first */
	for (int i = 0; i < 500 && image_in_use(fd); i++) {
		assert_int_equal(kill(pid, SIGTERM), 0);
		(void)usleep(10000);
	}
	assert_false(image_in_use(fd));
	(void)close(fd);
}

#endif
