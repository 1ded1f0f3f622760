/* base.h - the vocabulary every module may use.  Depends on libc only. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define cleanup_with(fn) __attribute__((cleanup(fn)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Hand a pointer or a descriptor over: read it and leave the variable empty. */
#define TAKE(p) ({ __typeof__(p) take_ = (p); (p) = NULL; take_; })
#define TAKE_FD(fd) ({ int take_ = (fd); (fd) = -1; take_; })

/* Room for one element more in the array `p` of `cap`, of which `n` are in use: 0, or -1 out of memory
 * and nothing has changed.  Grows by doubling, from `least` elements on.  Names are evaluated often. */
#define GROW(p, n, cap, least, e) ({ \
	__typeof__(p) grown_ = (p); \
	size_t cap_ = (n) < (cap) ? (cap) : (cap) == 0 ? (size_t)(least) : (cap) * 2; \
	if (cap_ > (cap)) \
		grown_ = reallocarray((p), cap_, sizeof(*(p))); \
	if (grown_ != NULL) { \
		(p) = grown_; \
		(cap) = cap_; \
	} \
	grown_ != NULL ? 0 : err_nomem(e); })

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void close_p(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define auto_free cleanup_with(free_p)
#define auto_close cleanup_with(close_p)

/* A borrowed run of bytes.  Never owns, never NUL-terminated by promise. */
struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_F "%.*s"
#define STR_A(s) (int)(s).n, (s).p

static inline struct str str_c(const char *z)
{
	return z != NULL ? (struct str){ z, strlen(z) } : (struct str){ "", 0 };
}

/* Without spaces and tabs at its ends. */
static inline struct str str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII case-insensitive comparison, as ARM compares ids and names. */
bool str_ieq(struct str a, struct str b);
bool str_istarts(struct str s, struct str prefix);

/* What went wrong, in a fixed-size record the caller owns: filling one in
 * never allocates, so "out of memory" is reported like any other failure. */
enum err_kind {
	ERR_NONE,
	ERR_INVALID,	/* the input is wrong; retrying will not help: 400 */
	ERR_DENIED,	/* not allowed: 403 */
	ERR_NOT_FOUND,	/* 404 */
	ERR_CONFLICT,	/* exists already, or in a state that forbids it: 409 */
	ERR_BUSY,	/* somebody else holds it; retry later: 409 */
	ERR_NO_SPACE,	/* disk full or quota */
	ERR_CORRUPT,	/* stored bytes are not what was written */
	ERR_IO,		/* the system refused; includes out of memory */
	ERR_CANCELLED,
	ERR_BUG,	/* a state that should not exist */
};

struct err {
	enum err_kind kind;	/* decides the HTTP status and whether to retry */
	int status;		/* HTTP status if the kind's usual one is wrong, or 0 */
	int sys;		/* errno at the point of failure, or 0 */
	const char *code;	/* ARM error code, static storage, or NULL */
	char msg[1024];		/* "outermost: inner: cause", no newline */
};

/* Each returns -1, so that "return err_set(...)" reads as one step. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) printf_like(3, 4);
int err_sys(struct err *e, int sys, const char *fmt, ...) printf_like(3, 4);
int err_code(struct err *e, enum err_kind kind, const char *code, const char *fmt, ...)
    printf_like(4, 5);

/* As err_code(), with an HTTP status of its own. */
int err_http(struct err *e, enum err_kind kind, int status, const char *code, const char *fmt, ...)
    printf_like(5, 6);

/* Put one more level of context in front of what is already there. */
int err_in(struct err *e, const char *fmt, ...) printf_like(2, 3);

int err_nomem(struct err *e);

/* The value is spelled out, so that compilers and analysers see it. */
#define err_set(...) ((void)err_set(__VA_ARGS__), -1)
#define err_sys(...) ((void)err_sys(__VA_ARGS__), -1)
#define err_code(...) ((void)err_code(__VA_ARGS__), -1)
#define err_http(...) ((void)err_http(__VA_ARGS__), -1)
#define err_in(...) ((void)err_in(__VA_ARGS__), -1)
#define err_nomem(e) ((void)err_nomem(e), -1)

#endif
