/* qemu_img.c - the two things that qemu-img does for qcow2 sinks. */
#include "disk/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { CORRUPT = 2, LEAKS = 3 };	/* exit status of qemu-img check */

/* In a session of its own, as child.h says; with its output nowhere and its complaints in `log`. */
static int spawn(char *const argv[], int log, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int sys;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	sys = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	if (sys == 0)
		sys = posix_spawn_file_actions_adddup2(&actions, 0, 1);
	if (sys == 0)
		sys = posix_spawn_file_actions_adddup2(&actions, log, 2);
	if (sys == 0)
		sys = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	if (sys == 0)
		sys = posix_spawnp(ret, argv[0], &actions, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&actions);
	return sys;
}

/* What went wrong, in its own words: the first line in `log`. */
static int complain(int log, enum err_kind kind, const char *what, const char *path, struct err *e)
{
	char text[256];
	ssize_t got = pread(log, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(e, kind, "%s '%s': %s", what, path,
	    text[0] != '\0' ? text : "qemu-img does not say why");
}

/* 0, or `accepted` if that is its exit status. */
static int run(char *const argv[], int accepted, const char *what, const char *path, struct err *e)
{
	auto_close int log = memfd_create("qemu-img", MFD_CLOEXEC);
	int status = -1, sys;
	pid_t pid;

	if (log < 0)
		return err_sys(e, errno, "%s '%s'", what, path);
	sys = spawn(argv, log, &pid);
	if (sys != 0) {
		(void)err_sys(e, sys, "%s '%s': starting qemu-img", what, path);
		e->kind = ERR_IO;	/* it is not the image that is not found */
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (status == 0 || status == accepted)
		return status;
	return complain(log, status == CORRUPT ? ERR_CORRUPT : ERR_IO, what, path, e);
}

/* By descriptor, as child.h says; no name of a file can then pass for an option or a protocol. */
static void image_name(int fd, char *ret, size_t size)
{
	(void)snprintf(ret, size, "/proc/%ld/fd/%d", (long)getpid(), fd);
}

/* Without lazy refcounts, with which an image is marked dirty until it was closed. */
int qemu_img_create(int fd, const char *path, int64_t size, struct err *e)
{
	char image[64], bytes[32];
	char *argv[] = { (char[]){ "qemu-img" }, (char[]){ "create" }, (char[]){ "-q" },
		(char[]){ "-f" }, (char[]){ "qcow2" }, (char[]){ "-o" },
		(char[]){ "lazy_refcounts=off" }, image, bytes, NULL };

	image_name(fd, image, sizeof(image));
	(void)snprintf(bytes, sizeof(bytes), "%lld", (long long)size);
	return run(argv, 0, "creating disk image", path, e);
}

int qemu_img_repair(int fd, const char *path, struct err *e)
{
	static const char what[] = "checking disk image";
	char image[64];
	char *check[] = { (char[]){ "qemu-img" }, (char[]){ "check" }, (char[]){ "-q" },
		(char[]){ "-f" }, (char[]){ "qcow2" }, image, NULL };
	char *repair[] = { (char[]){ "qemu-img" }, (char[]){ "check" }, (char[]){ "-q" },
		(char[]){ "-r" }, (char[]){ "leaks" }, (char[]){ "-f" }, (char[]){ "qcow2" }, image,
		NULL };
	int found;

	image_name(fd, image, sizeof(image));
	found = run(check, LEAKS, what, path, e);
	return found == LEAKS ? run(repair, 0, what, path, e) : found;
}
