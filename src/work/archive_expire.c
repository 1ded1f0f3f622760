/* archive_expire.c - rehydrated points leave the vault when their time is over.
 *
 * Whether a point may go is decided, and it goes, in one write transaction: a restore writes
 * that the point is to stay, or its job's row, in another, so it comes either before or after. */
#include <stdio.h>

#include "base/log.h"
#include "work/archive.h"
#include "work/replicator.h"

#define HOUR_US (INT64_C(3600) * 1000000)

struct archive_keeper {
	struct world *world;
	pthread_t thread;
	pthread_mutex_t mu;	/* guards `stop` */
	pthread_cond_t changed;
	bool stop;
};

/* ---- one point ---- */
static bool is_over(const struct resource *point, int64_t now_us)
{
	return archive_has(point) && archive_keep_until(point) != 0 &&
	    archive_keep_until(point) <= now_us;
}

static int is_busy(struct db_conn *c, const char *item, struct err *e)
{
	auto_job_row struct job_row job = { 0 };

	return job_running_on(c, item, &job, e);
}

/* The archive must have the point: otherwise the vault's is the last, and stays. */
static int drop(struct world *w, const struct resource *vault, const struct resource *point,
    struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *item = arena_lower(&a, str_c(point->parent));
	struct vault *v, *archive;
	int found;

	if (item == NULL)
		return err_nomem(e);
	if (world_vault(w, vault, &v, e) != 0)
		return -1;
	found = archive_open(w, vault, &archive, e);
	if (found > 0)
		found = archive_probe(archive, point, e);
	if (found <= 0)
		return found < 0 ? -1 : err_set(e, ERR_CORRUPT, "recovery point '%s' is not in the "
		    "archive: its copy in the vault stays", point->id);
	return vault_point_delete(v, item, point->name, e) < 0 ? -1 : 0;
}

/* 1: it went, 0: it stays, -1. */
static int expire_point(struct world *w, const struct resource *vault, const char *id,
    struct err *e)
{
	auto_resource struct resource point = { 0 };
	auto_conn struct db_conn *c = NULL;
	int64_t now_us = clock_now_us(w->clock);
	int r;

	if (db_write_begin(w->db, &c, e) != 0)
		return -1;
	r = resource_get(c, id, &point, e);
	if (r <= 0 || !is_over(&point, now_us))
		return r < 0 ? -1 : 0;
	r = is_busy(c, point.parent, e);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (drop(w, vault, &point, e) != 0 || archive_tell_archived(&point, e) != 0 ||
	    resource_put(c, &point, now_us, e) != 0 || db_commit(&c, e) != 0)
		return -1;
	return 1;
}

/* ---- all of them ---- */
struct found {
	int64_t now_us;
	json_t *ids;		/* owned; of points */
};

static int note_point(void *arg, struct resource *point, struct err *e)
{
	struct found *f = arg;

	if (!is_over(point, f->now_us))
		return 0;
	return json_array_append_new(f->ids, json_string(point->id)) != 0 ? err_nomem(e) : 0;
}

/* The vault that the point's id begins with. */
static int vault_of(struct world *w, const char *id, struct resource *ret, struct err *e)
{
	static const char below[] = "/backupFabrics/";
	const char *end = strstr(id, below);
	auto_arena struct arena a = { 0 };
	auto_conn struct db_conn *c = NULL;
	const char *vault;

	if (end == NULL)
		return 0;
	vault = arena_str(&a, (struct str){ id, (size_t)(end - id) });
	if (vault == NULL)
		return err_nomem(e);
	return db_read_begin(w->db, &c, e) != 0 ? -1 : resource_get(c, vault, ret, e);
}

/* What the vault alone needed of the point; a failure leaves it to the next collection. */
static void collect(struct world *w, const struct resource *vault)
{
	struct vault_collect_stats stats;
	struct err why = { 0 };
	struct vault *v;

	if (world_vault(w, vault, &v, &why) != 0 || vault_collect(v, NULL, &stats, &why) != 0)
		log_event(LOG_WARN, "collect", "vault", vault->id, "reason", why.msg, NULL);
	replicator_wake(w, vault->id);
}

static int expire_all(struct world *w, const json_t *ids, struct err *e)
{
	int r = 0;
	const json_t *x;
	size_t i;

	json_array_foreach(ids, i, x) {
		auto_resource struct resource vault = { 0 };
		const char *id = json_string_value(x);
		int gone = vault_of(w, id, &vault, e);

		if (gone > 0)
			gone = expire_point(w, &vault, id, e);
		if (gone > 0)
			collect(w, &vault);
		if (gone < 0) {
			log_event(LOG_WARN, "rehydrated-point-stays", "point", id, "reason", e->msg,
			    NULL);
			r = -1;		/* the others go all the same */
		}
	}
	return r;
}

int archive_expire(struct world *w, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT };
	auto_json json_t *ids = json_array();
	struct found f = { clock_now_us(w->clock), ids };
	auto_conn struct db_conn *c = NULL;
	int r;

	if (ids == NULL)
		return err_nomem(e);
	if (db_read_begin(w->db, &c, e) != 0)
		return -1;
	r = resource_list(c, &q, note_point, &f, e);
	db_rollback(&c);
	return r < 0 ? -1 : expire_all(w, ids, e);
}

/* ---- the thread ---- */
/* Until an hour has passed, or (true) the end. */
static bool wait_hour(struct archive_keeper *k)
{
	int64_t until = clock_monotonic_us() + HOUR_US;
	struct timespec t = { until / 1000000, until % 1000000 * 1000 };
	bool stop;

	pthread_mutex_lock(&k->mu);
	while (!k->stop && pthread_cond_timedwait(&k->changed, &k->mu, &t) == 0)
		;
	stop = k->stop;
	pthread_mutex_unlock(&k->mu);
	return stop;
}

static void *run(void *arg)
{
	struct archive_keeper *k = arg;
	struct err e;

	do {
		e = (struct err){ 0 };
		if (archive_expire(k->world, &e) != 0)
			log_event(LOG_WARN, "archive", "what", "rehydrated points", "error", e.msg,
			    NULL);
	} while (!wait_hour(k));
	return NULL;
}

int archive_keeper_start(struct world *w, struct archive_keeper **ret, struct err *e)
{
	struct archive_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t attr;
	int rc;

	if (k == NULL)
		return err_nomem(e);
	k->world = w;
	pthread_mutex_init(&k->mu, NULL);
	pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&k->thread, NULL, run, k);
	if (rc == 0) {
		*ret = k;
		return 0;
	}
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->mu);
	free(k);
	return err_sys(e, rc, "starting the archive's thread");
}

void archive_keeper_stop(struct archive_keeper *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->mu);
	k->stop = true;
	pthread_cond_signal(&k->changed);
	pthread_mutex_unlock(&k->mu);
	(void)pthread_join(k->thread, NULL);
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->mu);
	free(k);
}
