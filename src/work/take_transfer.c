/* take_transfer.c - disk data into the vault, up to the point object, which is the commit.
 *
 * A crash before the commit leaves chunks, which the next run finds and does not store again; a
 * crash after it leaves the point, which the next run recognizes as its own by the job's id. */
#include <errno.h>
#include <sys/stat.h>

#include "base/failpoint.h"
#include "work/replicator.h"
#include "work/take_point.h"

#define TASK "Transfer data to vault"
#define MIB (INT64_C(1) << 20)

static void close_src(struct disk_src **s)
{
	disk_src_close(*s);
}

static void end_session(struct vault_session **s)
{
	vault_session_end(*s);
}

/* ---- what is there already ---- */

/* 1 and *ret the point if the vault has it, 0, -1; ERR_CONFLICT if it is somebody else's. */
static int find_own(struct take *t, struct vault *v, const char *item, struct vault_point **ret,
    struct err *e)
{
	auto_point struct vault_point *p = NULL;
	const char *name = jstr(t->plan, "name", "");
	struct err why = { 0 };

	if (vault_point_open(v, item, name, &p, &why) != 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		*e = why;
		return -1;
	}
	if (strcmp(jstr(vault_point_meta(p), "internal.jobId", ""), job_id(t->job)) != 0)
		return err_set(e, ERR_CONFLICT, "point '%s' is in the vault, but not of this job",
		    name);
	*ret = TAKE(p);
	return 1;
}

/* 1 if the commit was reached before a crash. */
static int adopt(struct take *t, struct vault *v, const char *item, struct err *e)
{
	auto_point struct vault_point *p = NULL;
	int found = find_own(t, v, item, &p, e);
	int64_t total = 0;
	json_t *disks;
	const json_t *x;
	size_t i;

	if (found <= 0)
		return found;
	disks = json_deep_copy(jat(vault_point_meta(p), "internal.disks"));
	json_array_foreach(disks, i, x)
		total += jint(x, "data", 0);
	if (jset(t->plan, "disks", disks, e) != 0 ||
	    jset(t->plan, "read", json_integer(total), e) != 0)
		return -1;
	return 1;
}

/* ---- images that hold still ---- */

