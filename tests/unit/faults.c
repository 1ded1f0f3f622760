/* faults.c - functions put in front of libc's by the linker (--wrap, see tests/meson.build).
 *
 * The names are those that our objects refer to: with 64-bit offsets, pread is pread64.  Syncing is
 * counted, but not done: nothing here is about power, and it would take most of the time. */
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic enum fault armed;
static atomic_uint calls, failures, fail_at;
static atomic_bool is_sticky;
static _Atomic(const char *) first;

struct watched {
	struct watched *next;
	const char *name;
	atomic_uint n;
	atomic_bool is_in_list;
};
static struct watched *_Atomic all;

void fault_arm(enum fault what, unsigned nth, bool sticky)
{
	calls = failures = 0;
	fail_at = nth;
	is_sticky = sticky;
	first = NULL;
	armed = what;
}

unsigned fault_disarm(const char **ret_call)
{
	armed = FAULT_NONE;
	*ret_call = first != NULL ? first : "nothing";
	return failures;
}

void fault_report(FILE *to)
{
	for (struct watched *w = all; w != NULL; w = w->next)
		if (w->n > 0) {	/* together with those of the same name */
			for (struct watched *x = w->next; x != NULL; x = x->next)
				if (strcmp(x->name, w->name) == 0)
					w->n += atomic_exchange(&x->n, 0);
			fprintf(to, " %s %u", w->name, w->n);
		}
	fprintf(to, "\n");
}

static bool hit(enum fault what, struct watched *w)
{
	const char *none = NULL;
	unsigned n;

	if (armed != what)
		return false;
	n = atomic_fetch_add(&calls, 1) + 1;
	if (n < fail_at || (n > fail_at && !is_sticky))
		return false;
	failures++;
	(void)atomic_compare_exchange_strong(&first, &none, w->name);
	w->n++;
	if (!atomic_exchange(&w->is_in_list, true)) {
		w->next = all;
		while (!atomic_compare_exchange_weak(&all, &w->next, w))
			;
	}
	return true;
}

#define HIT(what, text) \
	({ \
		static struct watched watched_ = { .name = text }; \
		hit(what, &watched_); \
	})

#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

/* ---- allocation ---- */
#define NULL_IF_ALLOC(name) \
	do { \
		if (HIT(FAULT_ALLOC, name)) { \
			errno = ENOMEM; \
			return NULL; \
		} \
	} while (0)

WRAP(void *, malloc, size_t n)
{
	NULL_IF_ALLOC("malloc");
	return __real_malloc(n);
}

WRAP(void *, calloc, size_t k, size_t n)
{
	NULL_IF_ALLOC("calloc");
	return __real_calloc(k, n);
}

WRAP(void *, realloc, void *p, size_t n)
{
	NULL_IF_ALLOC("realloc");
	return __real_realloc(p, n);
}

WRAP(void *, reallocarray, void *p, size_t k, size_t n)
{
	NULL_IF_ALLOC("reallocarray");
	return __real_reallocarray(p, k, n);
}

WRAP(void *, aligned_alloc, size_t a, size_t n)
{
	NULL_IF_ALLOC("aligned_alloc");
	return __real_aligned_alloc(a, n);
}

WRAP(char *, strdup, const char *s)
{
	NULL_IF_ALLOC("strdup");
	return __real_strdup(s);
}

WRAP(char *, strndup, const char *s, size_t n)
{
	NULL_IF_ALLOC("strndup");
	return __real_strndup(s, n);
}

int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (HIT(FAULT_ALLOC, "asprintf")) {
		errno = ENOMEM;
		return -1;
	}
	va_start(ap, fmt);
	n = vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

WRAP(int, pthread_create, pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	if (HIT(FAULT_ALLOC, "pthread_create"))
		return EAGAIN;
	return __real_pthread_create(t, a, fn, arg);
}

/* Libraries allocate behind our back: their constructors fail instead. */
WRAP(void *, ZSTD_createCCtx, void)
{
	NULL_IF_ALLOC("ZSTD_createCCtx");
	return __real_ZSTD_createCCtx();
}

WRAP(void *, ZSTD_createDCtx, void)
{
	NULL_IF_ALLOC("ZSTD_createDCtx");
	return __real_ZSTD_createDCtx();
}

WRAP(void *, EVP_CIPHER_CTX_new, void)
{
	NULL_IF_ALLOC("EVP_CIPHER_CTX_new");
	return __real_EVP_CIPHER_CTX_new();
}

WRAP(void *, EVP_MAC_fetch, void *lib, const char *name, const char *props)
{
	NULL_IF_ALLOC("EVP_MAC_fetch");
	return __real_EVP_MAC_fetch(lib, name, props);
}

WRAP(void *, EVP_MAC_CTX_new, void *mac)
{
	NULL_IF_ALLOC("EVP_MAC_CTX_new");
	return __real_EVP_MAC_CTX_new(mac);
}

WRAP(void *, EVP_MAC_CTX_dup, const void *c)
{
	NULL_IF_ALLOC("EVP_MAC_CTX_dup");
	return __real_EVP_MAC_CTX_dup(c);
}

