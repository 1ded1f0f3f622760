/* engine.c - the threads: workers that claim and run, and one ticker that renews leases,
 * notices cancellation and writes progress down. */
#include <errno.h>
#include <time.h>

#include "job/handle.h"

#define LEASE_US (60 * INT64_C(1000000))
#define LOOK_S 1	/* between looks at the rows when nobody wakes us */

/* ---- sleeping and waking ---- */

static unsigned wakes_now(struct job_engine *en)
{
	unsigned n;

	(void)pthread_mutex_lock(&en->mu);
	n = en->wakes;
	(void)pthread_mutex_unlock(&en->mu);
	return n;
}

/* Returns after a second, or as soon as there was a wake since `seen`. */
static void doze(struct job_engine *en, unsigned seen)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_S;
	(void)pthread_mutex_lock(&en->mu);
	while (en->wakes == seen &&
	    pthread_cond_timedwait(&en->woken, &en->mu, &until) != ETIMEDOUT)
		;
	(void)pthread_mutex_unlock(&en->mu);
}

void job_engine_wake(struct job_engine *en)
{
	(void)pthread_mutex_lock(&en->mu);
	en->wakes++;
	(void)pthread_cond_broadcast(&en->woken);
	(void)pthread_mutex_unlock(&en->mu);
}

/* ---- workers ---- */

static void enlist(struct job_engine *en, struct job *j)
{
	(void)pthread_mutex_lock(&en->running_mu);
	j->next = en->running;
	en->running = j;
	(void)pthread_mutex_unlock(&en->running_mu);
}

static void delist(struct job_engine *en, struct job *j)
{
	struct job **at = &en->running;

	(void)pthread_mutex_lock(&en->running_mu);
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	(void)pthread_mutex_unlock(&en->running_mu);
}

static void *work(void *arg)
{
	struct job_engine *en = arg;

	while (!en->stop) {
		unsigned seen = wakes_now(en);
		struct err e = { 0 };
		struct job *j = NULL;
		int rc = job_claim(en, &j, &e);

		if (rc <= 0) {
			if (rc < 0)
				job_report(en, "cannot claim", NULL, &e);
			doze(en, seen);
			continue;
		}
		enlist(en, j);
		job_report(en, "claimed", j->row.id, NULL);
		job_run(j);
		delist(en, j);
		job_free(j);
	}
	return NULL;
}

/* ---- the ticker ---- */

static int look_at_cancel(struct db_conn *c, struct job *j, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (db_prepare(c, "SELECT status FROM job WHERE id = $1", &q, e) != 0 ||
	    db_bind_text(&q, 1, j->row.id, e) != 0)
		return -1;
	rc = db_step(&q, e);
	if (rc > 0 && strcmp(str_c(db_col_text(&q, 0)).p, JOB_CANCELLING) == 0)
		j->cancel = true;
	return rc < 0 ? -1 : 0;
}

static int look_at_cancels(struct job_engine *en, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	if (db_read_begin(en->opts.db, &c, e) != 0)
		return -1;
	for (struct job *j = en->running; j != NULL; j = j->next)
		if (look_at_cancel(c, j, e) != 0)
			return -1;
	return 0;
}

static bool has_news(const struct job *j)
{
	return j->done != j->done_saved || j->total != j->total_saved;
}

/* A lease that was given back (0) stays so: the next engine is to take the job at once. */
static int renew(struct db_conn *c, struct job *j, struct err *e)
{
	const struct job_engine *en = j->engine;
	int64_t done = j->done, total = j->total;
	int n = db_exec(c, e, "UPDATE job SET lease_end_us = $3, done = $4, total = $5"
	    " WHERE id = $1 AND lease_holder = $2 AND end_us = 0 AND lease_end_us > 0", "ssiii",
	    j->row.id, en->holder,
	    clock_now_us(en->opts.clock) + en->opts.lease_us, done, total);

	if (n < 0)
		return -1;
	if (n == 0)
		j->lost = true;
	j->done_saved = done;
	j->total_saved = total;
	return 0;
}

