/* power_log.c - recording what is done to files below a directory.  See power.h.
 *
 * The linker puts these functions in front of libc's (--wrap, see tests/meson.build).  A call and its
 * event are one under a lock, so that the log has the order in which things happened.  Nothing is
 * really synced. */
#include "power.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

struct power_event power_events[POWER_EVENTS];
unsigned power_count;
bool power_is_dir[POWER_NODES];

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static bool is_on;
static char root[256];
static int node_count;
static int node_of_fd[1024];	/* 0: none of ours */

/* ---- the log ---- */
static struct power_event *add(enum power_kind kind, int node)
{
	struct power_event *v = &power_events[power_count];

	if (++power_count == POWER_EVENTS)
		abort();
	*v = (struct power_event){ .kind = kind, .node = node };
	return v;
}

void power_record(const char *path)
{
	(void)snprintf(root, sizeof(root), "%s", path);
	power_forget();
	node_count = POWER_ROOT;
	power_is_dir[POWER_ROOT] = true;
	is_on = true;
}

void power_mark(int value)
{
	pthread_mutex_lock(&mu);
	add(POWER_MARK, 0)->value = value;
	pthread_mutex_unlock(&mu);
}

void power_stop(void)
{
	is_on = false;
}

void power_forget(void)
{
	while (power_count > 0)
		free(power_events[--power_count].data);
	memset(node_of_fd, 0, sizeof(node_of_fd));
}

/* ---- names ---- */
struct place {
	int dir;		/* 0: not below the root */
	char name[80];		/* "": the directory itself */
};

static int look_up(int dir, const char *name)
{
	for (unsigned i = power_count; i-- > 0;)
		if (power_events[i].kind == POWER_NAME && power_events[i].node == dir &&
		    strcmp(power_events[i].name, name) == 0)
			return power_events[i].value;
	return 0;
}

static struct place find(int fd, const char *path)
{
	struct place at = { 0 };
	size_t n = strlen(root);

	if (!is_on)
		return at;
	if (*path == '/') {
		if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
			return at;
		path += n;
		at.dir = POWER_ROOT;
	} else if (fd >= 0) {
		at.dir = node_of_fd[fd];
	}
	while (at.dir != 0 && *path != '\0') {
		n = strcspn(path, "/");
		if (n > 0 && !(n == 1 && *path == '.')) {
			if (at.name[0] != '\0')
				at.dir = look_up(at.dir, at.name);
			(void)snprintf(at.name, sizeof(at.name), "%.*s", (int)n, path);
		}
		path += n + (path[n] == '/');
	}
	return at;
}

static int node_at(const struct place *at)
{
	return at->name[0] == '\0' ? at->dir : at->dir == 0 ? 0 : look_up(at->dir, at->name);
}

static struct power_event *set_name(const struct place *at, int value)
{
	struct power_event *v = add(POWER_NAME, at->dir);

	memcpy(v->name, at->name, sizeof(v->name));
	v->value = value;
	return v;
}

static int new_node(bool is_dir)
{
	if (++node_count == POWER_NODES)
		abort();
	power_is_dir[node_count] = is_dir;
	return node_count;
}

/* ---- the calls ---- */
#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

static void opened(int fd, const struct place *at)
{
	int node;

	if (fd < 0)
		return;
	node = node_at(at);
	if (node == 0 && at->dir != 0) {
		node = new_node(false);
		(void)set_name(at, node);
	}
	node_of_fd[fd] = node;
}

#define TAKE_MODE(flags) \
	({ \
		mode_t mode_ = 0; \
		if (((flags) & O_CREAT) != 0) { \
			va_list ap_; \
			va_start(ap_, flags); \
			mode_ = va_arg(ap_, mode_t); \
			va_end(ap_); \
		} \
		mode_; \
	})

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = TAKE_MODE(flags);
	struct place at;
	int fd;

	pthread_mutex_lock(&mu);
	at = find(-1, path);
	fd = __real_open64(path, flags, mode);
	opened(fd, &at);
	pthread_mutex_unlock(&mu);
	return fd;
}