WRAP(void *, EVP_KDF_fetch, void *lib, const char *name, const char *props)
{
	NULL_IF_ALLOC("EVP_KDF_fetch");
	return __real_EVP_KDF_fetch(lib, name, props);
}

WRAP(void *, EVP_KDF_CTX_new, void *kdf)
{
	NULL_IF_ALLOC("EVP_KDF_CTX_new");
	return __real_EVP_KDF_CTX_new(kdf);
}

/* ---- system calls ---- */
#define FAIL_IF(what, name, value, sys) \
	do { \
		if (HIT(what, name)) { \
			errno = (sys); \
			return value; \
		} \
	} while (0)
#define FAIL_READING(name) FAIL_IF(FAULT_IO, name, -1, EIO)
#define FAIL_CHANGING(name) \
	do { \
		FAIL_IF(FAULT_IO, name, -1, EIO); \
		FAIL_IF(FAULT_SPACE, name, -1, ENOSPC); \
	} while (0)
#define SHORTEN(name, n) \
	do { \
		FAIL_IF(FAULT_INTR, name, -1, EINTR); \
		if ((n) > 1 && HIT(FAULT_SHORT, name)) \
			(n) = (n) / 2; \
	} while (0)

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		FAIL_IF(FAULT_SPACE, "open", -1, ENOSPC);
	}
	FAIL_READING("open");
	return __real_open64(path, flags, mode);
}

int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		FAIL_IF(FAULT_SPACE, "openat", -1, ENOSPC);
	}
	FAIL_READING("openat");
	return __real_openat64(dir, path, flags, mode);
}

WRAP(ssize_t, read, int fd, void *p, size_t n)
{
	FAIL_READING("read");
	SHORTEN("read", n);
	return __real_read(fd, p, n);
}

WRAP(ssize_t, write, int fd, const void *p, size_t n)
{
	FAIL_CHANGING("write");
	SHORTEN("write", n);
	return __real_write(fd, p, n);
}

WRAP(ssize_t, pread64, int fd, void *p, size_t n, off_t at)
{
	FAIL_READING("pread");
	SHORTEN("pread", n);
	return __real_pread64(fd, p, n, at);
}

WRAP(ssize_t, pwrite64, int fd, const void *p, size_t n, off_t at)
{
	FAIL_CHANGING("pwrite");
	SHORTEN("pwrite", n);
	return __real_pwrite64(fd, p, n, at);
}

WRAP(int, fsync, int fd)
{
	FAIL_CHANGING("fsync");
	(void)fd;
	return 0;
}

WRAP(int, fdatasync, int fd)
{
	FAIL_CHANGING("fdatasync");
	(void)fd;
	return 0;
}

WRAP(int, rename, const char *from, const char *to)
{
	FAIL_CHANGING("rename");
	return __real_rename(from, to);
}

WRAP(int, renameat, int a, const char *from, int b, const char *to)
{
	FAIL_CHANGING("renameat");
	return __real_renameat(a, from, b, to);
}

WRAP(int, unlink, const char *path)
{
	FAIL_CHANGING("unlink");
	return __real_unlink(path);
}

WRAP(int, unlinkat, int dir, const char *path, int flags)
{
	FAIL_CHANGING("unlinkat");
	return __real_unlinkat(dir, path, flags);
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	FAIL_CHANGING("mkdir");
	return __real_mkdir(path, mode);
}

WRAP(int, mkdirat, int dir, const char *path, mode_t mode)
{
	FAIL_CHANGING("mkdirat");
	return __real_mkdirat(dir, path, mode);
}

WRAP(int, ftruncate64, int fd, off_t n)
{
	FAIL_CHANGING("ftruncate");
	return __real_ftruncate64(fd, n);
}

WRAP(int, fallocate64, int fd, int mode, off_t at, off_t n)
{
	FAIL_CHANGING("fallocate");
	return __real_fallocate64(fd, mode, at, n);
}

WRAP(int, fstat64, int fd, struct stat *st)
{
	FAIL_READING("fstat");
	return __real_fstat64(fd, st);
}

WRAP(int, fstatat64, int dir, const char *path, struct stat *st, int flags)
{
	FAIL_READING("fstatat");
	return __real_fstatat64(dir, path, st, flags);
}

WRAP(off_t, lseek64, int fd, off_t at, int whence)
{
	FAIL_READING("lseek");
	return __real_lseek64(fd, at, whence);
}

int __real_fcntl64(int fd, int op, ...);
int __wrap_fcntl64(int fd, int op, ...);
int __wrap_fcntl64(int fd, int op, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, op);
	arg = va_arg(ap, void *);
	va_end(ap);
	FAIL_READING("fcntl");
	return __real_fcntl64(fd, op, arg);
}

WRAP(int, flock, int fd, int op)
{
	FAIL_READING("flock");
	return __real_flock(fd, op);
}

WRAP(DIR *, fdopendir, int fd)
{
	FAIL_IF(FAULT_IO, "fdopendir", NULL, EIO);
	FAIL_IF(FAULT_ALLOC, "fdopendir", NULL, ENOMEM);
	return __real_fdopendir(fd);
}

WRAP(struct dirent *, readdir64, DIR *h)
{
	FAIL_IF(FAULT_IO, "readdir", NULL, EIO);
	return __real_readdir64(h);
}
