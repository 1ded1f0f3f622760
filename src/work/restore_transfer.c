/* restore_transfer.c - disk data from the vault into new files.
 *
 * A file's name is random and in the job's state before it is made, so what is
 * found under it is ours.  "durable" in the state is where a disk goes on
 * after a crash; what lies beyond it is written again. */
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fs.h"
#include "blob/blob.h"
#include "work/restore.h"

#define TASK "Transfer data from vault"
#define SAVE_BYTES (INT64_C(256) << 20)
#define SAVE_US 2000000
#define GIB (1024.0 * 1024.0 * 1024.0)

static void close_sink(struct disk_sink **s)
{
	disk_sink_close(*s);
}

static int open_point(struct restore *r, struct vault_point **ret, struct err *e)
{
	const char *item = arena_lower(&r->arena, str_c(jstr(job_args(r->job), "itemId", "")));
	struct vault *v;

	if (item == NULL)
		return err_nomem(e);
	if (restore_open_vault(r, &v, e) != 0)
		return -1;
	return vault_point_open(v, item, r->point.name, ret, e);
}

/* ---- where a disk goes ---- */

/* A blob's path is made on the way, for the container must exist. */
static int blob_place(struct restore *r, json_t *disk, struct err *e)
{
	const char *root, *blob = arena_fmt(&r->arena, "%s.vhd", jstr(disk, "name", ""));
	auto_free char *path = NULL;

	if (blob == NULL)
		return err_nomem(e);
	if (restore_account_dir(r, &root, e) != 0 ||
	    blob_container_create(root, restore_container(r), e) != 0 ||
	    blob_path(root, restore_container(r), blob, &path, e) != 0 ||
	    jset(disk, "blob", json_string(blob), e) != 0)
		return -1;
	return jset(disk, "path", json_string(path), e);
}

static int64_t sink_size(const struct restore *r, const json_t *disk)
{
	int64_t size = jint(disk, "size", 0);

	return r->is_unmanaged ? disk_vhd_size(size) : size;
}

static int open_sink(struct restore *r, json_t *disk, int64_t durable, struct disk_sink **ret,
    struct err *e)
{
	const char *path = jstr(disk, "path", "");
	enum disk_format format = r->is_unmanaged ? DISK_VHD : DISK_RAW;
	int64_t size = sink_size(r, disk);

	if (durable > 0 && access(path, F_OK) == 0)
		return disk_sink_reopen(path, format, size, ret, e);
	/* A file of which nothing is known to be written may be cut short: begin anew. */
	if (jset(disk, "durable", json_integer(0), e) != 0)
		return -1;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(e, errno, "removing '%s'", path);
	return disk_sink_create(path, format, size, ret, e);
}

/* ---- one disk ---- */

struct feed {
	struct restore *r;
	json_t *disk;
	int64_t before, total;		/* bytes of the disks before this one, and of all */
	int64_t durable, saved;		/* position in this disk */
	int64_t saved_us;
	struct err *e;			/* what made tick() stop, if it did */
	bool has_failed;
};

static const char *amount(int64_t bytes, char *text, size_t size)
{
	char *dot;
	int n = snprintf(text, size, "%.2f", (double)bytes / GIB);

	while (n > 0 && text[n - 1] == '0')
		text[--n] = '\0';
	dot = strchr(text, '.');
	if (dot != NULL && dot[1] == '\0')
		*dot = '\0';
	return text;
}

static void tell(int64_t done, int64_t total, char *text, size_t size)
{
	char a[32], b[32];

	(void)snprintf(text, size, "%s GBs / %s GBs Transferred", amount(done, a, sizeof(a)),
	    amount(total, b, sizeof(b)));
}

static int save(struct feed *f, int64_t done, struct err *e)
{
	char text[96];

	tell(f->before + done, f->total, text, sizeof(text));
	if (jset(f->disk, "durable", json_integer(f->durable), e) != 0 ||
	    job_task_details(f->r->job, TASK, text, e) != 0 || job_save(f->r->job, e) != 0)
		return -1;
	f->saved = f->durable;
	f->saved_us = clock_now_us(f->r->world->clock);
	return failpoint("restore/saved", e);
}

static bool tick(void *arg, int64_t done, int64_t total)
{
	struct feed *f = arg;
	int64_t now_us = clock_now_us(f->r->world->clock);

	(void)total;
	job_progress(f->r->job, f->before + done, f->total);
	if (f->durable != f->saved && (f->durable - f->saved >= SAVE_BYTES ||
	    now_us - f->saved_us >= SAVE_US) && save(f, done, f->e) != 0)
		f->has_failed = true;
	return f->has_failed || job_cancel_asked(f->r->job);
}

static int write_data(struct feed *f, struct vault_point *p, struct disk_sink *sink,
    struct err *e)
{
	const char *source = jstr(f->disk, "source", "");
	struct vault_progress progress = { tick, f };
	struct err why = { 0 };

	f->durable = f->saved = jint(f->disk, "durable", 0);
	f->saved_us = clock_now_us(f->r->world->clock);
	f->e = &why;
	if (f->durable >= jint(f->disk, "size", 0))
		return 0;	/* all of it was written before */
	if (vault_restore_disk(p, source, sink, f->durable, &f->durable, &progress, e) != 0) {
		if (f->has_failed)
			*e = why;	/* "cancelled" only says that tick() said so */
		return -1;
	}
	return 0;
}