static int renew_leases(struct job_engine *en, bool is_due, struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	bool any = is_due;

	for (struct job *j = en->running; j != NULL; j = j->next)
		any |= has_news(j);
	if (!any)
		return 0;
	if (db_write_begin(en->opts.db, &c, e) != 0)
		return -1;
	for (struct job *j = en->running; j != NULL; j = j->next)
		if ((is_due || has_news(j)) && renew(c, j, e) != 0)
			return -1;
	return db_commit(&c, e);
}

static int64_t monotonic_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool ticker_stopped(struct job_engine *en)
{
	bool is_stopped;

	(void)pthread_mutex_lock(&en->mu);
	is_stopped = en->ticker_stop;
	(void)pthread_mutex_unlock(&en->mu);
	return is_stopped;
}

struct beat {
	int64_t renewed_us, flushed_us;	/* monotonic */
};

/* A wake only looks at cancellation; rows are written once a second at most. */
static void tick(struct job_engine *en, struct beat *b)
{
	int64_t now_us = monotonic_us();
	bool is_due = now_us - b->renewed_us >= en->opts.lease_us / 3;
	struct err e = { 0 };

	(void)pthread_mutex_lock(&en->running_mu);
	if (en->running != NULL && look_at_cancels(en, &e) != 0)
		job_report(en, "cannot look", NULL, &e);
	if (en->running != NULL && (is_due || now_us - b->flushed_us >= LOOK_S * 900000)) {
		if (renew_leases(en, is_due, &e) != 0)
			job_report(en, "cannot renew", NULL, &e);
		b->flushed_us = now_us;
		if (is_due)
			b->renewed_us = now_us;
	}
	(void)pthread_mutex_unlock(&en->running_mu);
}

static void *keep_time(void *arg)
{
	struct job_engine *en = arg;
	struct beat b = { 0 };

	while (!ticker_stopped(en)) {
		unsigned seen = wakes_now(en);

		tick(en, &b);
		doze(en, seen);
	}
	return NULL;
}

/* ---- start and stop ---- */

static int start_threads(struct job_engine *en, struct err *e)
{
	int rc = pthread_create(&en->ticker, NULL, keep_time, en);

	if (rc != 0)
		return err_sys(e, rc, "starting the job ticker");
	en->has_ticker = true;
	while (en->worker_count < en->opts.workers) {
		rc = pthread_create(&en->worker[en->worker_count], NULL, work, en);
		if (rc != 0)
			return err_sys(e, rc, "starting a job worker");
		en->worker_count++;
	}
	return 0;
}

static void init_locks(struct job_engine *en)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&en->woken, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&en->mu, NULL);
	(void)pthread_mutex_init(&en->running_mu, NULL);
}

int job_engine_start(const struct job_engine_opts *o, struct job_engine **ret, struct err *e)
{
	struct job_engine *en = calloc(1, sizeof(*en));

	if (en == NULL)
		return err_nomem(e);
	en->opts = *o;
	if (en->opts.lease_us <= 0)
		en->opts.lease_us = LEASE_US;
	init_locks(en);
	job_holder_name(en->holder);
	en->worker = calloc(o->workers, sizeof(*en->worker));
	if ((en->worker == NULL ? err_nomem(e) : 0) != 0 ||
	    job_leases_drop_dead(o->db, e) != 0 || start_threads(en, e) != 0) {
		job_engine_stop(en);
		return err_in(e, "starting the job engine");
	}
	*ret = en;
	return 0;
}

void job_engine_stop(struct job_engine *en)
{
	if (en == NULL)
		return;
	en->stop = true;
	job_engine_wake(en);
	for (unsigned i = 0; i < en->worker_count; i++)
		(void)pthread_join(en->worker[i], NULL);
	/* Last, because leases must hold until the last job was put down. */
	(void)pthread_mutex_lock(&en->mu);
	en->ticker_stop = true;
	(void)pthread_mutex_unlock(&en->mu);
	job_engine_wake(en);
	if (en->has_ticker)
		(void)pthread_join(en->ticker, NULL);
	(void)pthread_cond_destroy(&en->woken);
	(void)pthread_mutex_destroy(&en->mu);
	(void)pthread_mutex_destroy(&en->running_mu);
	free(en->worker);
	free(en);
}
