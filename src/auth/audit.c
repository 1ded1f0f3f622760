/* audit.c - see audit.h. */
#include "auth/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"

#define ROOM ((off_t)256 << 10)		/* far more than all workers' lines */
#define SCOPE_MAX 2048			/* longer scopes are cut, so that lines stay short */

static int file_path(const char *dir, int64_t now_us, char ret[PATH_MAX], struct err *e)
{
	char when[TIME_TEXT_MAX];

	if (snprintf(ret, PATH_MAX, "%s/%.7s.jsonl", dir, time_iso_seconds(now_us, when)) >=
	    PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	return 0;
}

/* Room behind the end that nothing else can take.  Where the file system cannot promise it, the
 * write itself will tell. */
static int reserve(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "looking at '%s'", path);
	if ((off_t)st.st_blocks * 512 >= st.st_size + ROOM / 2)
		return 0;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, ROOM) != 0 && errno != EOPNOTSUPP)
		return err_sys(e, errno, "making room in '%s'", path);
	return 0;
}

int audit_open(const char *dir, int64_t now_us, int *ret_fd, struct err *e)
{
	auto_close int fd = -1;
	char path[PATH_MAX];
	bool is_new;

	if (file_path(dir, now_us, path, e) != 0)
		return -1;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	is_new = fd < 0 && errno == ENOENT;
	if (is_new) {
		if (fs_mkdirs(dir, 0700, e) != 0)
			return -1;
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return err_sys(e, errno, "opening '%s'", path);
	if (reserve(fd, path, e) != 0 || (is_new && fs_sync_parent(path, e) != 0))
		return -1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int add(json_t *line, const char *key, const char *value, struct err *e)
{
	return value == NULL || *value == '\0' ? 0 : jset(line, key, json_string(value), e);
}

static int add_scope(json_t *line, const char *scope, struct err *e)
{
	size_t n = scope != NULL ? strlen(scope) : 0;

	if (n <= SCOPE_MAX)
		return add(line, "scope", scope, e);
	n = SCOPE_MAX;
	while (n > 0 && ((unsigned char)scope[n] & 0xc0) == 0x80)
		n--;	/* not inside a character */
	return jset(line, "scope", json_stringn(scope, n), e);
}

static int fill(json_t *line, const struct audit_entry *a, struct err *e)
{
	char when[TIME_TEXT_MAX];

	if (add(line, "time", time_iso(a->time_us, when), e) != 0 ||
	    add(line, "appid", a->client_id, e) != 0 || add(line, "oid", a->object_id, e) != 0 ||
	    add(line, "method", a->method, e) != 0 || add(line, "action", a->action, e) != 0 ||
	    add_scope(line, a->scope, e) != 0 ||
	    (a->status != 0 && jset(line, "status", json_integer(a->status), e) != 0) ||
	    add(line, "code", a->code, e) != 0 ||
	    add(line, "requestId", a->request_id, e) != 0 ||
	    add(line, "clientRequestId", a->client_request_id, e) != 0 ||
	    add(line, "remote", a->remote, e) != 0)
		return -1;
	return a->detail == NULL ? 0 : jset(line, "detail", json_deep_copy(a->detail), e);
}

int audit_append(int fd, const struct audit_entry *entry, struct err *e)
{
	auto_json json_t *line = json_object();
	auto_buf struct buf text = { 0 };
	ssize_t n;

	if (line == NULL)
		return err_nomem(e);
	if (fill(line, entry, e) != 0 || jdump(line, &text, e) != 0)
		return -1;
	buf_adds(&text, "\n");
	if (buf_ok(&text, e) != 0)
		return -1;
	n = write(fd, text.p, text.n);
	if (n != (ssize_t)text.n)
		return err_sys(e, n < 0 ? errno : ENOSPC, "writing to the audit log");
	if (entry->status >= 400)
		return 0;	/* nothing has changed: no need to wait for the disk */
	return fdatasync(fd) == 0 ? 0 : err_sys(e, errno, "syncing the audit log");
}