int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = TAKE_MODE(flags);
	struct place at;
	int fd;

	pthread_mutex_lock(&mu);
	at = find(dir, path);
	fd = __real_openat64(dir, path, flags, mode);
	opened(fd, &at);
	pthread_mutex_unlock(&mu);
	return fd;
}

WRAP(ssize_t, pwrite64, int fd, const void *p, size_t n, off_t offset)
{
	ssize_t r;

	pthread_mutex_lock(&mu);
	r = __real_pwrite64(fd, p, n, offset);
	if (is_on && r > 0 && node_of_fd[fd] != 0) {
		struct power_event *v = add(POWER_WRITE, node_of_fd[fd]);

		v->offset = offset;
		v->n = (size_t)r;
		v->data = malloc(v->n);
		if (v->data == NULL)
			abort();
		memcpy(v->data, p, v->n);
	}
	pthread_mutex_unlock(&mu);
	return r;
}

static int resized(int fd, int r, off_t n)
{
	if (is_on && r == 0 && node_of_fd[fd] != 0)
		add(POWER_SIZE, node_of_fd[fd])->offset = n;
	pthread_mutex_unlock(&mu);
	return r;
}

WRAP(int, ftruncate64, int fd, off_t n)
{
	pthread_mutex_lock(&mu);
	return resized(fd, __real_ftruncate64(fd, n), n);
}

/* The store allocates new files whole. */
WRAP(int, fallocate64, int fd, int mode, off_t offset, off_t n)
{
	pthread_mutex_lock(&mu);
	return resized(fd, __real_fallocate64(fd, mode, offset, n), offset + n);
}

static int synced(int fd)
{
	int node;

	pthread_mutex_lock(&mu);
	node = is_on ? node_of_fd[fd] : 0;
	if (node != 0)
		(void)add(power_is_dir[node] ? POWER_SYNC_DIR : POWER_SYNC, node);
	pthread_mutex_unlock(&mu);
	return 0;
}

WRAP(int, fsync, int fd)
{
	return synced(fd);
}

WRAP(int, fdatasync, int fd)
{
	return synced(fd);
}

/* The new name is there before the old one is gone. */
static int renamed(int r, const struct place *from, const struct place *to)
{
	if (r == 0 && from->dir != 0 && to->dir != 0) {
		set_name(to, node_at(from))->with_next = true;
		(void)set_name(from, 0);
	}
	pthread_mutex_unlock(&mu);
	return r;
}

WRAP(int, rename, const char *from, const char *to)
{
	struct place a, b;

	pthread_mutex_lock(&mu);
	a = find(-1, from);
	b = find(-1, to);
	return renamed(__real_rename(from, to), &a, &b);
}

WRAP(int, renameat, int da, const char *from, int db, const char *to)
{
	struct place a, b;

	pthread_mutex_lock(&mu);
	a = find(da, from);
	b = find(db, to);
	return renamed(__real_renameat(da, from, db, to), &a, &b);
}

static int removed(int r, const struct place *at)
{
	if (r == 0 && at->dir != 0)
		(void)set_name(at, 0);
	pthread_mutex_unlock(&mu);
	return r;
}

WRAP(int, unlink, const char *path)
{
	struct place at;

	pthread_mutex_lock(&mu);
	at = find(-1, path);
	return removed(__real_unlink(path), &at);
}

WRAP(int, unlinkat, int dir, const char *path, int flags)
{
	struct place at;

	pthread_mutex_lock(&mu);
	at = find(dir, path);
	return removed(__real_unlinkat(dir, path, flags), &at);
}

static int made(int r, const struct place *at)
{
	if (r == 0 && at->dir != 0)
		(void)set_name(at, new_node(true));
	pthread_mutex_unlock(&mu);
	return r;
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	struct place at;

	pthread_mutex_lock(&mu);
	at = find(-1, path);
	return made(__real_mkdir(path, mode), &at);
}

WRAP(int, mkdirat, int dir, const char *path, mode_t mode)
{
	struct place at;

	pthread_mutex_lock(&mu);
	at = find(dir, path);
	return made(__real_mkdirat(dir, path, mode), &at);
}
