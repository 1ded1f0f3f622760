/* err.c - filling in the error record.  See base.h. */
#include "base/base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static enum err_kind kind_of_errno(int sys)
{
	switch (sys) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case EEXIST:
		return ERR_CONFLICT;
	case EBUSY:
	case EAGAIN:
		return ERR_BUSY;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case ECANCELED:
		return ERR_CANCELLED;
	default:
		return ERR_IO;
	}
}

static void fill(struct err *e, enum err_kind kind, int status, const char *code, const char *fmt,
    va_list ap) __attribute__((format(printf, 5, 0)));

static void fill(struct err *e, enum err_kind kind, int status, const char *code, const char *fmt,
    va_list ap)
{
	/* Formatted aside first: an argument may point into e->msg. */
	char msg[sizeof(e->msg)];

	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	memcpy(e->msg, msg, sizeof(msg));
	e->kind = kind;
	e->status = status;
	e->sys = 0;
	e->code = code;
}

int (err_set)(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, kind, 0, NULL, fmt, ap);
	va_end(ap);
	return -1;
}

int (err_code)(struct err *e, enum err_kind kind, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, kind, 0, code, fmt, ap);
	va_end(ap);
	return -1;
}

int (err_http)(struct err *e, enum err_kind kind, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, kind, status, code, fmt, ap);
	va_end(ap);
	return -1;
}

int (err_sys)(struct err *e, int sys, const char *fmt, ...)
{
	char what[sizeof(e->msg)];
	const char *why = strerrordesc_np(sys);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	(void)err_set(e, kind_of_errno(sys), "%.400s: %s", what, why != NULL ? why : "unknown error");
	e->sys = sys;
	return -1;
}

int (err_in)(struct err *e, const char *fmt, ...)
{
	char inner[sizeof(e->msg)], outer[181];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	(void)vsnprintf(outer, sizeof(outer), fmt, ap);
	va_end(ap);
	n = strlen(outer);
	memcpy(inner, e->msg, sizeof(inner));
	(void)snprintf(e->msg, sizeof(e->msg), "%s: %.*s", outer, (int)(sizeof(e->msg) - n - 3), inner);
	return -1;
}

int (err_nomem)(struct err *e)
{
	return err_set(e, ERR_IO, "out of memory");
}
