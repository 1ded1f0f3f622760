/* container.c - containers, and lists of what they hold.  See blob.h. */
#include "blob/path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"

int blob_container_create(const char *root, const char *container, struct err *e)
{
	auto_free char *path = NULL;

	if (blob_data_path(root, container, NULL, &path, e) != 0)
		return -1;
	if (blob_make_parent(path, e) != 0 || fs_mkdirs(path, 0750, e) != 0)
		return err_in(e, "creating container '%s'", container);
	return fs_sync_parent(path, e);
}

int blob_container_delete(const char *root, const char *container, struct err *e)
{
	auto_free char *meta = NULL, *path = NULL;

	if (blob_meta_path(root, container, NULL, &meta, e) != 0 ||
	    blob_data_path(root, container, NULL, &path, e) != 0)
		return -1;
	return fs_remove_tree(meta, e) != 0 ? -1 : fs_remove_tree(path, e);
}

/* Names in a directory, sorted. */
struct names {
	char **name;
	size_t count, cap;
};

static void names_done(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->name[i]);
	free(n->name);
}

static int add_name(struct names *n, char *name, struct err *e)
{
	if (name != NULL && n->count == n->cap) {
		size_t cap = n->cap != 0 ? n->cap * 2 : 32;
		char **grown = realloc(n->name, cap * sizeof(*grown));

		if (grown != NULL) {
			n->name = grown;
			n->cap = cap;
		}
	}
	if (name == NULL || n->count == n->cap) {
		free(name);
		return err_nomem(e);
	}
	n->name[n->count++] = name;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All properties files below `dir`, as blob names that begin with `prefix`. */
static int collect(const char *dir, const char *below, struct names *ret, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *ent;
	int r = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_sys(e, errno, "listing '%s'", dir);
	while (r == 0 && (ent = readdir(d)) != NULL) {
		auto_free char *path = NULL, *name = NULL;
		size_t n = strlen(ent->d_name);
		struct stat st;

		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
			continue;
		if (asprintf(&path, "%s/%s", dir, ent->d_name) < 0 ||
		    asprintf(&name, "%s%s%s", below, below[0] != '\0' ? "/" : "", ent->d_name) < 0) {
			r = err_nomem(e);
			break;
		}
		if (lstat(path, &st) != 0)
			continue;	/* removed meanwhile */
		if (S_ISDIR(st.st_mode)) {
			r = collect(path, name, ret, e);
		} else if (n > 5 && strcmp(ent->d_name + n - 5, ".json") == 0) {
			name[strlen(name) - 5] = '\0';
			r = add_name(ret, TAKE(name), e);
		}
	}
	(void)closedir(d);
	return r;
}

static int each_blob(const char *root, const char *container, const char *prefix,
    const char *marker, const struct names *names, blob_list_fn *fn, void *arg, struct err *e)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->name[i];
		struct blob_props props = { 0 };
		int r;

		if (strncmp(name, prefix, strlen(prefix)) != 0 ||
		    (marker[0] != '\0' && strcmp(name, marker) <= 0))
			continue;
		r = blob_head(root, container, name, &props, e);
		if (r == 0)
			continue;
		if (r > 0) {
			r = fn(arg, name, &props, e);
			blob_props_done(&props);
		}
		if (r != 0)
			return r;
	}
	return 0;
}

int blob_list(const char *root, const char *container, const char *prefix, const char *marker,
    blob_list_fn *fn, void *arg, struct err *e)
{
	auto_free char *meta = NULL;
	struct names names = { 0 };
	int r;

	if (blob_meta_path(root, container, NULL, &meta, e) != 0)
		return -1;
	r = collect(meta, "", &names, e);
	if (r == 0 && names.count > 0) {
		qsort(names.name, names.count, sizeof(*names.name), compare);
		r = each_blob(root, container, prefix, marker, &names, fn, arg, e);
	}
	names_done(&names);
	return r;
}

int blob_container_list(const char *root, blob_container_fn *fn, void *arg, struct err *e)
{
	DIR *d = opendir(root);
	struct names names = { 0 };
	struct dirent *ent;
	int r = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_sys(e, errno, "listing '%s'", root);
	while (r == 0 && (ent = readdir(d)) != NULL)
		if (blob_container_name_valid(str_c(ent->d_name)))
			r = add_name(&names, strdup(ent->d_name), e);
	(void)closedir(d);
	if (names.count > 0)
		qsort(names.name, names.count, sizeof(*names.name), compare);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		auto_free char *path = NULL;
		struct stat st;

		if (asprintf(&path, "%s/%s", root, names.name[i]) < 0)
			r = err_nomem(e);
		else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			r = fn(arg, names.name[i], (int64_t)st.st_mtim.tv_sec * 1000000, e);
	}
	names_done(&names);
	return r;
}
