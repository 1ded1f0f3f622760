/* vault_restore.c - holdfast vault restore: a disk out of a vault without a server. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "cli/progress.h"
#include "cli/vault.h"

#define MIB ((int64_t)1 << 20)

struct restoring {
	struct vault_cmd *c;
	struct vault_point *point;	/* owned */
	struct disk_sink *sink;		/* owned */
	struct progress bar;
	enum disk_format format;
	const char *disk, *path;
};

static void restoring_done(struct restoring *r)
{
	progress_end(&r->bar);
	disk_sink_close(r->sink);
	vault_point_close(r->point);
}

static int find_disk(struct restoring *r, int64_t *ret_size, struct err *e)
{
	const char *name;

	*ret_size = vault_point_disk_size(r->point, r->disk);
	if (*ret_size >= 0)
		return 0;
	(void)err_set(e, ERR_NOT_FOUND, "point '%s' has no disk '%s'; it has:", r->c->args->words[1],
	    r->disk);
	for (size_t i = 0; (name = vault_point_disk_name(r->point, i)) != NULL; i++)
		(void)snprintf(e->msg + strlen(e->msg), sizeof(e->msg) - strlen(e->msg), " '%s'", name);
	return -1;
}

/* The image gets its name when it is whole. */
static int write_whole(struct restoring *r, const char *partial, int64_t size, struct err *e)
{
	if (disk_sink_create(partial, r->format, size, &r->sink, e) != 0)
		return -1;
	if (vault_restore_disk(r->point, r->disk, r->sink, 0, NULL, &r->bar.hook, e) == 0 &&
	    disk_sink_finish(&r->sink, e) == 0) {
		if (renameat2(AT_FDCWD, partial, AT_FDCWD, r->path, RENAME_NOREPLACE) == 0)
			return fs_sync_parent(r->path, e);
		(void)err_sys(e, errno, "naming '%s'", r->path);
	}
	(void)unlink(partial);	/* half a disk is of no use */
	return -1;
}

static int into_new(struct restoring *r, int64_t size, struct err *e)
{
	auto_free char *partial = NULL;

	if (access(r->path, F_OK) == 0)
		return err_set(e, ERR_CONFLICT, "'%s' exists", r->path);
	if (asprintf(&partial, "%s.partial", r->path) < 0)
		return err_nomem(e);
	return write_whole(r, partial, r->format == DISK_VHD ? disk_vhd_size(size) : size, e);
}

static int in_place(struct restoring *r, struct err *e)
{
	const struct vault_base known = { .point = r->c->args->known, .disk = r->disk };
	struct vault_in_place_stats s;

	if (disk_sink_open(r->path, r->format, &r->sink, e) != 0 ||
	    vault_restore_in_place(r->point, r->disk, r->sink, known.point != NULL ? &known : NULL, 0,
		NULL, &r->bar.hook, &s, e) != 0 ||
	    disk_sink_finish(&r->sink, e) != 0)
		return -1;
	progress_end(&r->bar);
	if (r->c->args->as_json)
		return vault_cmd_print(json_pack("{s:I, s:I, s:I}", "comparedBytes",
		    (json_int_t)s.compared, "writtenBytes", (json_int_t)s.written, "clearedBytes",
		    (json_int_t)s.cleared), e);
	(void)printf("%lld MiB compared, %lld MiB written, %lld MiB cleared\n",
	    (long long)(s.compared / MIB), (long long)(s.written / MIB), (long long)(s.cleared / MIB));
	return 0;
}

static int restore(struct restoring *r, struct err *e)
{
	const char *format = r->c->args->format;
	int64_t size;

	if (format != NULL && !disk_format_parse(str_c(format), &r->format))
		return err_set(e, ERR_INVALID, "'%s' is no format: raw, vhd or qcow2", format);
	if (r->c->args->known != NULL && !r->c->args->in_place)
		return err_set(e, ERR_INVALID, "--known is for --in-place");
	if (vault_cmd_point(r->c, r->c->args->words[1], &r->point, e) != 0 ||
	    find_disk(r, &size, e) != 0)
		return -1;
	return r->c->args->in_place ? in_place(r, e) : into_new(r, size, e);
}

int vault_cmd_restore(struct vault_cmd *c)
{
	cleanup_with(restoring_done) struct restoring r = {
		.c = c,
		.disk = c->args->words[2],
		.path = c->args->words[3],
		.format = DISK_RAW,
	};
	struct err e = { 0 };

	progress_begin(&r.bar, "restoring");
	return restore(&r, &e) != 0 ? cli_fail("vault restore", &e) : CLI_OK;
}
