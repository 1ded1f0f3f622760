/* dir_list.c - walking a directory in the order of object names. */
#include "object/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct entry {
	char *name;		/* a directory's ends with '/', so that plain comparison sorts by
				 * whole object names: "a.b" < "a/x" < "a0" */
	int64_t size;
};

struct entries {
	struct entry *p;
	size_t n, cap;
};

static void entries_done(struct entries *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->p[i].name);
	free(l->p);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int add(struct entries *l, const char *name, const struct stat *st, struct err *e)
{
	char *copy = NULL;

	if (GROW(l->p, l->n, l->cap, 64, e) != 0)
		return -1;
	if (asprintf(&copy, "%s%s", name, S_ISDIR(st->st_mode) ? "/" : "") < 0)
		return err_nomem(e);
	l->p[l->n++] = (struct entry){ .name = copy, .size = st->st_size };
	return 0;
}

/* Names that no object can have (our temporaries, "lost+found", "..") are passed over, and so
 * is what vanishes while we look. */
static int read_dir(struct dir_store *d, const char *dir, DIR *h, struct entries *l, struct err *e)
{
	for (;;) {
		struct dirent *de;
		struct stat st;

		errno = 0;
		de = readdir(h);
		if (de == NULL && errno != 0)
			return err_sys(e, errno, "listing '%s/%s'", d->path, dir);
		if (de == NULL)
			return 0;
		if (!object_name_valid(de->d_name))
			continue;
		if (fstatat(dirfd(h), de->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			if (errno == ENOENT)
				continue;
			return err_sys(e, errno, "listing '%s/%s': '%s'", d->path, dir,
			    de->d_name);
		}
		if ((S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
		    add(l, de->d_name, &st, e) != 0)
			return -1;
	}
}

static int load(struct dir_store *d, const char *dir, struct entries *l, struct err *e)
{
	int fd = openat(d->root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r;
	DIR *h;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(e, errno, "listing '%s/%s'", d->path, dir);
	h = fdopendir(fd);
	if (h == NULL) {
		(void)err_sys(e, errno, "listing '%s/%s'", d->path, dir);
		(void)close(fd);
		return -1;
	}
	r = read_dir(d, dir, h, l, e);
	(void)closedir(h);
	if (r == 0 && l->n > 1)
		qsort(l->p, l->n, sizeof(l->p[0]), by_name);
	return r;
}

/* Can a name that begins with `dir` begin with `prefix` too? */
static bool may_match(const char *dir, const char *prefix)
{
	size_t a = strlen(dir), b = strlen(prefix);

	return strncmp(dir, prefix, a < b ? a : b) == 0;
}

struct walk {
	struct dir_store *d;
	const char *prefix;
	object_list_fn *fn;
	void *arg;
};

/* `dir` is "" or ends with '/'. */
static int walk(const struct walk *w, const char *dir, struct err *e)
{
	cleanup_with(entries_done) struct entries l = { 0 };
	int r = load(w->d, *dir == '\0' ? "." : dir, &l, e);

	for (size_t i = 0; i < l.n && r == 0; i++) {
		struct object_info info = { .size = l.p[i].size };
		int n = snprintf(info.name, sizeof(info.name), "%s%s", dir, l.p[i].name);

		if (n >= (int)sizeof(info.name) || !may_match(info.name, w->prefix))
			continue;
		if (info.name[n - 1] == '/')
			r = walk(w, info.name, e);
		else if ((size_t)n >= strlen(w->prefix))
			r = w->fn(w->arg, &info, e);
	}
	return r;
}

int dir_list(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
    struct err *e)
{
	struct walk w = { .d = dir_of(s), .prefix = prefix, .fn = fn, .arg = arg };

	return walk(&w, "", e);
}

void dir_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *h = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *de;

	if (h == NULL) {
		close_p(&copy);
		return;
	}
	while ((de = readdir(h)) != NULL)
		(void)unlinkat(fd, de->d_name, 0);	/* "." and ".." refuse */
	(void)closedir(h);
}
