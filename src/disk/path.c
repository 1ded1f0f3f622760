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

int disk_path_allowed(const char *path, const char *const *allowed, char **ret, struct err *e)
{
	auto_free char *resolved = NULL;
	auto_close int fd = -1;
	struct stat st;
	int in;

	if (path[0] != '/')
		return err_set(e, ERR_INVALID, "'%s' is not an absolute path", path);
	resolved = realpath(path, NULL);
	if (resolved == NULL)
		return err_sys(e, errno, "disk image '%s'", path);
	in = in_allowed(resolved, allowed, e);
	if (in < 0)
		return -1;
	if (in == 0)
		return err_set(e, ERR_DENIED,
		    "disk image '%s' is '%s', which lies in none of the directories that the settings allow",
		    path, resolved);
	fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "opening disk image '%s'", resolved);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "disk image '%s' is not a regular file", resolved);
	*ret = TAKE(resolved);
	return 0;
}
