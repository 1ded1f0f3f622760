/* path.c - may this file be registered?  See disk.h. */
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static bool inside(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || n == 1);
}

static int in_allowed(const char *resolved, const char *const *allowed, struct err *e)
{
	for (; *allowed != NULL; allowed++) {
		auto_free char *dir = realpath(*allowed, NULL);

		if (dir != NULL && inside(resolved, dir))
			return 1;
		if (dir == NULL && errno == ENOMEM)
			return err_nomem(e);
	}
	return 0;
}

static int denied(const char *path, const char *resolved, struct err *e)
{
	return err_set(e, ERR_DENIED,
	    "disk image '%s' is '%s', which lies in none of the directories that the settings allow",
	    path, resolved);
}

/* Nobody learns from us what there is and is not outside of the allowed directories. */
static int unresolved(const char *path, int sys, const char *const *allowed, struct err *e)
{
	if (strstr(path, "/../") == NULL)
		for (; *allowed != NULL; allowed++)
			if (inside(path, *allowed))
				return err_sys(e, sys, "disk image '%s'", path);
	return denied(path, path, e);
}

/* A regular file, and by that name still: no directory on the way was exchanged meanwhile. */
static int check_opened(const char *resolved, struct err *e)
{
	auto_close int fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char link[64], now[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "opening disk image '%s'", resolved);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "disk image '%s' is not a regular file", resolved);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, now, sizeof(now) - 1);
	if (n < 0)
		return err_sys(e, errno, "opening disk image '%s'", resolved);
	now[n] = '\0';
	return strcmp(now, resolved) == 0 ? 0 : denied(resolved, now, e);
}

int disk_path_allowed(const char *path, const char *const *allowed, char **ret, struct err *e)
{
	auto_free char *resolved = NULL;
	int in;

	if (path[0] != '/')
		return err_set(e, ERR_INVALID, "'%s' is not an absolute path", path);
	resolved = realpath(path, NULL);
	if (resolved == NULL)
		return unresolved(path, errno, allowed, e);
	in = in_allowed(resolved, allowed, e);
	if (in < 0)
		return -1;
	if (in == 0)
		return denied(path, resolved, e);
	if (check_opened(resolved, e) != 0)
		return -1;
	*ret = TAKE(resolved);
	return 0;
}