static int write_disk(struct feed *f, struct vault_point *p, struct err *e)
{
	cleanup_with(close_sink) struct disk_sink *sink = NULL;

	if (open_sink(f->r, f->disk, f->durable, &sink, e) != 0 ||
	    write_data(f, p, sink, e) != 0)
		return -1;
	return disk_sink_finish(&sink, e);
}

static int publish_blob(struct restore *r, const json_t *disk, struct err *e)
{
	const char *root;

	if (!r->is_unmanaged)
		return 0;
	if (restore_account_dir(r, &root, e) != 0)
		return -1;
	return blob_publish(root, restore_container(r), jstr(disk, "blob", ""), true,
	    "application/octet-stream", NULL, e);
}

static int transfer_disk(struct feed *f, struct vault_point *p, struct err *e)
{
	struct restore *r = f->r;

	if (jbool(f->disk, "complete", false))
		return 0;
	f->durable = jint(f->disk, "durable", 0);
	if ((r->is_unmanaged && blob_place(r, f->disk, e) != 0) ||
	    write_disk(f, p, e) != 0 || publish_blob(r, f->disk, e) != 0)
		return err_in(e, "restoring disk '%s' to '%s'", jstr(f->disk, "source", ""),
		    jstr(f->disk, "path", "?"));
	if (jset(f->disk, "complete", json_true(), e) != 0 || job_save(r->job, e) != 0)
		return -1;
	return failpoint("restore/disk", e);
}

/* ---- all of them ---- */

static int64_t bytes_of(struct vault_point *p, const json_t *disk)
{
	int64_t n = vault_point_disk_data(p, jstr(disk, "source", ""));

	return n > 0 ? n : 0;
}

static int check_disks(const struct restore *r, struct vault_point *p, int64_t *ret_total,
    struct err *e)
{
	int64_t total = 0;
	json_t *disk;
	size_t i;

	json_array_foreach(r->disks, i, disk) {
		int64_t size = vault_point_disk_size(p, jstr(disk, "source", ""));

		if (size < 0)
			return err_set(e, ERR_CORRUPT, "recovery point '%s' has no data of disk '%s'",
			    r->point.name, jstr(disk, "source", ""));
		if (jset(disk, "size", json_integer(size), e) != 0)
			return -1;
		total += bytes_of(p, disk);
	}
	*ret_total = total;
	return 0;
}

/* Said before rather than found out when the file system, which others share, is full. */
static int check_space(struct restore *r, struct vault_point *p, struct err *e)
{
	const char *region = jstr(r->target, "region", ""), *dir;
	struct statvfs fs;
	int64_t need = 0, available;
	json_t *disk;
	size_t i;

	if ((r->is_unmanaged ? restore_account_dir(r, &dir, e)
	    : world_disk_dir(r->world, region, &r->arena, &dir, e)) != 0)
		return -1;
	json_array_foreach(r->disks, i, disk)
		if (jint(disk, "durable", 0) == 0 && !jbool(disk, "complete", false))
			need += bytes_of(p, disk);
	if (statvfs(dir, &fs) != 0)
		return err_sys(e, errno, "asking for free space of '%s'", dir);
	available = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (need > available)
		return err_set(e, ERR_NO_SPACE, "restoring to '%s' needs %lld bytes, but only %lld are "
		    "free: disk full", dir, (long long)need, (long long)available);
	return 0;
}

static int transfer_all(struct restore *r, struct vault_point *p, struct err *e)
{
	struct feed f = { .r = r };
	char text[96];
	json_t *disk;
	size_t i;

	if (check_disks(r, p, &f.total, e) != 0 || check_space(r, p, e) != 0)
		return -1;
	json_array_foreach(r->disks, i, disk) {
		f.disk = disk;
		if (transfer_disk(&f, p, e) != 0)
			return -1;
		f.before += bytes_of(p, disk);
		job_progress(r->job, f.before, f.total);
	}
	tell(f.total, f.total, text, sizeof(text));
	return job_task_end(r->job, TASK, text, e);
}

int restore_transfer(struct job *j, void *world, struct err *e)
{
	auto_point struct vault_point *p = NULL;
	auto_restore struct restore r = { 0 };

	if (restore_init(&r, j, world, e) != 0 || job_task_start(j, TASK, e) != 0 ||
	    restore_load_point(&r, e) != 0 || open_point(&r, &p, e) != 0)
		return -1;
	if (transfer_all(&r, p, e) == 0)
		return 0;
	restore_explain(&r, e);
	return -1;
}

/* ---- undo ---- */

static int remove_file(struct restore *r, const json_t *disk, struct err *e)
{
	const char *path = jstr(disk, "path", NULL);
	auto_conn struct db_conn *c = NULL;
	int used;

	if (path == NULL)
		return 0;
	if (db_read_begin(r->world->db, &c, e) != 0)
		return -1;
	used = restore_disk_in_use(c, disk, e);
	if (used != 0)
		return used < 0 ? -1 : err_set(e, ERR_CONFLICT, "'%s' stays: disk '%s' uses it", path,
		    jstr(disk, "id", ""));
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(e, errno, "removing '%s'", path);
	return 0;
}

int restore_transfer_undo(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };
	const char *root;
	json_t *disk;
	size_t i;
	int rc = 0;

	if (restore_init(&r, j, world, e) != 0)
		return -1;
	if (r.is_unmanaged && restore_container(&r)[0] != '\0')
		return restore_account_dir(&r, &root, e) != 0 ? -1
		    : blob_container_delete(root, restore_container(&r), e);
	json_array_foreach(r.disks, i, disk)
		if (remove_file(&r, disk, e) != 0)
			rc = -1;	/* the others go all the same */
	return rc;
}
