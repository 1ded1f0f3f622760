/* audit_read.c - see audit_read.h. */
#include "cli/audit_read.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "auth/role.h"
#include "base/clock.h"

#define NAME_LEN (sizeof("2026-11.jsonl") - 1)

struct reading {
	const struct audit_filter *filter;
	audit_line_fn *fn;
	void *arg;
	char since[8];	/* "2026-11": earlier files are not opened */
};

static bool is_wanted(const struct audit_filter *f, const json_t *line)
{
	const char *appid = jstr(line, "appid", "cli"), *oid = jstr(line, "oid", "");
	int64_t t = 0;

	if (f->since_us != 0 && time_parse_iso(str_c(jstr(line, "time", "")), &t) &&
	    t < f->since_us)
		return false;
	if (f->principal != NULL && !str_ieq(str_c(f->principal), str_c(appid)) &&
	    !str_ieq(str_c(f->principal), str_c(oid)))
		return false;
	return f->action == NULL ||
	    role_pattern_matches(str_c(f->action), str_c(jstr(line, "action", "")));
}

static int one_line(struct reading *r, const char *path, unsigned number, struct str text,
    struct err *e)
{
	auto_json json_t *line = NULL;

	if (jparse(text, &line, e) != 0 || !json_is_object(line)) {
		(void)fprintf(stderr, "holdfast audit: '%s', line %u, is no JSON object\n", path,
		    number);
		return 0;
	}
	return is_wanted(r->filter, line) ? r->fn(r->arg, line, text, e) : 0;
}

static void file_p(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

static int read_lines(struct reading *r, FILE *f, const char *path, struct err *e)
{
	auto_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	for (unsigned number = 1; (n = getline(&line, &cap, f)) > 0; number++) {
		int rc;

		if (line[n - 1] == '\n')
			n--;
		rc = one_line(r, path, number, (struct str){ line, (size_t)n }, e);
		if (rc != 0)
			return rc;
	}
	return ferror(f) == 0 ? 0 : err_sys(e, errno, "reading '%s'", path);
}

static int one_file(struct reading *r, const char *dir, const char *name, struct err *e)
{
	cleanup_with(file_p) FILE *f = NULL;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/audit/%s", dir, name) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	f = fopen(path, "re");
	if (f == NULL)
		return err_sys(e, errno, "opening '%s'", path);
	return read_lines(r, f, path, e);
}

static int is_month(const struct dirent *d)
{
	return strlen(d->d_name) == NAME_LEN && strcmp(d->d_name + 7, ".jsonl") == 0;
}

static void names_p(struct dirent ***names)
{
	for (struct dirent **d = *names; d != NULL && *d != NULL; d++)
		free(*d);
	free(*names);
}

/* The months that there are, NULL-terminated. */
static int list_months(const char *dir, struct dirent ***ret, struct err *e)
{
	struct dirent **names = NULL, **more;
	char path[PATH_MAX];
	int n;

	if (snprintf(path, sizeof(path), "%s/audit", dir) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	n = scandir(path, &names, is_month, alphasort);
	if (n < 0)
		return errno == ENOENT && access(dir, F_OK) == 0 ? 0 :
		    err_sys(e, errno, "opening '%s'", path);
	more = reallocarray(names, (size_t)n + 1, sizeof(*names));
	if (more == NULL) {
		while (n-- > 0)
			free(names[n]);
		free(names);
		return err_nomem(e);
	}
	more[n] = NULL;
	*ret = more;
	return 0;
}

int audit_read(const char *dir, const struct audit_filter *f, audit_line_fn *fn, void *arg,
    struct err *e)
{
	cleanup_with(names_p) struct dirent **names = NULL;
	struct reading r = { .filter = f, .fn = fn, .arg = arg };
	char when[TIME_TEXT_MAX];

	(void)snprintf(r.since, sizeof(r.since), "%.7s", time_iso_seconds(f->since_us, when));
	if (list_months(dir, &names, e) != 0)
		return -1;
	for (struct dirent **d = names; d != NULL && *d != NULL; d++) {
		int rc = strncmp((*d)->d_name, r.since, 7) < 0 ? 0 :
		    one_file(&r, dir, (*d)->d_name, e);

		if (rc != 0)
			return rc;
	}
	return 0;
}