static int stamp_of(struct take *t, const json_t *disk, const char **ret, struct err *e)
{
	const char *path = jstr(disk, "path", "");
	struct stat st;

	if (stat(path, &st) != 0)
		return err_sys(e, errno, "disk image '%s'", path);
	*ret = arena_fmt(&t->arena, "%lld.%09ld:%lld:%llu", (long long)st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec, (long long)st.st_size, (unsigned long long)st.st_ino);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int note_stamps(struct take *t, struct err *e)
{
	const char *stamp;
	json_t *disk;
	size_t i;

	json_array_foreach(jat(t->plan, "disks"), i, disk)
		if (stamp_of(t, disk, &stamp, e) != 0 ||
		    jset(disk, "stamp", json_string(stamp), e) != 0)
			return -1;
	return 0;
}

/* A point mixes no times: every image is as it was when the first byte was read. */
static int check_stamps(struct take *t, struct err *e)
{
	const char *stamp;
	json_t *disk;
	size_t i;

	json_array_foreach(jat(t->plan, "disks"), i, disk) {
		if (stamp_of(t, disk, &stamp, e) != 0)
			return -1;
		if (strcmp(stamp, jstr(disk, "stamp", "")) != 0)
			return err_set(e, ERR_BUSY,
			    "disk image '%s' changed while it was backed up",
			    jstr(disk, "path", ""));
	}
	return 0;
}

/* ---- reading ---- */

struct feed {
	struct take *t;
	int64_t before, rest;	/* bytes of the disks before this one; about those after it */
	struct err why;		/* what made tick() stop, if it did */
	bool has_failed;
};

static bool tick(void *arg, int64_t done, int64_t total)
{
	struct feed *f = arg;

	if (!f->t->is_pre_restore)
		job_progress(f->t->job, f->before + done, f->before + total + f->rest);
	if (!f->has_failed && failpoint("backup/transfer/chunk", &f->why) != 0)
		f->has_failed = true;
	return f->has_failed || job_cancel_asked(f->t->job);
}

static int read_disk(struct feed *f, struct vault_session *s, json_t *disk, struct err *e)
{
	cleanup_with(close_src) struct disk_src *src = NULL;
	struct vault_progress progress = { tick, f };
	struct vault_disk_stats stats = { 0 };
	enum disk_format format = DISK_RAW;

	(void)disk_format_parse(str_c(jstr(disk, "format", "")), &format);
	if (disk_src_open(jstr(disk, "path", ""), format, &src, e) != 0)
		return -1;
	if (disk_src_size(src) < jint(disk, "size", 0))
		return err_set(e, ERR_BUSY, "disk image '%s' shrank while it was backed up",
		    jstr(disk, "path", ""));
	if (vault_backup_disk(s, jstr(disk, "name", ""), src, &progress, &stats, e) != 0) {
		if (f->has_failed)
			*e = f->why;	/* "cancelled" only says that tick() said so */
		return -1;
	}
	f->before += stats.read;
	if (jset(disk, "size", json_integer(stats.virtual_size), e) != 0)
		return -1;
	return jset(disk, "data", json_integer(stats.read), e);
}

static int read_disks(struct take *t, struct vault_session *s, struct err *e)
{
	struct feed f = { .t = t };
	json_t *disk;
	size_t i;

	json_array_foreach(jat(t->plan, "disks"), i, disk)
		f.rest += jint(disk, "allocated", 0);
	json_array_foreach(jat(t->plan, "disks"), i, disk) {
		f.rest -= jint(disk, "allocated", 0);
		if (read_disk(&f, s, disk, e) != 0)
			return -1;
	}
	return jset(t->plan, "read", json_integer(f.before), e);
}

/* ---- commit ---- */

static json_t *meta_of(struct take *t)
{
	auto_json json_t *meta = take_document(t);

	if (json_object_set_new(meta, "itemId", json_string(job_item(t->job))) != 0 ||
	    json_object_set_new(meta, "vaultId", json_string(job_vault(t->job))) != 0 ||
	    json_object_set_new(meta, "sourceResourceId",
	    json_string(jstr(t->plan, "sourceId", ""))) != 0)
		return NULL;
	return TAKE(meta);
}

static int commit(struct take *t, struct vault_session *s, struct err *e)
{
	auto_json json_t *meta = meta_of(t);

	if (meta == NULL)
		return err_nomem(e);
	if (job_cancel_asked(t->job))
		return err_set(e, ERR_CANCELLED, "cancelled before the commit");
	if (vault_session_commit(s, jstr(t->plan, "name", ""), meta, e) != 0)
		return -1;
	return failpoint("backup/transfer/committed", e);
}

/* Somebody collects garbage by hand, say: that ends, and a backup should not fail for it. */
#define BUSY_PATIENCE_US INT64_C(600000000)
#define BUSY_PAUSE_US INT64_C(500000)

static int begin_session(struct take *t, struct vault *v, const char *item,
    struct vault_session **ret, struct err *e)
{
	int64_t now = clock_monotonic_us(), end = now + BUSY_PATIENCE_US;

	while (vault_session_begin(v, item, ret, e) != 0) {
		now = clock_monotonic_us();
		if (e->kind != ERR_BUSY || now >= end)
			return -1;
		if (job_cancel_asked(t->job))
			return err_set(e, ERR_CANCELLED, "cancelled while the vault was in use");
		clock_sleep_until(now + BUSY_PAUSE_US);
	}
	return vault_session_chunk_size(*ret, (size_t)t->world->settings->chunk_kib << 10, e);
}

static int make(struct take *t, struct vault *v, const char *item, struct err *e)
{
	cleanup_with(end_session) struct vault_session *s = NULL;

	if (note_stamps(t, e) != 0 || begin_session(t, v, item, &s, e) != 0 ||
	    read_disks(t, s, e) != 0 || check_stamps(t, e) != 0)
		return -1;
	return commit(t, s, e);
}

int take_transfer(struct job *j, struct world *w, struct err *e)
{
	auto_take struct take t;
	struct vault *v;
	const char *item, *text;
	int found;

	take_init(&t, j, w);
	if ((!t.is_pre_restore && job_task_start(j, TASK, e) != 0) ||
	    take_open_vault(&t, &v, &item, e) != 0)
		return -1;
	found = adopt(&t, v, item, e);
	if (found < 0 || (found == 0 && make(&t, v, item, e) != 0))
		return err_in(e, "transferring data to the vault");
	if (t.is_pre_restore)
		return 0;
	text = arena_fmt(&t.arena, "%lld MB transferred",
	    (long long)((take_bytes(j) + MIB - 1) / MIB));
	return text != NULL ? job_task_end(j, TASK, text, e) : err_nomem(e);
}

/* ---- undo ---- */

static int is_published(struct take *t, struct err *e)
{
	auto_resource struct resource row = { 0 };
	auto_conn struct db_conn *c = NULL;
	const char *id = take_point_id(t);

	if (id == NULL)
		return err_nomem(e);
	return db_read_begin(t->world->db, &c, e) != 0 ? -1 : resource_get(c, id, &row, e);
}

int take_transfer_undo(struct job *j, struct world *w, struct err *e)
{
	auto_point struct vault_point *p = NULL;
	auto_take struct take t;
	struct vault *v;
	const char *item;
	int r;

	take_init(&t, j, w);
	if (t.plan == NULL)
		return 0;
	r = is_published(&t, e);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (take_open_vault(&t, &v, &item, e) != 0)
		return -1;
	r = find_own(&t, v, item, &p, e);
	if (r <= 0)
		return r;
	if (vault_point_delete(v, item, jstr(t.plan, "name", ""), e) < 0)
		return -1;
	replicator_wake(w, job_vault(j));
	return 0;
}
