/* env.c - see env.h; the table of variables is in env_field.c. */
#include "cli/env.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/fs.h"
#include "cli/env_field.h"

#define ENV_FILE_MAX 65536

static int env_path(const char *dir, char path[PATH_MAX], struct err *e)
{
	if (snprintf(path, PATH_MAX, "%s/admin.env", dir) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	return 0;
}

/* ---- reading ---- */

/* A shell word: plain, or in single quotes with '\'' for a quote.  NULL out of memory. */
static char *unquote(struct str word)
{
	char *out = malloc(word.n + 1), *to = out;
	bool quoted = false;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '\'')
			quoted = !quoted;
		else if (word.p[i] == '\\' && !quoted && i + 1 < word.n)
			*to++ = word.p[++i];
		else
			*to++ = word.p[i];
	}
	*to = '\0';
	return out;
}

/* Keeps the line's value if it is one of ours; the last one counts. */
static int take_line(struct admin_env *v, struct str line, struct err *e)
{
	for (size_t i = 0; i < ENV_COUNT; i++) {
		size_t n = strlen(env_names[i]);

		if (line.n <= n || memcmp(line.p, env_names[i], n) != 0 || line.p[n] != '=')
			continue;
		free(*env_field(v, i));
		*env_field(v, i) = unquote((struct str){ line.p + n + 1, line.n - n - 1 });
		if (*env_field(v, i) == NULL)
			return err_nomem(e);
	}
	return 0;
}

static int from_file(const char *dir, struct admin_env *v, struct err *e)
{
	auto_buf struct buf text = { 0 };
	char path[PATH_MAX];
	struct str rest;

	if (env_path(dir, path, e) != 0)
		return -1;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "'%s' is not a data directory: it has no admin.env "
		    "(holdfast init makes one)", dir);
	if (fs_read_all(path, ENV_FILE_MAX, &text, e) != 0)
		return -1;
	rest = buf_str(&text);
	while (rest.n > 0) {
		const char *nl = memchr(rest.p, '\n', rest.n);
		size_t n = nl != NULL ? (size_t)(nl - rest.p) : rest.n;

		if (take_line(v, (struct str){ rest.p, n }, e) != 0)
			return -1;
		n += nl != NULL;
		rest.p += n;
		rest.n -= n;
	}
	return 0;
}

static int from_environment(struct admin_env *v, struct err *e)
{
	for (size_t i = 0; i < ENV_COUNT; i++) {
		const char *value = getenv(env_names[i]);

		if (value == NULL)
			continue;
		*env_field(v, i) = strdup(value);
		if (*env_field(v, i) == NULL)
			return err_nomem(e);
	}
	return 0;
}

int admin_env_load(const char *dir, struct admin_env *ret, struct err *e)
{
	auto_admin_env struct admin_env v = { 0 };

	if (dir != NULL ? from_file(dir, &v, e) != 0 : from_environment(&v, e) != 0)
		return -1;
	for (size_t i = 0; i < ENV_COUNT; i++) {
		const char *value = *env_field(&v, i);

		if (value != NULL && *value != '\0')
			continue;
		if (dir != NULL)
			return err_set(e, ERR_INVALID, "'%s/admin.env' does not set %s", dir,
			    env_names[i]);
		return err_set(e, ERR_NOT_FOUND,
		    "which server? name its data directory, set HOLDFAST_DIR, or load DIR/admin.env "
		    "(set -a; . DIR/admin.env; set +a): %s is not set", env_names[i]);
	}
	*ret = v;
	v = (struct admin_env){ 0 };
	return 0;
}

/* ---- writing ---- */

static bool plain(const char *value)
{
	return value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                           "_-./:[]@%+,")] == '\0';
}

static void add_quoted(struct buf *b, const char *value)
{
	if (plain(value)) {
		buf_adds(b, value);
		return;
	}
	buf_adds(b, "'");
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			buf_adds(b, "'\\''");
		else
			buf_add(b, value, 1);
	}
	buf_adds(b, "'");
}

int admin_env_write(const char *dir, const struct admin_env *v, struct err *e)
{
	auto_buf struct buf b = { 0 };
	struct admin_env copy = *v;
	char path[PATH_MAX];

	for (size_t i = 0; i < ENV_COUNT; i++) {
		if (strchr(*env_field(&copy, i), '\n') != NULL)
			return err_set(
			    e, ERR_INVALID, "%s: a line break in its value", env_names[i]);
		buf_addf(&b, "%s=", env_names[i]);
		add_quoted(&b, *env_field(&copy, i));
		buf_adds(&b, "\n");
	}
	if (buf_ok(&b, e) != 0 || env_path(dir, path, e) != 0)
		return -1;
	return fs_write_atomic(path, b.p, b.n, 0600, e);
}
