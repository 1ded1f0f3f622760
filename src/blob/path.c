/* path.c - see path.h.  Containers never begin with '.', so .meta is free. */
#include "blob/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"

static int check_names(const char *container, const char *name, struct err *e)
{
	if (!blob_container_name_valid(str_c(container)))
		return err_set(e, ERR_INVALID, "'%.80s' is not a container's name", container);
	if (name != NULL && !blob_name_valid(str_c(name)))
		return err_set(e, ERR_INVALID, "'%.120s' is not a blob's name", name);
	return 0;
}

int blob_data_path(const char *root, const char *container, const char *name, char **ret,
    struct err *e)
{
	if (check_names(container, name, e) != 0)
		return -1;
	if (asprintf(ret, "%s/%s%s%s", root, container, name != NULL ? "/" : "",
	    name != NULL ? name : "") < 0)
		return err_nomem(e);
	return 0;
}

int blob_meta_path(const char *root, const char *container, const char *name, char **ret,
    struct err *e)
{
	if (check_names(container, name, e) != 0)
		return -1;
	if (asprintf(ret, "%s/.meta/%s%s%s%s", root, container, name != NULL ? "/" : "",
	    name != NULL ? name : "", name != NULL ? ".json" : "") < 0)
		return err_nomem(e);
	return 0;
}

/* A blob is as durable as the folders above it: each new one is synced into its own parent. */
int blob_make_parent(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(dir))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", path);
	for (size_t i = 1; i < n; i++) {
		if (path[i] != '/')
			continue;
		memcpy(dir, path, i);
		dir[i] = '\0';
		if (mkdir(dir, 0750) == 0) {
			if (fs_sync_parent(dir, e) != 0)
				return -1;
		} else if (errno != EEXIST) {
			return err_sys(e, errno, "creating directory '%s'", dir);
		}
	}
	return 0;
}
